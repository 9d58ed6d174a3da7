import ClusterModel
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
      var candidates = state.entries.filter { $0.value.client == client }
      if candidates.count < limitOfClient { candidates = state.entries.count < limit ? [:] : state.entries }
      let oldest = candidates.min { $0.value.last < $1.value.last }
      if let oldest { state.entries[oldest.key] = nil }
      state.clock += 1
      state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, client: client, last: state.clock)
      return oldest?.value.channel
    }
    guard let evicted else { return gauge.add(1) }
    evicted.close(promise: nil)
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
