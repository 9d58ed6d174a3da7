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

  init(id: OpaqueID) { self.id = id }

  /// Whether nobody would miss it.
  var isUnused: Bool { affiliates.isEmpty && watchers.isEmpty }

  var hasCachedState: Bool { encoded != nil }

  func add(_ watcher: any ClusterWatcher) {
    if !watchers.contains(where: { $0 === watcher }) { watchers.append(watcher) }
  }

  func remove(_ watcher: any ClusterWatcher) { watchers.removeAll { $0 === watcher } }

  /// Tells the watchers of `affiliate`'s new state.
  func announce(_ affiliate: StoredAffiliate, deleted: Bool = false) {
    encoded = nil
    guard !watchers.isEmpty else { return }
    let change = EncodedChange(
      affiliate: affiliate.id, message: WatchMessage.change(affiliate, deleted: deleted))
    for watcher in watchers { watcher.changed(change) }
  }

  /// All affiliates as one message, which is a `ListResponse` as well as a first `WatchResponse`.
  func encodedState() -> EncodedMessage {
    if let encoded { return encoded }
    let message = WatchMessage.state(affiliates.values)
    encoded = message
    return message
  }

  func dropCachedState() { encoded = nil }
}
