import ClusterModel
import Platform
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("The publication reconciler", .timeLimit(.minutes(3)))
struct PublicationReconcilerTests {
  private let clock = ManualClock()
  private let reports = Reports()
  private let reconciler: PublicationReconciler
  private let key = RegistryKey(name: "rack", generation: 1)
  private let refused = RegistryError(.permissionDenied, "none of it")

  /// What the reconciler reports.
  private final class Reports: Sendable {
    private let state = Mutex<[String]>([])

    var all: [String] { state.withLock { $0 } }

    func add(_ key: RegistryKey, _ isWithdrawal: Bool, _ error: RegistryError?) {
      let what = isWithdrawal ? " withdrawn" : ""
      state.withLock { $0.append("\(key.name)\(what): \(error?.message ?? "well")") }
    }
  }

  init() {
    reconciler = PublicationReconciler(
      restart: RestartPolicy(), random: { 0.5 }, time: TimeSource(clock)
    ) { [reports] in reports.add($0, $2, $3) }
  }

  private func begin() -> Reader { Reader(reconciler.begin(key) {}) }

  /// A run that reads what it is to publish.
  private final class Reader {
    let run: PublicationReconciler.Run
    private var iterator: AsyncStream<DesiredPublication>.Iterator

    init(_ run: PublicationReconciler.Run) {
      self.run = run
      iterator = run.desired.makeAsyncIterator()
    }

    /// What it is handed next.
    func next() async throws -> DesiredPublication { try #require(await iterator.next()) }

    /// What is handed to it and not read, and then its end.
    func end() async -> [DesiredPublication] {
      run.end()
      var rest: [DesiredPublication] = []
      while let desired = await iterator.next() { rest.append(desired) }
      return rest
    }
  }

  @Test("labels and the machine's id go to registries, and a change of them is a new revision")
  func labels() async throws {
    let reader = begin()
    let me = try affiliate("me")
    let labels = try NodeLabels(["rack": "r7"])
    reconciler.setLocal(me, labels: labels, machineID: "6a0eceb4cf8de176bd24abff87481ec9")
    let first = try await reader.next()
    #expect(
      first.publication
        == Publication(local: me, labels: labels, machineID: "6a0eceb4cf8de176bd24abff87481ec9"))
    reconciler.setLocal(me, labels: labels, machineID: "6a0eceb4cf8de176bd24abff87481ec9")
    reconciler.setLocal(me, labels: try NodeLabels(["rack": "r8"]))
    let second = try await reader.next()
    #expect(second.revision == first.revision + 1)
    #expect(second.publication?.labels["rack"] == "r8" && second.publication?.machineID == "")
    #expect(await reader.end().isEmpty)
  }

  private func publish(_ hostname: String) throws {
    reconciler.setLocal(try affiliate("me", hostname: hostname))
  }

  /// Runs `body` while failures are retried.
  private func retrying(_ body: () async throws -> Void) async throws {
    let retries = Task { await reconciler.retryFailures() }
    defer { retries.cancel() }
    try await body()
  }

  /// Begins to withdraw, and returns when that waits.
  private func withdrawing(_ names: Set<String> = ["rack"]) async throws -> Task<[String], Never> {
    let withdrawal = Task { [reconciler] in await reconciler.withdraw(names, timeout: .seconds(3)) }
    try await eventually("it waits") { clock.pending.contains(.seconds(3)) }
    return withdrawal
  }

  // MARK: What is handed out

  @Test("newest wins: a reader gets the newest only, under a revision that rises")
  func newestWins() async throws {
    let reader = begin()
    for name in ["one", "two", "three"] { try publish(name) }
    let first = try await reader.next()
    #expect(first.publication?.local.hostname == "three")
    try publish("four")
    let second = try await reader.next()
    #expect(second.publication?.local.hostname == "four")
    #expect(second.revision > first.revision)
    #expect(await reader.end() == [])
  }

  @Test("the same again is nothing new")
  func same() async throws {
    let reader = begin()
    try publish("one")
    _ = try await reader.next()
    try publish("one")
    reconciler.setSeenEndpoints([:])
    #expect(await reader.end() == [])
  }

  @Test("a run that begins to read is handed what is to be published now")
  func laterReader() async throws {
    try publish("one")
    let seen = [try NodeIdentity("a"): [try IPEndpoint("192.0.2.1:51820")]]
    reconciler.setSeenEndpoints(seen)
    let reader = begin()
    #expect(try await reader.next().publication?.seenEndpoints == seen)
  }

  @Test("who has nothing to publish hands out nothing, and nothing is withdrawn where nothing was handed")
  func observer() async throws {
    let reader = begin()
    reconciler.setSeenEndpoints([try NodeIdentity("a"): [try IPEndpoint("192.0.2.1:51820")]])
    #expect(await reconciler.withdraw(["rack"], timeout: .seconds(3)) == [])
    #expect(await reader.end() == [])
    #expect(reports.all.isEmpty)
  }

  @Test("a node that becomes an observer is withdrawn, once")
  func becomesObserver() async throws {
    try publish("one")
    let reader = begin()
    _ = try await reader.next()
    reconciler.setLocal(nil)
    let withdrawal = try await reader.next()
    #expect(withdrawal.publication == nil)
    reader.run.published(withdrawal.revision, nil)
    #expect(await reader.end() == [])
    let next = begin()
    #expect(await next.end() == [])
  }

  // MARK: Outcomes

  @Test("a failure is handed again under the same revision, after pauses that grow, until it is taken")
  func retries() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      let first = try await reader.next()
      for pause in [500.0, 750, 1125] {
        reader.run.published(first.revision, refused)
        try await eventually("it rests") { clock.pending == [.milliseconds(pause)] }
        clock.advance(by: .milliseconds(pause))
        #expect(try await reader.next() == first)
      }
      reader.run.published(first.revision, nil)
      #expect(reports.all == Array(repeating: "rack: none of it", count: 3) + ["rack: well"])
      try await eventually("nothing is retried") { clock.pending.isEmpty }
      // And the next failure rests as the first did.
      try publish("two")
      reader.run.published(try await reader.next().revision, refused)
      try await eventually("it rests") { clock.pending == [.milliseconds(500)] }
    }
  }

  @Test("what is newer is handed at once, in place of what rests after a failure")
  func newerInPlace() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      reader.run.published(try await reader.next().revision, refused)
      try await eventually("it rests") { clock.pending == [.milliseconds(500)] }
      try publish("two")
      let second = try await reader.next()
      #expect(second.publication?.local.hostname == "two")
      clock.advance(by: .seconds(60))
      reader.run.published(second.revision, nil)
      #expect(await reader.end() == [])
    }
  }

  @Test("a late success of the same revision ends the trouble, and nothing is retried")
  func lateSuccess() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      let first = try await reader.next()
      reader.run.published(first.revision, refused)
      try await eventually("it rests") { clock.pending == [.milliseconds(500)] }
      reader.run.published(first.revision, nil)
      try await eventually("nothing is retried") { clock.pending.isEmpty }
      clock.advance(by: .seconds(60))
      #expect(await reader.end() == [])
      #expect(reports.all == ["rack: none of it", "rack: well"])
    }
  }

  @Test("a failure after a success of the same revision counts too")
  func lateFailure() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      let first = try await reader.next()
      reader.run.published(first.revision, nil)
      reader.run.published(first.revision, refused)
      try await eventually("it rests") { clock.pending == [.milliseconds(500)] }
      clock.advance(by: .milliseconds(500))
      #expect(try await reader.next() == first)
    }
  }

  @Test("outcomes of another revision and of an earlier run are passed over")
  func passedOver() async throws {
    try publish("one")
    let earlier = begin()
    let first = try await earlier.next()
    try publish("two")
    let second = try await earlier.next()
    earlier.run.published(first.revision, refused)
    earlier.run.published(second.revision + 7, refused)
    #expect(await earlier.end() == [])
    let reader = begin()
    let again = try await reader.next()
    #expect(again.publication == second.publication)
    earlier.run.published(again.revision, refused)
    #expect(reports.all.isEmpty)
    reader.run.published(again.revision, nil)
    #expect(reports.all == ["rack: well"])
  }

  @Test(
    "a registry that doesn't publish isn't tried again, is handed what is new, and has nothing to withdraw")
  func unsupported() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      let none = RegistryError(.unsupported, "its option publish is false")
      reader.run.published(try await reader.next().revision, none)
      #expect(clock.pending.isEmpty)
      try publish("two")
      let second = try await reader.next()
      #expect(second.publication?.local.hostname == "two")
      reader.run.published(second.revision, none)
      #expect(await reconciler.withdraw(["rack"], timeout: .seconds(3)) == [])
      #expect(reports.all == ["rack: its option publish is false", "rack: its option publish is false"])
      #expect(await reader.end() == [])
    }
    #expect(clock.pending.isEmpty)
  }

  @Test("an outcome that comes after the run's end is passed over, and nothing is retried by it")
  func afterTheEnd() async throws {
    try await retrying {
      try publish("one")
      let reader = begin()
      let first = try await reader.next()
      _ = await reader.end()
      reader.run.published(first.revision, refused)
      #expect(reports.all.isEmpty)
      let next = begin()
      #expect(try await next.next().publication == first.publication)
      #expect(await next.end() == [])
    }
    #expect(clock.pending.isEmpty)
  }

  @Test("an outcome for what wasn't handed out counts for nothing")
  func unasked() async throws {
    let reader = begin()
    for revision in [0, 1, UInt64.max] { reader.run.published(revision, nil) }
    let silent = reconciler.begin(RegistryKey(name: "other", generation: 2)) {}
    silent.published(0, refused)
    #expect(reports.all.isEmpty)
  }

  // MARK: Leaving

  @Test("a withdrawal is waited for by its revision, and by no other outcome")
  func withdrawal() async throws {
    try publish("one")
    let reader = begin()
    let first = try await reader.next()
    let withdrawal = try await withdrawing()
    let desired = try await reader.next()
    #expect(desired.publication == nil)
    #expect(desired.revision > first.revision)
    reader.run.published(first.revision, nil)
    reader.run.published(desired.revision, refused)
    #expect(clock.pending.contains(.seconds(3)))
    reader.run.published(desired.revision, nil)
    #expect(await withdrawal.value == [])
    #expect(reports.all == ["rack withdrawn: none of it", "rack withdrawn: well"])
  }

  @Test("a withdrawal that isn't taken in time is given up, and told")
  func lateWithdrawal() async throws {
    try publish("one")
    let reader = begin()
    _ = try await reader.next()
    let withdrawal = try await withdrawing()
    clock.advance(by: .seconds(3))
    #expect(await withdrawal.value == ["rack"])
  }

  @Test("a registry that fails meanwhile isn't waited for, and its next run is handed the withdrawal")
  func failsMeanwhile() async throws {
    try publish("one")
    let reader = begin()
    _ = try await reader.next()
    let withdrawal = try await withdrawing()
    _ = await reader.end()
    #expect(await withdrawal.value == [])
    try publish("two")
    let next = begin()
    let desired = try await next.next()
    #expect(desired.publication == nil)
    next.run.published(desired.revision, nil)
    #expect(await next.end() == [])
    let last = begin()
    #expect(await last.end() == [])
  }

  @Test(
    "a registry that never read isn't waited for, and is handed nothing where it begins to while it leaves")
  func neverRead() async throws {
    try publish("one")
    let run = reconciler.begin(key) {}
    #expect(await reconciler.withdraw(["rack"], timeout: .seconds(3)) == [])
    let reader = Reader(run)
    try publish("two")
    #expect(await reader.end() == [])
  }

  @Test("others go on publishing while one leaves, and it publishes again once it is to be run again")
  func included() async throws {
    try publish("one")
    let reader = begin()
    let other = Reader(reconciler.begin(RegistryKey(name: "shelf", generation: 2)) {})
    _ = (try await reader.next(), try await other.next())
    let withdrawal = try await withdrawing()
    reader.run.published(try await reader.next().revision, nil)
    #expect(await withdrawal.value == [])
    try publish("two")
    #expect(try await other.next().publication?.local.hostname == "two")
    #expect(await reader.end() == [])
    reconciler.include("rack")
    #expect(try await begin().next().publication?.local.hostname == "two")
  }

  @Test("a registry that is no longer configured is handed nothing, and publishes again once it is back")
  func removed() async throws {
    try publish("one")
    let run = reconciler.begin(key) {}
    reconciler.remove("rack")
    #expect(await Reader(run).end() == [])
    reconciler.include("rack")
    #expect(try await begin().next().publication?.local.hostname == "one")
  }

  @Test("whatever is published from however many tasks, the last that is handed is the newest")
  func concurrent() async throws {
    let reader = begin()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        group.addTask { for number in 0..<500 { try publish("\(task)-\(number)") } }
      }
      try await group.waitForAll()
    }
    try publish("last")
    var newest: DesiredPublication?
    for desired in await reader.end() { newest = desired }
    #expect(newest?.publication?.local.hostname == "last")
    #expect(newest?.revision == 2001)
  }
}
