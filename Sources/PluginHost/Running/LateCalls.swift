import Synchronization

/// Counts a registry's runs whose plugin called the host after `stop` had returned.
final class LateCalls: Sendable {
  private let runs = Atomic(0)

  var count: Int { runs.load(ordering: .relaxed) }

  func note() { runs.wrappingAdd(1, ordering: .relaxed) }
}
