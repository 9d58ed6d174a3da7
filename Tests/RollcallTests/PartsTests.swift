import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("The aggregator's parts", .timeLimit(.minutes(2)))
struct PartsTests {
  @Test("pauses grow by half up to a minute, spread between half and one and a half")
  func backoff() {
    var backoff = RestartBackoff(RestartPolicy())
    #expect(backoff.pause(random: 0.5) == .milliseconds(500))
    #expect(backoff.pause(random: 0.5) == .milliseconds(750))
    #expect(backoff.pause(random: 0) == .milliseconds(562.5))
    for _ in 0..<50 { _ = backoff.pause(random: 0.5) }
    #expect(backoff.pause(random: 0.5) == .seconds(60))
    #expect(backoff.pause(random: 0) == .seconds(30))
    backoff.reset()
    #expect(backoff.pause(random: 0.5) == .milliseconds(500))
  }

  @Test("a move made before the wait isn't missed, and cancellation ends a wait")
  func signal() async throws {
    let signal = ChangeSignal()
    signal.notify()
    #expect(await signal.wait(after: 0) == 1)
    let waiting = Task { await signal.wait(after: 1) }
    try await eventually("it waits") { signal.waiterCount == 1 }
    waiting.cancel()
    #expect(await waiting.value == 1)
    #expect(signal.waiterCount == 0)
  }

  @Test("work that doesn't end when it is cancelled is left behind after its grace, and its end is notified")
  func abandoned() async throws {
    let clock = ManualClock()
    let work = AbandonableWork()
    let stuck = ChangeSignal()
    let run = Task {
      await work.run(grace: .seconds(5), time: TimeSource(clock)) {
        // Deaf to cancellation, as somebody else's code may be.
        while stuck.value == 0 { await Task.yield() }
      }
    }
    run.cancel()
    try await eventually("the grace runs") { clock.pending == [.seconds(5)] }
    clock.advance(by: .seconds(5))
    guard case .abandoned = await run.value else {
      Issue.record("the work wasn't left behind")
      return
    }
    #expect(work.ended.value == 0)
    stuck.notify()
    await work.ended.wait(after: 0)
  }

  @Test("work that ends within its grace is waited for, and the timer ends with it")
  func graceful() async throws {
    let clock = ManualClock()
    let run = Task {
      await AbandonableWork().run(grace: .seconds(5), time: TimeSource(clock)) {
        try await clock.sleep(for: .seconds(100))
      }
    }
    try await eventually("it sleeps") { clock.pending.count == 1 }
    run.cancel()
    guard case .threw = await run.value else {
      Issue.record("the work didn't end by itself")
      return
    }
    try await eventually("no timer is left") { clock.pending.isEmpty }
  }

  @Test("a manual clock wakes whose time has come, in one go")
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
