import Testing

/// Waits until `condition` holds, and fails the test if that takes longer than `limit`.
func eventually(
  _ what: Comment, within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let end = clock.now + limit
  while try await !condition() {
    guard clock.now < end else {
      Issue.record(what, sourceLocation: sourceLocation)
      throw GaveUp()
    }
    try await clock.sleep(for: .milliseconds(2))
  }
}

struct GaveUp: Error {}
