import ClusterModel
import RegistryKit
import RegistryTestSupport
import Synchronization
import Testing

@Suite("Polling", .timeLimit(.minutes(3)))
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

  /// Polls what each of `answers` gives, and returns the batches that were applied until they are used up.
  private func batches(
    _ answers: [Result<[Affiliate], RegistryError>], clock: HastyClock = HastyClock()
  ) async throws -> [RegistryBatch] {
    let recorder = SessionRecorder()
    let rest = Mutex(answers[...])
    let registry = PollingRegistry(every: .seconds(10)) { () async throws -> [Affiliate] in
      if let answer = rest.withLock({ $0.popFirst() }) { return try answer.get() }
      withUnsafeCurrentTask { $0?.cancel() }
      throw CancellationError()
    }
    let run = Task { try await registry.run(recorder.session(clock: clock)) }
    await #expect(throws: CancellationError.self) { try await run.value }
    return recorder.now.batches
  }

  private let one: Affiliate
  private let two: Affiliate
  private let gone = RegistryError(.unavailable, "gone")

  init() throws {
    one = Affiliate(nodeID: try NodeIdentity("n1"))
    two = Affiliate(nodeID: try NodeIdentity("n2"))
  }

  private func snapshot(_ nodes: Affiliate...) -> RegistryBatch {
    RegistryBatch(
      updates: [.snapshot(nodes.map { AffiliateRecord($0) }, source: .only)],
      reports: [HealthReport(.reading, nil)])
  }

  private func report(_ error: RegistryError?) -> RegistryBatch {
    RegistryBatch(reports: [HealthReport(.reading, error)])
  }

  @Test("a snapshot is applied at first and after each change, and not for another order")
  func changes() async throws {
    let batches = try await batches([
      .success([]), .success([one]), .success([one, two]), .success([two, one]), .success([two]),
    ])
    #expect(batches == [snapshot(), snapshot(one), snapshot(one, two), snapshot(two)])
  }

  @Test("a list that fails keeps what was applied; the next that works makes it well again")
  func failure() async throws {
    let batches = try await batches([
      .success([one]), .failure(gone), .failure(gone), .success([one]), .success([two]),
    ])
    #expect(batches == [snapshot(one), report(gone), report(gone), report(nil), snapshot(two)])
  }

  @Test("a first list that fails is reported, and tried again")
  func firstFailure() async throws {
    #expect(try await batches([.failure(gone), .success([one])]) == [report(gone), snapshot(one)])
  }

  @Test("lists that fail in a row for longer than the patience end it with the last failure")
  func patience() async throws {
    // Each interval is 9 to 10 s: the fourth failure in a row is 27 to 30 s after the first.
    let answers = Mutex<[Result<[Affiliate], RegistryError>]>(
      [.failure(RegistryError(.unavailable, "before")), .success([one])]
        + (1...9).map { .failure(RegistryError(.unavailable, "failure \($0)")) })
    let registry = PollingRegistry(every: .seconds(10), patience: .seconds(25)) {
      () async throws -> [Affiliate] in try answers.withLock { $0.removeFirst() }.get()
    }
    await #expect(throws: RegistryError(.unavailable, "failure 4")) {
      try await registry.run(SessionRecorder().session(clock: HastyClock()))
    }
  }

  @Test("intervals are shortened by up to a tenth")
  func jitter() async throws {
    let clock = HastyClock()
    _ = try await batches(Array(repeating: .success([]), count: 50), clock: clock)
    let sleeps = clock.sleeps.withLock { $0 }
    #expect(sleeps.count >= 49)
    #expect(sleeps.allSatisfy { $0 >= .seconds(9) && $0 <= .seconds(10) })
    #expect(Set(sleeps).count > 10)
  }

  @Test(
    "what the receiver refuses ends the registry at once, a list that works or not", arguments: [true, false])
  func refused(works: Bool) async throws {
    let error = RegistryError(.limitExceeded, "too many")
    let session = SessionRecorder().session(clock: HastyClock()) { (_) throws(RegistryError) in throw error }
    let lists = Mutex(0)
    await #expect(throws: error) {
      try await session.poll(every: .seconds(1)) { () async throws -> [Affiliate] in
        lists.withLock { $0 += 1 }
        guard works else { throw self.gone }
        return [self.one]
      }
    }
    #expect(lists.withLock { $0 } == 1)
  }

  @Test("each of several sources is polled under its name")
  func source() async throws {
    let eu = try RegistrySource("eu")
    let recorder = SessionRecorder()
    let run = Task {
      try await recorder.session(clock: HastyClock()).poll(every: .seconds(1), source: eu) {
        () async throws -> [Affiliate] in
        if recorder.now.batches.count == 1 { throw self.gone }
        if recorder.now.batches.count == 2 { withUnsafeCurrentTask { $0?.cancel() } }
        return [self.one]
      }
    }
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(recorder.now.updates.map(\.source) == [eu])
    #expect(recorder.now.batches.flatMap(\.reports).map(\.source) == [eu, eu, eu])
    #expect(recorder.now.isHealthy)
  }
}
