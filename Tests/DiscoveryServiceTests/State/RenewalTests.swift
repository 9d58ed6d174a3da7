import Foundation
import Logging
import TestSupport
import Testing

@testable import DiscoveryService

@Suite("When affiliates were renewed, and why they went")
struct RenewalTests {
  let fixture = StoreFixture()
  /// The time of day at a fixture's start, in milliseconds.
  private static let start: Int64 = 1_700_000_000_000

  private func delete(_ affiliate: String) throws {
    _ = try fixture.store.delete(cluster: OpaqueID("c"), affiliate: OpaqueID(affiliate)).get()
  }

  /// Both clocks go on, and nothing looks over what is kept.
  private func pass(_ duration: Duration) {
    fixture.clock.advance(duration)
    fixture.civil.advance(duration)
  }

  @Test("one that is deleted was withdrawn, and is told with its last renewal, which wasn't announced")
  func withdrawn() throws {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], ttl: .seconds(60))
    pass(.milliseconds(10_250))
    fixture.update("a", data: [1], ttl: .seconds(60))
    pass(.seconds(5))
    try delete("a")
    #expect(watcher.take() == [.opened(1, []), .changed("a", data: [1], endpoints: 0), .deleted("a")])
    let told = watcher.responses
    #expect(told.map(\.reason) == [0, 1])
    #expect(told.map(\.renewals) == [["a": Self.start], ["a": Self.start + 10_250]])
  }

  @Test("one whose time is over has expired, and is told with its last renewal")
  func expired() throws {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], ttl: .seconds(60))
    pass(.seconds(20))
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.later(.seconds(61))
    let last = try #require(watcher.responses.last)
    #expect(last.deleted && last.reason == 2 && last.renewals == ["a": Self.start + 20_000])
  }

  @Test("one of which only endpoints are known has no renewal, and endpoints that others send are none")
  func endpointsOfOthers() throws {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.update("b", endpoints: [[1]], ttl: .seconds(60))
    pass(.seconds(5))
    fixture.update("a", endpoints: [[2]], ttl: .seconds(60))
    fixture.update("b", endpoints: [[3]], ttl: .seconds(60))
    #expect(try fixture.list().renewals == ["a": Self.start])
    #expect(
      watcher.responses.map(\.renewals) == [["a": Self.start], [:], ["a": Self.start], [:]])
    try delete("b")
    #expect(watcher.responses.last?.reason == 1 && watcher.responses.last?.renewals == [:])
  }

  @Test("an endpoint that ends is a change and no removal, and renews nobody")
  func endpointEnds() throws {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.update("a", endpoints: [[2]], ttl: .seconds(10))
    fixture.later(.seconds(11))
    let last = try #require(watcher.responses.last)
    #expect(!last.deleted && last.reason == 0 && last.renewals == ["a": Self.start])
    #expect(last.affiliates == [.init(id: "a", data: [1])])
  }

  @Test("who asks is told of a renewal that changed nothing within a tenth of a second")
  func listed() throws {
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.update("b", data: [1], ttl: .seconds(60))
    #expect(try fixture.list().renewals == ["a": Self.start, "b": Self.start])
    pass(.milliseconds(50))
    fixture.update("a", data: [1], ttl: .seconds(60))
    pass(.milliseconds(50))
    #expect(try fixture.list().renewals == ["a": Self.start + 50, "b": Self.start])
    // Long after it, without another one, it is as told.
    pass(.seconds(20))
    #expect(try fixture.list().renewals == ["a": Self.start + 50, "b": Self.start])
  }

  @Test("of a thousand nodes that renew and ask at once few make the state be written anew")
  func storm() throws {
    for index in 0..<1000 { fixture.update("a\(index)", data: [1], ttl: .seconds(60)) }
    var states = Set<[String: Int64]>()
    for index in 0..<1000 {
      pass(.microseconds(100))
      fixture.update("a\(index)", data: [1], ttl: .seconds(60))
      if index % 20 == 0 { states.insert(try fixture.list().renewals) }
    }
    #expect(states.count <= 2)
  }

  @Test("a clock that is set right makes the times right, and one that is off by little changes none")
  func clockIsSet() throws {
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.civil.advance(.milliseconds(20))
    fixture.later(.seconds(1))
    #expect(try fixture.list().renewals == ["a": Self.start])
    fixture.civil.advance(.seconds(3600))
    fixture.later(.seconds(1))
    #expect(try fixture.list().renewals == ["a": Self.start + 3_600_020])
    // Before 1970 there is no time of day that could be told.
    fixture.civil.advance(.seconds(-1_800_000_000))
    fixture.later(.seconds(1))
    #expect(try fixture.list().renewals == [:])
  }

  // MARK: Over a restart

  private func restart(after outage: Duration) throws -> StoreFixture {
    let folder = try TemporaryFolder()
    let file = SnapshotFile(
      path: folder.path("state"), metrics: ServiceMetrics(), logger: Logger(label: "test"))
    file.write(fixture.store)
    // The steady clock begins anew.
    let next = StoreFixture()
    next.civil.advance(.nanoseconds(fixture.civil.now - next.civil.now) + outage)
    next.store.collect()
    _ = try file.restore(into: next.store, now: next.civil.now)
    return next
  }

  @Test("a restart keeps when they were renewed, however long the service was away")
  func restored() throws {
    fixture.update("a", data: [1], ttl: .seconds(1000))
    fixture.update("b", endpoints: [[1]], ttl: .seconds(1000))
    fixture.later(.seconds(30))
    let next = try restart(after: .seconds(7200))
    #expect(try next.list().ids == ["a", "b"])
    #expect(try next.list().renewals == ["a": Self.start])
    let watcher = next.watch()
    next.later(.seconds(971))
    #expect(watcher.responses.first { $0.renewals != [:] }?.reason == 2)
    #expect(watcher.responses.map(\.renewals).contains(["a": Self.start]))
  }

  @Test("a restart by a clock that went back says that they were renewed now, not that they will be")
  func restoredEarlier() throws {
    fixture.update("a", data: [1], ttl: .seconds(1000))
    let next = try restart(after: .seconds(-600))
    #expect(try next.list().renewals == ["a": Self.start - 600_000])
  }

  @Test("a restart lets endpoints that others send keep a dead node no longer than it would have been kept")
  func deadNodeAfterRestart() throws {
    fixture.update("dead", data: [1], ttl: .seconds(100))
    fixture.later(.seconds(40))
    let next = try restart(after: .seconds(1))
    for second in 0..<20 {
      next.later(.seconds(5))
      next.update("dead", endpoints: [[UInt8(second % 3)]], ttl: .seconds(100))
      if second == 10 { #expect(try next.list().affiliates.first?.data == [1]) }
    }
    #expect(try next.list().affiliates.allSatisfy { $0.data.isEmpty })
  }

  @Test(
    "a file of the existing service says no renewals, and keeps a dead node no longer than the rest of its time"
  )
  func existingFile() throws {
    var saved = AffiliateSnapshot(id: OpaqueID("a"), timeToLive: 60_000_000_000)
    saved.data = [1]
    try fixture.store.restore(cluster: OpaqueID("c"), saved)
    #expect(try fixture.list().renewals == [:])
    let watcher = fixture.watch()
    for _ in 0..<13 {
      fixture.later(.seconds(5))
      fixture.update("a", endpoints: [[9]], ttl: .seconds(60))
    }
    #expect(watcher.responses.contains { $0.deleted && $0.reason == 2 && $0.renewals == [:] })
    fixture.update("a", data: [2], ttl: .seconds(60))
    #expect(try fixture.list().renewals == ["a": fixture.civil.now / 1_000_000])
  }

  @Test(
    "a file's time that no clock could show is none, and never ends the process",
    arguments: [Int64.min, -1, 0, 1, 253_402_300_799_999, .max / 1000, .max])
  func extremes(milliseconds: Int64) throws {
    var saved = AffiliateSnapshot(id: OpaqueID("a"), timeToLive: 60_000_000_000)
    saved.data = [1]
    saved.renewedAt = .init(milliseconds: milliseconds)
    try fixture.store.restore(cluster: OpaqueID("c"), saved)
    fixture.update("a", endpoints: [[9]], ttl: .seconds(60))
    #expect(try fixture.list().ids == ["a"])
    #expect((try fixture.list().renewals["a"] ?? 0) <= Self.start)
  }
}
