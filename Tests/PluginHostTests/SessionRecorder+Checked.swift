import RegistryKit
import RegistryTestSupport

@testable import Rollcall

extension SessionRecorder {
  /// A session that refuses what the aggregator's intake refuses.
  func checkedSession() -> RegistrySession {
    let intake = RegistryIntake()
    return session { (batch) throws(RegistryError) in try intake.apply(batch) }
  }

  /// Runs `registry`, which must end, and returns why it did.
  func failure(of registry: any Registry) async -> RegistryError? {
    do {
      try await registry.run(checkedSession())
      return nil
    } catch {
      return RegistryError(error)
    }
  }
}
