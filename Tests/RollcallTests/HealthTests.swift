import ClusterModel
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("How a registry is", .timeLimit(.minutes(3)))
struct HealthTests {
  private let registry = TableRegistry()
  private let away = RegistryError(.unavailable, "no route")

  private func error(_ text: String, _ code: RegistryError.Code = .failed) -> RegistryError {
    RegistryError(code, text)
  }

  @Test("one aspect that doesn't work makes it degraded, whichever it is", arguments: HealthAspect.allCases)
  func anyAspect(aspect: HealthAspect) throws {
    try registry.snapshot("a")
    #expect(registry.status.state == .synced)
    try registry.report(aspect, away)
    #expect(registry.status.state == .degraded)
    #expect(registry.status.error == away)
    #expect(registry.status.problems == [HealthReport(aspect, away)])
    try registry.report(aspect, nil)
    #expect(registry.status.state == .synced)
    #expect(registry.status.error == nil)
    #expect(registry.status.problems == [])
  }

  @Test("all that doesn't work is shown, the worst first, and the worst decides on the code")
  func worstFirst() throws {
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.snapshot("a")
    try registry.report(.publishing, error("not published", .permissionDenied))
    try registry.report(.content, error("line 7 is odd"))
    try registry.report(.credentials, error("they end in an hour", .permissionDenied))
    try registry.report(.reading, error("us is away", .unavailable), source: us)
    try registry.report(.reading, error("eu is away", .deadlineExceeded), source: eu)
    let status = registry.status
    #expect(
      status.problems.map { "\($0.aspect) \($0.source.name)" } == [
        "reading eu", "reading us", "credentials ", "content ", "publishing ",
      ])
    #expect(
      status.error
        == RegistryError(
          .deadlineExceeded, "eu is away; us is away; they end in an hour; line 7 is odd; not published"))
    // What is well again ends only what it is of.
    try registry.report(.reading, nil, source: eu)
    #expect(registry.status.problems.count == 4)
    #expect(registry.status.error?.code == .unavailable)
    #expect(registry.status.state == .degraded)
  }

  @Test("the cause of the worst is kept")
  func cause() throws {
    struct Cause: Error {}
    try registry.report(.reading, RegistryError(.unavailable, "away", cause: Cause()))
    #expect(registry.status.error?.cause is Cause)
  }

  @Test("one cause that is in the way of several aspects is told once")
  func oneCause() throws {
    try registry.report(.reading, error("caFile can't be read"))
    try registry.report(.credentials, error("caFile can't be read"))
    try registry.report(.publishing, error("not accepted"))
    #expect(registry.status.error?.message == "caFile can't be read; not accepted")
  }

  @Test("however much is wrong, the text in one is bounded")
  func bounded() throws {
    try registry.snapshot("a")
    for number in 0..<64 {
      let source = try RegistrySource("s\(number)")
      try registry.report(.reading, error("\(number)" + String(repeating: "ä", count: 100)), source: source)
    }
    let status = registry.status
    #expect(status.problems.count == 64)
    #expect(status.error?.message.count == 1025)
    #expect(status.error?.message.hasSuffix("…") == true)
  }

  @Test(
    "what was reported of a source ends with it, whether it had a snapshot or not, and whoever takes it when",
    arguments: [true, false], [true, false])
  func sourceGone(hadSnapshot: Bool, takesTogether: Bool) throws {
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.snapshot("a", source: us)
    if hadSnapshot { try registry.snapshot("b", source: eu) }
    let trouble = RegistryBatch(reports: [
      HealthReport(.content, away, source: eu), HealthReport(.reading, away, source: eu),
      HealthReport(.content, away, source: us),
    ])
    let gone = RegistryBatch(updates: [.sourceGone(eu)])
    if takesTogether {
      try registry.apply(trouble, gone)
    } else {
      try registry.apply(trouble)
      try registry.apply(gone)
    }
    #expect(registry.status.problems == [HealthReport(.content, away, source: us)])
    // What is reported with its end or later counts again.
    try registry.apply(
      RegistryBatch(updates: [.sourceGone(us)], reports: [HealthReport(.content, away, source: us)]))
    #expect(registry.status.problems == [HealthReport(.content, away, source: us)])
  }

  @Test("the end of a registry's only source leaves what is wrong with its credentials and its publishing")
  func onlySourceGone() throws {
    try registry.snapshot("a")
    for aspect in HealthAspect.allCases { try registry.report(aspect, away) }
    try registry.apply(RegistryBatch(updates: [.sourceGone(.only)]))
    #expect(registry.status.problems.map(\.aspect) == [.credentials, .publishing])
  }

  @Test("before its first snapshot a registry that is well again starts again")
  func beforeTheFirst() throws {
    try registry.reading(away)
    #expect(registry.status.state == .degraded)
    try registry.reading(nil)
    #expect(registry.status.state == .starting)
    #expect(registry.status.error == nil)
  }

  @Test("a snapshot by itself doesn't end what was reported")
  func snapshotAlone() throws {
    try registry.report(.content, away)
    try registry.apply(RegistryBatch(updates: [.snapshot([], source: .only)]))
    #expect(registry.status.state == .degraded)
    #expect(registry.status.hasSynced)
  }

  @Test("a failed registry stays failed, with its error, until its next run applies or reports something")
  func failed() throws {
    try registry.snapshot("a")
    try registry.report(.content, away)
    registry.fail(error("broken"))
    #expect(registry.status.state == .failed)
    registry.begin()
    #expect(registry.status.state == .failed)
    #expect(registry.status.error == error("broken"))
    #expect(registry.status.problems == [])
    #expect(registry.status.restarts == 1)
    try registry.snapshot("a")
    #expect(registry.status.state == .synced)
    #expect(registry.status.error == nil)
  }

  @Test("the last failure stays known after all is well, with when it came about, not when it came again")
  func lastFailure() throws {
    try registry.snapshot("a")
    registry.advance(by: .seconds(1))
    try registry.reading(away)
    registry.advance(by: .seconds(1))
    try registry.reading(away)
    let failure = RegistryStatus.Failure(error: away, at: Timestamp(milliseconds: 1_000))
    #expect(registry.status.lastFailure == failure)
    #expect(registry.status.since == Timestamp(milliseconds: 1_000))
    try registry.reading(nil)
    #expect(registry.status.lastFailure == failure)
    registry.advance(by: .seconds(1))
    try registry.reading(away)
    #expect(registry.status.lastFailure?.at == Timestamp(milliseconds: 3_000))
    // The same beside other trouble is nothing new either.
    try registry.report(.content, error("line 7 is odd"))
    registry.advance(by: .seconds(1))
    try registry.reading(away)
    #expect(registry.status.lastFailure?.error == error("line 7 is odd"))
  }

  // MARK: Settled

  @Test("a registry is settled with its first snapshot, with trouble in reading, and when it has failed")
  func settled() throws {
    #expect(!registry.status.isSettled)
    try registry.report(.content, away)
    try registry.report(.credentials, away)
    try registry.report(.publishing, away)
    #expect(!registry.status.isSettled)
    try registry.reading(away)
    #expect(registry.status.isSettled)
    // It stays so: who waits for it doesn't wait twice.
    try registry.reading(nil)
    #expect(registry.status.isSettled)

    let failing = TableRegistry()
    failing.fail()
    #expect(failing.status.isSettled)
    let prompt = TableRegistry()
    try prompt.snapshot()
    #expect(prompt.status.isSettled)
  }

  @Test("with expected sources it is settled when each had a snapshot or can't be read")
  func settledBySource() throws {
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.apply(RegistryBatch(expectedSources: [eu, us]))
    try registry.reading(away, source: eu)
    #expect(!registry.status.isSettled)
    try registry.snapshot("a", source: us)
    #expect(registry.status.isSettled)
    #expect(!registry.status.hasSynced)

    let other = TableRegistry()
    try other.apply(RegistryBatch(expectedSources: [eu, us]))
    try other.snapshot("a", source: us)
    #expect(!other.status.isSettled)
    // Trouble of one that isn't awaited says nothing.
    try other.reading(away, source: us)
    #expect(!other.status.isSettled)
    try other.apply(RegistryBatch(updates: [.sourceGone(eu)]))
    #expect(other.status.hasSynced)
    #expect(other.status.isSettled)
  }

  @Test(
    "what the registry reports of itself settles all its sources; without expected ones any source's trouble does"
  )
  func settledAtOnce() throws {
    let eu = try RegistrySource("eu")
    try registry.apply(RegistryBatch(expectedSources: [eu]))
    try registry.reading(away)
    #expect(registry.status.isSettled)
    let other = TableRegistry()
    try other.reading(away, source: eu)
    #expect(other.status.isSettled)
  }
}
