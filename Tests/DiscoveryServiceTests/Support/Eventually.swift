import TestSupport

/// Waits until `condition` holds; longer than other tests do, as floods take their time on a small machine.
func eventually(
  _ what: String, within timeout: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
  try await TestSupport.eventually(what, within: timeout, condition)
}

struct GaveUp: Error {}
