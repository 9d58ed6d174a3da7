import ClusterModel
import RegistryKit
import Synchronization

/// Collects what a registry tells, and lets a test wait for it.
final class UpdatesProbe: Sendable {
  private struct State {
    var events: [RegistryEvent] = []
    var waiting: [(condition: @Sendable ([RegistryEvent]) -> Bool, CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  var events: [RegistryEvent] { state.withLock { $0.events } }

  var updates: RegistryUpdates {
    RegistryUpdates { event throws(RegistryError) in
      let ready = self.state.withLock { state in
        state.events.append(event)
        let events = state.events
        let ready = state.waiting.filter { $0.condition(events) }.map(\.1)
        state.waiting.removeAll { $0.condition(events) }
        return ready
      }
      for continuation in ready { continuation.resume() }
    }
  }

  /// Returns when `condition` holds of all events so far.
  func wait(_ condition: @escaping @Sendable ([RegistryEvent]) -> Bool) async {
    await withCheckedContinuation { continuation in
      let holds = state.withLock { state in
        guard !condition(state.events) else { return true }
        state.waiting.append((condition, continuation))
        return false
      }
      if holds { continuation.resume() }
    }
  }

  /// The nodes of the newest snapshot.
  var nodes: [String] {
    for case .update(.snapshot(let records, _)) in events.reversed() {
      return records.map(\.affiliate.nodeID.text).sorted()
    }
    return []
  }
}
