import Dispatch
import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@Suite("A signal of changes", .timeLimit(.minutes(2)))
struct ChangeSignalTests {
  @Test("a change made before the wait isn't missed, and cancellation ends a wait")
  func changes() async throws {
    let signal = ChangeSignal()
    signal.notify()
    #expect(await signal.wait(after: 0) == 1)
    let waiting = Task { await signal.wait(after: 1) }
    try await eventually("it waits") { signal.waiterCount == 1 }
    waiting.cancel()
    #expect(await waiting.value == 1)
    #expect(signal.waiterCount == 0)
    let late = Task {
      while !Task.isCancelled { await Task.yield() }
      return await signal.wait(after: 1)
    }
    late.cancel()
    #expect(await late.value == 1)
  }

  @Test("one change wakes all that wait, and several count as one for who was busy")
  func all() async throws {
    let signal = ChangeSignal()
    await withTaskGroup(of: UInt64.self) { group in
      for _ in 0..<10 { group.addTask { await signal.wait(after: 0) } }
      signal.notify()
      for await value in group { #expect(value == 1) }
    }
    signal.notify()
    signal.notify()
    #expect(await signal.wait(after: 1) == 3)
  }

  @Test("every change is seen by a task that follows, however fast they come")
  func following() async {
    let signal = ChangeSignal()
    let follower = Task {
      var seen: UInt64 = 0
      while seen < 10_000 { seen = await signal.wait(after: seen) }
      return seen
    }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<10 { group.addTask { for _ in 0..<1000 { signal.notify() } } }
    }
    #expect(await follower.value == 10_000)
  }
}

@Suite("A value that comes once", .timeLimit(.minutes(2)))
struct OneShotTests {
  @Test("it is there for who comes later and for who waits, and the first counts")
  func once() async {
    let early = OneShot<Int>()
    early.fulfil(1)
    early.fulfil(2)
    #expect(await early.value == 1)
    #expect(await early.value == 1)
    let late = OneShot<Int>()
    async let value = late.value
    await Task.yield()
    late.fulfil(3)
    late.fulfil(4)
    #expect(await value == 3)
  }
}

@Suite("Work that may be left behind", .timeLimit(.minutes(2)))
struct AbandonableWorkTests {
  @Test("what work returns or throws is told")
  func ends() async {
    let time = TimeSource(ManualClock())
    guard case .returned = await AbandonableWork().run(grace: .seconds(5), time: time, {}) else {
      Issue.record("it returned")
      return
    }
    let outcome = await AbandonableWork().run(grace: .seconds(5), time: time) {
      throw FileError(.read, "x", .notUTF8)
    }
    guard case .threw(let error) = outcome, error is FileError else {
      Issue.record("it threw")
      return
    }
  }

  @Test("work that doesn't end when it is cancelled is left behind after its grace, and its end is told")
  func abandoned() async throws {
    let clock = ManualClock()
    let work = AbandonableWork()
    let stuck = ChangeSignal()
    let run = Task {
      await work.run(grace: .seconds(5), time: TimeSource(clock)) {
        // Deaf to cancellation, as somebody else's code may be.
        _ = await Task { () async -> UInt64 in await stuck.wait(after: 0) }.value
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
}

@Suite("A queue for work that blocks", .timeLimit(.minutes(2)))
struct BlockingQueueTests {
  @Test("work that hangs doesn't hold up whom it is done for once that is cancelled")
  func cancel() async throws {
    let queue = BlockingQueue("test")
    let started = AsyncStream.makeStream(of: Void.self)
    let release = DispatchSemaphore(value: 0)
    await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await queue.run { _ in
          started.continuation.yield()
          release.wait()
        }
      }
      for await _ in started.stream { break }
      group.cancelAll()
      await #expect(throws: CancellationError.self) { try await group.next() }
    }
    release.signal()
    #expect(try await queue.run { _ in 7 } == 7)
  }

  @Test("work that asks is told when nobody waits for it any more")
  func abandoned() async throws {
    let queue = BlockingQueue("test")
    let started = AsyncStream.makeStream(of: Void.self)
    let told = AsyncStream.makeStream(of: Void.self)
    await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await queue.run { isCancelled in
          started.continuation.yield()
          while !isCancelled() { sched_yield() }
          told.continuation.yield()
        }
      }
      for await _ in started.stream { break }
      group.cancelAll()
    }
    for await _ in told.stream { break }
  }
}
