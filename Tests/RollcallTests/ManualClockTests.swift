import TestSupport
import Testing

@Suite("The clock of tests", .timeLimit(.minutes(3)))
struct ManualClockTests {
  @Test("it wakes whose time has come, in one go")
  func manualClock() async throws {
    let clock = ManualClock()
    let woken = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seconds in 1...3 {
        group.addTask {
          try await clock.sleep(for: .seconds(seconds))
          woken.add()
        }
      }
      try await eventually("all sleep") { clock.pending.count == 3 }
      clock.advance(by: .seconds(2))
      try await eventually("two woke") { woken.value == 2 }
      #expect(clock.pending == [.seconds(1)])
      clock.advance(by: .seconds(1))
      try await group.waitForAll()
    }
  }
}
