import Synchronization

/// The state that the host is told: degraded while the registry says so or publishing fails.
final class ExportedHealth: Sendable {
  private struct State {
    var registry: RegistryError?
    var publishing: RegistryError?
  }

  private let connection: HostConnection
  private let state = Mutex(State())

  init(_ connection: HostConnection) { self.connection = connection }

  /// Hands `event` of the registry to the host; `healthy` waits until publishing works too.
  func send(_ event: RegistryEvent) throws(RegistryError) {
    switch event {
    case .healthy: change { $0.registry = nil }
    case .degraded(let error): change { $0.registry = error }
    default: try connection.send(event)
    }
  }

  func published() {
    change(ifDifferent: true) { $0.publishing = nil }
  }

  func failedToPublish(_ error: RegistryError) {
    change {
      $0.publishing = RegistryError(
        error.code, "can't publish this node: \(error.message)")
    }
  }

  /// Tells the host what is the case after `change`, in the order of the changes.
  private func change(ifDifferent: Bool = false, _ change: (inout State) -> Void) {
    state.withLock { state in
      let before = state.registry ?? state.publishing
      change(&state)
      let now = state.registry ?? state.publishing
      guard !ifDifferent || before != now else { return }
      // Status never fails.
      try? connection.send(now.map { .degraded($0) } ?? .healthy)
    }
  }
}
