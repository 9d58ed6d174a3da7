import TestSupport

@testable import ServiceRegistry

extension ManualClock {
  /// The clock as the plugin reads it.
  var clock: ServiceClock {
    ServiceClock(
      now: { self.now.offset },
      sleep: { try await self.sleep(until: self.now.advanced(by: $0), tolerance: nil) })
  }

  /// When those that sleep wake up.
  var deadlines: Set<Duration> {
    let now = now.offset
    return Set(pending.map { now + $0 })
  }
}
