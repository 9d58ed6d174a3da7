import ClusterModel
import RegistryKit
import Synchronization
import TestSupport
import Testing

/// Collects what a registry tells, and lets a test wait for it.
final class UpdatesProbe: Sendable {
  private let state = Mutex<[RegistryEvent]>([])

  var events: [RegistryEvent] { state.withLock { $0 } }

  var updates: RegistryUpdates {
    RegistryUpdates { event throws(RegistryError) in self.state.withLock { $0.append(event) } }
  }

  /// Returns when `condition` holds of all events so far; where it doesn't within a minute, the test fails.
  func wait(_ condition: @escaping @Sendable ([RegistryEvent]) -> Bool) async {
    do {
      try await eventually("the registry tells what is waited for", within: .seconds(60)) {
        condition(events)
      }
    } catch {
      Issue.record(error, "told so far: \(events.suffix(3))")
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
