/// What didn't come true in time.
public struct NotInTime: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Waits until `condition` holds, looking every few milliseconds, for `timeout` at the most.
///
/// - Throws: ``NotInTime`` with `what`, or what `condition` throws.
public func eventually(
  _ what: String, within timeout: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + timeout
  while try await !condition() {
    guard clock.now < deadline else { throw NotInTime(description: "not within \(timeout): \(what)") }
    try await clock.sleep(for: .milliseconds(5))
  }
}
