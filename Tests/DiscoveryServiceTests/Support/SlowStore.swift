import Synchronization

@testable import DiscoveryService

/// A store that answers nothing until the test says so.
final class SlowStore: ClusterStore {
  private struct State {
    var isOpen = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  /// Lets all answers out, now and from now on.
  func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  private func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func update(_ update: AffiliateUpdate) -> StoreAnswer<Void> {
    .later {
      await self.wait()
      return .success(())
    }
  }

  func delete(cluster: OpaqueID, affiliate: OpaqueID) -> StoreAnswer<Void> { .ready(.success(())) }

  func list(cluster: OpaqueID) -> StoreAnswer<EncodedMessage> {
    .later {
      await self.wait()
      return .success(WatchMessage.empty)
    }
  }

  func watch(cluster: OpaqueID, watcher: any ClusterWatcher, opening: UInt64) {}
  func unwatch(cluster: OpaqueID, watcher: any ClusterWatcher) {}
  func statistics() -> StoreStatistics { StoreStatistics() }
}
