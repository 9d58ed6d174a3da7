import ClusterModel
import RegistryKit
import Synchronization
import Testing

@Suite("Polling", .timeLimit(.minutes(1)))
struct PollingTests {
  /// A clock whose time passes when somebody sleeps: each sleep is over at once and counted.
  private final class HastyClock: Clock {
    struct Instant: InstantProtocol {
      var offset: Duration
      func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
      func duration(to other: Instant) -> Duration { other.offset - offset }
      static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let time = Mutex(Duration.zero)
    let sleeps = Mutex<[Duration]>([])
    var now: Instant { Instant(offset: time.withLock { $0 }) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
      try Task.checkCancellation()
      let slept = deadline.offset - now.offset
      sleeps.withLock { $0.append(slept) }
      time.withLock { $0 = deadline.offset }
    }
  }

  /// Polls what each of `answers` gives, and returns what was told until they are used up.
  private func events(_ answers: [Result<[Affiliate], RegistryError>], clock: HastyClock = HastyClock())
    async throws
    -> [RegistryEvent]
  {
    let events = Mutex<[RegistryEvent]>([])
    let rest = Mutex(answers[...])
    let updates = RegistryUpdates { event throws(RegistryError) in events.withLock { $0.append(event) } }
    let registry = PollingRegistry(every: .seconds(10), clock: clock) { () async throws -> [Affiliate] in
      if let answer = rest.withLock({ $0.popFirst() }) { return try answer.get() }
      withUnsafeCurrentTask { $0?.cancel() }
      throw CancellationError()
    }
    let run = Task { try await registry.run(updates: updates) }
    await #expect(throws: CancellationError.self) { try await run.value }
    return events.withLock { $0 }
  }

  private let one: Affiliate
  private let two: Affiliate

  init() throws {
    one = Affiliate(nodeID: try NodeIdentity("n1"))
    two = Affiliate(nodeID: try NodeIdentity("n2"))
  }

  private func snapshot(_ nodes: Affiliate...) -> RegistryEvent {
    .update(.snapshot(nodes.map { AffiliateRecord($0) }, source: .only))
  }

  @Test("a snapshot is told at first and after each change, and not for another order")
  func changes() async throws {
    let told = try await events([
      .success([]), .success([one]), .success([one, two]), .success([two, one]), .success([two]),
    ])
    #expect(told == [snapshot(), snapshot(one), snapshot(one, two), snapshot(two)])
  }

  @Test("a list that fails keeps what was told; the next that works makes it well again")
  func failure() async throws {
    let error = RegistryError(.unavailable, "gone")
    let told = try await events([
      .success([one]), .failure(error), .failure(error), .success([one]), .success([two]),
    ])
    #expect(told == [snapshot(one), .degraded(error), .degraded(error), .healthy, snapshot(two)])
  }

  @Test("a first list that fails is told, and tried again")
  func firstFailure() async throws {
    let error = RegistryError(.unavailable, "gone")
    let told = try await events([.failure(error), .success([one])])
    #expect(told == [.degraded(error), snapshot(one), .healthy])
  }

  @Test("lists that fail in a row for longer than the patience end it with the last failure")
  func patience() async throws {
    let updates = RegistryUpdates { _ in }
    // Each interval is 9 to 10 s: the fourth failure in a row is 27 to 30 s after the first.
    let answers = Mutex<[Result<[Affiliate], RegistryError>]>(
      [.failure(RegistryError(.unavailable, "before")), .success([one])]
        + (1...9).map { .failure(RegistryError(.unavailable, "failure \($0)")) })
    let registry = PollingRegistry(
      every: .seconds(10), patience: .seconds(25), clock: HastyClock()
    ) { () async throws -> [Affiliate] in try answers.withLock { $0.removeFirst() }.get() }
    await #expect(throws: RegistryError(.unavailable, "failure 4")) {
      try await registry.run(updates: updates)
    }
  }

  @Test("intervals are shortened by up to a tenth")
  func jitter() async throws {
    let clock = HastyClock()
    _ = try await events(Array(repeating: .success([]), count: 50), clock: clock)
    let sleeps = clock.sleeps.withLock { $0 }
    #expect(sleeps.count >= 49)
    #expect(sleeps.allSatisfy { $0 >= .seconds(9) && $0 <= .seconds(10) })
    #expect(Set(sleeps).count > 10)
  }

  @Test("what the receiver refuses ends the registry")
  func refused() async throws {
    let error = RegistryError(.limitExceeded, "too many")
    let updates = RegistryUpdates { event throws(RegistryError) in throw error }
    await #expect(throws: error) {
      try await updates.poll(every: .seconds(1)) { [self.one] }
    }
  }

  @Test("back-off grows to its limit, with jitter, and starts again")
  func backoff() {
    var backoff = Backoff()
    let waits = (0..<40).map { _ in backoff.next() }
    #expect(waits[0] <= .milliseconds(500) && waits[0] >= .milliseconds(350))
    #expect(waits[39] <= .seconds(60) && waits[39] >= .seconds(42))
    backoff.reset()
    #expect(backoff.next() <= .milliseconds(500))
  }
}
