import RegistryKit
import Synchronization

/// What became of a publication at one service.
enum EndpointStatus: Equatable, Sendable {
  /// The service hasn't answered yet.
  case pending
  /// The service has it; a withdrawal: has it no more.
  case accepted
  /// The service doesn't take it or can't be reached, and is tried again.
  case failed(RegistryError)
}

/// What became of the newest publication, over all services: it is published once one of them has it, and
/// can't be where none takes it; it is withdrawn once none that had it has it any more.
final class PublicationOutcomes: Sendable {
  private struct State {
    var revision: UInt64 = 0
    var withdraws = false
    var statuses: [EndpointStatus]
    /// What was given last of this revision; nil: nothing.
    var given: RegistryError??
  }

  private let services: [String]
  private let give: @Sendable (UInt64, RegistryError?) -> Void
  private let state: Mutex<State>

  /// - Parameters:
  ///   - services: what each service is called in messages.
  ///   - give: takes each outcome that differs from the one before, without waiting.
  init(of services: [String], _ give: @escaping @Sendable (_ revision: UInt64, RegistryError?) -> Void) {
    self.services = services
    self.give = give
    state = Mutex(State(statuses: services.map { _ in .pending }))
  }

  /// Publishing `revision` begins, or is asked for again: then its outcome is given again.
  func begin(_ revision: UInt64, withdraws: Bool) {
    state.withLock { state in
      if revision != state.revision { state.statuses = services.map { _ in .pending } }
      state.revision = revision
      state.withdraws = withdraws
      state.given = nil
    }
  }

  /// `status` is what became of `revision` at the service of that number.
  func update(_ status: EndpointStatus, of service: Int, revision: UInt64) {
    // Given within the lock, as the order counts; giving never waits.
    state.withLock { state in
      guard revision == state.revision else { return }
      state.statuses[service] = status
      guard let outcome = outcome(state), state.given != .some(outcome) else { return }
      state.given = .some(outcome)
      give(revision, outcome)
    }
  }

  /// The outcome; nil where it isn't known yet.
  private func outcome(_ state: State) -> RegistryError?? {
    if !state.withdraws, state.statuses.contains(.accepted) { return .some(nil) }
    if state.statuses.contains(.pending) { return nil }
    var failures: [RegistryError] = []
    for (service, status) in zip(services, state.statuses) {
      guard case .failed(let error) = status else { continue }
      let isNamed = error.message.contains(service)
      failures.append(isNamed ? error : RegistryError(error.code, "\(service): \(error.message)"))
    }
    guard let first = failures.first else { return .some(nil) }
    return .some(
      RegistryError(first.code, failures.map(\.message).joined(separator: "; "), cause: first.cause))
  }
}
