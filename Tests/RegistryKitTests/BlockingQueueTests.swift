import Foundation
import RegistryKit
import Testing

@Suite struct BlockingQueueTests {
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
