import ClusterModel
import NIOCore

/// One cluster: its affiliates and who watches it. Guarded by its shard's lock.
final class StoredCluster {
  let id: OpaqueID
  var affiliates: [OpaqueID: StoredAffiliate] = [:]
  /// Who is charged for it, while it has affiliates.
  var owner: IPAddress?
  private var watchers: [any ClusterWatcher] = []
  /// The encoded state, kept between two changes: when a thousand watchers come back at once it is made once.
  private var encoded: EncodedMessage?
  /// When that was made.
  private var encodedAt: Int64 = 0
  /// Whether an affiliate was renewed since, which changed nothing but the time of that.
  private var isRenewed = false
  /// Nanoseconds for which a state whose times of renewal are older is given all the same: many nodes renew and
  /// watch at once when a service is back.
  private static let toleratedAge: Int64 = 100_000_000

  init(id: OpaqueID) { self.id = id }

  /// Whether nobody would miss it.
  var isUnused: Bool { affiliates.isEmpty && watchers.isEmpty }

  var hasCachedState: Bool { encoded != nil }

  func add(_ watcher: any ClusterWatcher) {
    if !watchers.contains(where: { $0 === watcher }) { watchers.append(watcher) }
  }

  func remove(_ watcher: any ClusterWatcher) { watchers.removeAll { $0 === watcher } }

  /// Tells the watchers of `affiliate`'s new state.
  func announce(_ affiliate: StoredAffiliate, _ clock: RenewalClock) {
    encoded = nil
    guard !watchers.isEmpty else { return }
    send(WatchMessage.change(affiliate, clock), of: affiliate)
  }

  /// Tells the watchers that `affiliate` is gone, and why.
  func announce(
    _ affiliate: StoredAffiliate, gone reason: AffiliateRemoval, _ clock: RenewalClock
  ) {
    encoded = nil
    guard !watchers.isEmpty else { return }
    send(WatchMessage.removal(affiliate, reason, clock), of: affiliate)
  }

  private func send(_ message: EncodedMessage, of affiliate: StoredAffiliate) {
    let change = EncodedChange(affiliate: affiliate.id, message: message)
    for watcher in watchers { watcher.changed(change) }
  }

  /// An affiliate was renewed and is as it was: watchers aren't told, whoever asks from now on is.
  func noteRenewal() { isRenewed = true }

  /// All affiliates as one message, which is a `ListResponse` as well as a first `WatchResponse`.
  func encodedState(_ now: Int64, _ clock: RenewalClock) -> EncodedMessage {
    if let encoded, !isRenewed || now &- encodedAt < Self.toleratedAge { return encoded }
    let message = WatchMessage.state(affiliates.values, clock)
    encoded = message
    encodedAt = now
    isRenewed = false
    return message
  }

  func dropCachedState() { encoded = nil }
}
