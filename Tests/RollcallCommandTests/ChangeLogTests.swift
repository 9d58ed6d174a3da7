import AffiliateMerge
import ClusterModel
import Logging
import Rollcall
import TestSupport
import Testing

@testable import RollcallCommand

@Suite("The log of changes")
struct ChangeLogTests {
  private let probe = LogProbe()

  private func member(_ name: String, _ kind: Change<String, Member>.Kind, address: Int = 1) throws
    -> ClusterEvent
  {
    let affiliate = Affiliate(
      nodeID: try NodeIdentity(name), addresses: [IPAddress(v4: 0x0A00_0000 + UInt32(address))],
      nodename: name)
    let value = Versioned(
      value: try #require(Member(affiliate)), version: UInt64(address), created: Timestamp(milliseconds: 0),
      updated: Timestamp(milliseconds: 0))
    let other = Versioned(
      value: try #require(Member(Affiliate(nodeID: affiliate.nodeID, nodename: name))), version: 1,
      created: Timestamp(milliseconds: 0), updated: Timestamp(milliseconds: 0))
    return .changes([
      .member(Change(key: name, old: kind == .created ? nil : other, new: kind == .removed ? nil : value))
    ])
  }

  @Test("a node that comes and goes all the time is told as flapping once, and as quiet once it is")
  func flapping() async throws {
    let log = ChangeLog(logger: probe.logger)
    for round in 0..<5000 {
      let now = Duration.milliseconds(round)
      await log.take(try member("w-1", round % 2 == 0 ? .created : .removed), at: now)
      if round % 1000 == 0 { await log.take(try member("w-2", .updated, address: round + 1), at: now) }
      await log.reportLeftOut(at: now)
    }
    let lines = probe.whole
    #expect(lines.count { $0.contains("w-1") } == ChangeBudget.subjectBurst + 1)
    #expect(lines.count { $0.contains("member is flapping") } == 1)
    // Others are logged all the same.
    #expect(lines.count { $0.contains("w-2") } == 5)
    // How it is in the end is told once it settles, though it flapped.
    await log.reportLeftOut(at: .seconds(5) + ChangeBudget.settleTime)
    let last = try #require(probe.whole.last)
    #expect(last.contains("member left") && last.contains("w-1"))
    #expect(last.contains("left_out=\(5000 - ChangeBudget.subjectBurst - 1)"))
    await log.reportLeftOut(at: .seconds(5) + ChangeBudget.quietTime)
    #expect(probe.whole.last?.contains("member is quiet again") == true)
    await log.take(try member("w-1", .created), at: .seconds(6) + ChangeBudget.quietTime)
    #expect(probe.whole.last?.contains("member joined") == true)
  }

  @Test("endless new nodes are logged up to a bound, and how many were left out is told")
  func endlessNodes() async throws {
    let log = ChangeLog(logger: probe.logger)
    for number in 0..<30_000 { await log.take(try member("n\(number)", .created), at: .zero) }
    #expect(probe.whole.count == 5000)
    await log.reportLeftOut(at: .seconds(5))
    let last = try #require(probe.whole.last)
    #expect(last.contains("lines were left out of the log, `rollcall get members` has all"))
    #expect(last.contains("25000"))
    // A little later a few are again.
    await log.take(try member("later", .created), at: .seconds(6))
    #expect(probe.whole.last?.contains("later") == true)
  }

  @Test("a registry whose error has another number each time doesn't fill the log")
  func registryErrors() throws {
    var budget = ChangeBudget()
    let outcomes = (0..<757).map { budget.take(.registry, "rack", by: "rack", at: .milliseconds($0)) }
    #expect(outcomes.count { $0 == .logged } == ChangeBudget.subjectBurst)
    #expect(outcomes.count { $0 == .firstLeftOut } == 1)
    #expect(budget.notices(at: .seconds(1)) == [])
    #expect(
      budget.notices(at: .seconds(6)) == [.settled(.registry, "rack", lines: 757 - ChangeBudget.subjectBurst)]
    )
    // It settles time and again: that is told once a minute.
    _ = budget.take(.registry, "rack", by: "rack", at: .seconds(7))
    #expect(budget.notices(at: .seconds(13)) == [])
    #expect(budget.notices(at: .seconds(66)) == [.settled(.registry, "rack", lines: 1)])
    #expect(budget.notices(at: .seconds(607)) == [.quiet(.registry, "rack")])
  }

  @Test("one that floods hides nothing of what others say")
  func eachHasItsOwn() {
    var budget = ChangeBudget()
    for number in 0..<10_000 { _ = budget.take(.member, "n\(number)", by: "floods", at: .zero) }
    #expect(budget.take(.member, "one more", by: "floods", at: .zero) == .overBudget)
    #expect(budget.take(.member, "honest", by: "rack", at: .zero) == .logged)
    #expect(budget.notices(at: .zero) == [.leftOut(.member, registry: "floods", lines: 5001)])
  }

  @Test("what is known of single things is bounded")
  func subjectsAreBounded() {
    var budget = ChangeBudget()
    for number in 0..<(2 * ChangeBudget.maximumSubjects) {
      _ = budget.take(.member, "\(number)", by: "rack", at: .zero)
    }
    #expect(budget.subjectCount == ChangeBudget.maximumSubjects)
    _ = budget.notices(at: ChangeBudget.quietTime)
    #expect(budget.subjectCount == 0)
  }
}
