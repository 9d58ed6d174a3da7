import ClusterModel
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@Suite("The session", .timeLimit(.minutes(3)))
struct SessionTests {
  private let recorder = SessionRecorder()
  private let one: Affiliate
  private let eu: RegistrySource

  init() throws {
    one = Affiliate(nodeID: try NodeIdentity("n1"))
    eu = try RegistrySource("eu")
  }

  @Test("each call for one thing is a batch")
  func calls() throws {
    let session = recorder.session()
    let away = RegistryError(.unavailable, "away")
    try session.snapshot([one], source: eu)
    try session.upsert(one)
    try session.remove(one.nodeID, reason: .withdrawn, source: eu)
    try session.remove(one.nodeID)
    try session.report(.credentials, away)
    try session.publicAddress(try IPAddress("192.0.2.1"))
    #expect(
      recorder.now.batches == [
        RegistryBatch(
          updates: [.snapshot([AffiliateRecord(one)], source: eu)],
          reports: [HealthReport(.reading, nil, source: eu)]),
        RegistryBatch(updates: [.upsert(AffiliateRecord(one), source: .only)]),
        RegistryBatch(updates: [.remove(one.nodeID, source: eu, reason: .withdrawn)]),
        RegistryBatch(updates: [.remove(one.nodeID, source: .only, reason: .removed)]),
        RegistryBatch(reports: [HealthReport(.credentials, away)]),
        RegistryBatch(publicAddress: try IPAddress("192.0.2.1")),
      ])
  }

  @Test("nothing is desired of a session that nobody gave publications")
  func nothing() async {
    var iterator = DesiredPublications.nothing.makeAsyncIterator()
    #expect(await iterator.next() == nil)
  }

  @Test("to read what is desired is known at once, before anything is")
  func onRead() {
    let count = Mutex(0)
    let desired = DesiredPublications(AsyncStream { _ in }) { count.withLock { $0 += 1 } }
    #expect(count.withLock { $0 } == 0)
    _ = desired.makeAsyncIterator()
    #expect(count.withLock { $0 } == 1)
  }

  // MARK: Publishing by one call

  /// A `put` whose calls wait until a test lets them end.
  private final class Puts: Sendable {
    struct State {
      var running = 0
      var most = 0
      var hostnames: [String?] = []
      var isHeld = false
      var error: RegistryError?
    }

    let state = Mutex(State())

    func put(_ publication: Publication?) async throws {
      let (isHeld, error) = state.withLock { state in
        state.running += 1
        state.most = max(state.most, state.running)
        state.hostnames.append(publication?.local.hostname)
        return (state.isHeld, state.error)
      }
      defer { state.withLock { $0.running -= 1 } }
      if isHeld { try await Task.sleep(for: .seconds(3600)) }
      if let error { throw error }
    }
  }

  private func publication(_ hostname: String) -> Publication {
    var local = one
    local.hostname = hostname
    return Publication(local: local)
  }

  /// Publishes by `puts` while `body` runs.
  private func publishing(_ puts: Puts, _ body: () async throws -> Void) async throws {
    let session = recorder.session()
    let run = Task { await session.publish { try await puts.put($0) } }
    try await body()
    run.cancel()
    await run.value
  }

  @Test("the outcome of each call is given for its revision: nil, or what it throws")
  func outcomes() async throws {
    let puts = Puts()
    try await publishing(puts) {
      try await recorder.published(publication("one"))
      let error = RegistryError(.permissionDenied, "no")
      puts.state.withLock { $0.error = error }
      await #expect(throws: error) { try await recorder.published(publication("two")) }
      puts.state.withLock { $0.error = nil }
      recorder.retry(publication("two"))
      try await recorder.wait(for: "a success") { $0.outcomes.count == 3 }
      try await recorder.published(nil)
    }
    #expect(recorder.now.outcomes.map(\.revision) == [1, 2, 2, 3])
    #expect(recorder.now.outcomes.map { $0.error == nil } == [true, false, true, true])
    #expect(puts.state.withLock { $0.hostnames } == ["one", "two", "two", nil])
  }

  @Test("a newer publication cancels the call that is under way, which then has no outcome, and none overlap")
  func superseded() async throws {
    let puts = Puts()
    puts.state.withLock { $0.isHeld = true }
    try await publishing(puts) {
      recorder.publish(publication("one"))
      try await eventually("the first is under way") { puts.state.withLock { $0.running } == 1 }
      puts.state.withLock { $0.isHeld = false }
      try await recorder.published(publication("two"))
    }
    #expect(recorder.now.outcomes == [SessionRecord.Outcome(revision: 2, error: nil)])
    #expect(puts.state.withLock { $0.most } == 1)
    #expect(puts.state.withLock { $0.hostnames } == ["one", "two"])
  }

  @Test("a call that is under way when the session ends is cancelled and has no outcome")
  func ended() async throws {
    let puts = Puts()
    puts.state.withLock { $0.isHeld = true }
    try await publishing(puts) {
      recorder.publish(publication("one"))
      try await eventually("it is under way") { puts.state.withLock { $0.running } == 1 }
    }
    #expect(recorder.now.outcomes.isEmpty)
    #expect(puts.state.withLock { $0.running } == 0)
  }
}
