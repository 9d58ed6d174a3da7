import RegistryKit
import Synchronization

/// What is wrong now, gathered from all services, told to the aggregator as one status.
///
/// Of several services none is told of before each has been heard or has failed: who waits for what the registry
/// knows waits no longer than until the first trouble, and would miss what the others are about to tell.
final class StatusBoard: Sendable {
  /// What something can be wrong with.
  enum Aspect: Int, Hashable, Comparable {
    case connection
    case publication
    case items

    static func < (left: Aspect, right: Aspect) -> Bool { left.rawValue < right.rawValue }
  }

  private struct Place: Hashable, Comparable {
    var service: Int
    var aspect: Aspect

    static func < (left: Place, right: Place) -> Bool {
      left.service != right.service ? left.service < right.service : left.aspect < right.aspect
    }
  }

  private struct State {
    var problems: [Place: RegistryError] = [:]
    /// Services of which nothing is known yet.
    var unheard: Set<Int>
    var told: RegistryError?
  }

  private let state: Mutex<State>
  private let updates: RegistryUpdates

  /// The most characters of a status.
  static let maximumLength = 1024

  /// A board for `count` services, all of which are about to be tried.
  init(updates: RegistryUpdates, count: Int = 1) {
    self.updates = updates
    state = Mutex(State(unheard: count > 1 ? Set(0..<count) : []))
  }

  /// Says what is wrong with `aspect` of the service of that number; nil: nothing.
  func set(_ problem: RegistryError?, _ aspect: Aspect, of service: Int) throws(RegistryError) {
    // Told inside of the lock, as the order counts; telling never waits.
    let result = state.withLock { state -> Result<Void, RegistryError> in
      state.problems[Place(service: service, aspect: aspect)] = problem
      if aspect == .connection { state.unheard.remove(service) }
      guard state.unheard.isEmpty else { return .success(()) }
      let now = Self.status(state.problems)
      guard now != state.told else { return .success(()) }
      state.told = now
      do throws(RegistryError) {
        if let now { try updates.degraded(now) } else { try updates.healthy() }
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private static func status(_ problems: [Place: RegistryError]) -> RegistryError? {
    let sorted = problems.sorted { $0.key < $1.key }.map(\.value)
    guard let first = sorted.first else { return nil }
    let message = sorted.map(\.message).joined(separator: "; ")
    let isLong = message.count > maximumLength
    return RegistryError(first.code, isLong ? message.prefix(maximumLength) + "…" : message)
  }
}
