import Synchronization

/// A number that only grows. Any thread may add.
package final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  package init() {}

  package func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

  package var value: Int { count.load(ordering: .relaxed) }
}

/// A number that goes up and down. Any thread may change it.
package final class Gauge: Sendable {
  private let level = Atomic<Int>(0)

  package init() {}

  package func add(_ amount: Int) { level.wrappingAdd(amount, ordering: .relaxed) }

  package func set(_ value: Int) { level.store(value, ordering: .relaxed) }

  package var value: Int { level.load(ordering: .relaxed) }

  /// Adds `amount` unless that would lead above `limit`; says whether it did.
  package func add(_ amount: Int, upTo limit: Int) -> Bool {
    if level.wrappingAdd(amount, ordering: .relaxed).newValue <= limit { return true }
    level.wrappingSubtract(amount, ordering: .relaxed)
    return false
  }
}
