import ClusterModel
import Exposition
import NIOCore
import Synchronization

/// The connections for pages that are open: so many in all and of one client.
///
/// Where there is no more room, the one that has gone longest without a whole request makes room for a new one. So
/// clients that send slowly shut out nobody: a probe or a scrape is over in a moment.
final class PageConnections: Sendable {
  private struct Entry {
    let channel: any Channel
    let client: IPAddress?
    /// When it came or last had a whole request, by the order of all such events.
    var last: UInt64
  }

  private struct State {
    var entries: [ObjectIdentifier: Entry] = [:]
    var clock: UInt64 = 0
  }

  private let state = Mutex(State())
  private let limit: Int
  private let limitOfClient: Int
  private let gauge: Gauge

  init(limit: Int, gauge: Gauge) {
    self.limit = limit
    limitOfClient = min(limit, max(8, limit / 2))
    self.gauge = gauge
  }

  /// A connection has come; an older one is closed where there are too many.
  func add(_ channel: any Channel, client: IPAddress?) {
    let evicted = state.withLock { state in
      let evicted = toEvict(state.entries, client).flatMap { state.entries.removeValue(forKey: $0)?.channel }
      state.clock += 1
      state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, client: client, last: state.clock)
      return evicted
    }
    guard let evicted else { return gauge.add(1) }
    evicted.close(promise: nil)
  }

  /// Who makes room for one more of `client`: one of the client's own if it has many, else any, else nobody.
  private func toEvict(_ entries: [ObjectIdentifier: Entry], _ client: IPAddress?) -> ObjectIdentifier? {
    guard entries.count >= limitOfClient else { return nil }
    var count = 0
    var own: (key: ObjectIdentifier, last: UInt64)?
    var any: (key: ObjectIdentifier, last: UInt64)?
    for (key, entry) in entries {
      if entry.last < any?.last ?? .max { any = (key, entry.last) }
      guard entry.client == client else { continue }
      count += 1
      if entry.last < own?.last ?? .max { own = (key, entry.last) }
    }
    if count >= limitOfClient { return own?.key }
    return entries.count >= limit ? any?.key : nil
  }

  /// It has sent a whole request.
  func touch(_ channel: any Channel) {
    state.withLock { state in
      state.clock += 1
      state.entries[ObjectIdentifier(channel)]?.last = state.clock
    }
  }

  func remove(_ channel: any Channel) {
    let isKnown = state.withLock { $0.entries.removeValue(forKey: ObjectIdentifier(channel)) != nil }
    if isKnown { gauge.add(-1) }
  }
}
