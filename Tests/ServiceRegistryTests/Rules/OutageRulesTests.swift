import ClusterModel
import DiscoveryProtocol
import Testing

@testable import ServiceRegistry

@Suite("What a service told, in an outage")
struct OutageRulesTests {
  let cluster: Cluster
  var book: AffiliateBook

  init() throws {
    cluster = try Cluster()
    book = AffiliateBookTests.book(cluster)
  }

  func texts(_ changes: [AffiliateBook.Change]) -> [String] { AffiliateBookTests.texts(changes) }

  @Test("nodes that are missing after an outage are held as stale until the grace ends")
  mutating func held() throws {
    _ = book.snapshot([try cluster.wire("a"), try cluster.wire("b")], at: .zero)
    #expect(texts(book.snapshot([try cluster.wire("b")], at: .seconds(100))) == ["all", "a?", "b"])
    #expect(book.nextDrop == .seconds(400))
    #expect(texts(book.drop(at: .seconds(399))) == [])
    #expect(texts(book.drop(at: .seconds(400))) == ["-a"])
    #expect(book.nextDrop == nil)
  }

  @Test("a held node that tells of itself again is fresh")
  mutating func heldComesBack() throws {
    _ = book.snapshot([try cluster.wire("a")], at: .zero)
    _ = book.snapshot([], at: .zero)
    #expect(texts(book.change([try cluster.wire("a")], deleted: false)) == ["+a"])
    #expect(texts(book.drop(at: .seconds(10_000))) == [])
  }

  @Test("a held node of which only endpoints are known again stays held")
  mutating func heldWithoutData() throws {
    _ = book.snapshot([try cluster.wire("a")], at: .zero)
    #expect(texts(book.snapshot([.with { $0.id = "a" }], at: .zero)) == ["all", "a?"])
  }

  @Test("a held node that is told to be gone is gone")
  mutating func heldDeleted() throws {
    _ = book.snapshot([try cluster.wire("a", endpoints: ["1.2.3.4:5"])], at: .zero)
    _ = book.snapshot([], at: .zero)
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["-a"])
  }

  @Test("without a grace what is missing is gone")
  mutating func noGrace() throws {
    book = AffiliateBookTests.book(cluster, grace: .zero)
    _ = book.snapshot([try cluster.wire("a")], at: .zero)
    #expect(texts(book.snapshot([], at: .zero)) == ["all"])
  }

  @Test("the grace doesn't begin anew with each connection, and time without one doesn't count for it")
  mutating func graceOverReconnects() throws {
    _ = book.snapshot([try cluster.wire("a"), try cluster.wire("b")], at: .zero)
    book.fellSilent(at: .seconds(60))
    #expect(texts(book.snapshot([try cluster.wire("b")], at: .seconds(70))) == ["all", "a?", "b"])
    #expect(book.nextDrop == .seconds(370))
    // 60 s of the 300 s have been heard; the 30 s after that haven't.
    book.fellSilent(at: .seconds(130))
    #expect(texts(book.snapshot([], at: .seconds(160))) == ["all", "a?", "b?"])
    #expect(book.nextDrop == .seconds(400))
    #expect(texts(book.drop(at: .seconds(400))) == ["-a"])
    #expect(book.nextDrop == .seconds(460))
  }

  @Test("all gets stale when the service isn't heard for the grace time, and fresh when it is")
  mutating func silence() throws {
    #expect(book.nextStale == nil)
    book.fellSilent(at: .zero)
    #expect(book.nextStale == nil)
    let wires = [try cluster.wire("a", hostname: "host"), try cluster.wire("b", endpoints: ["1.2.3.4:5"])]
    guard case .snapshot(let before)? = book.snapshot(wires, at: .seconds(10)).first else {
      Issue.record("no snapshot")
      return
    }
    #expect(book.nextStale == nil)
    book.fellSilent(at: .seconds(100))
    // A session that fails before it is heard changes nothing.
    book.fellSilent(at: .seconds(200))
    #expect(book.nextStale == .seconds(400))
    #expect(texts(book.age(at: .seconds(399))) == [])
    let stale = book.age(at: .seconds(400))
    #expect(texts(stale) == ["+a?", "+b?"])
    for (change, record) in zip(stale, before) {
      var expected = record
      expected.isStale = true
      #expect(change == .upsert(expected))
    }
    #expect(book.nextStale == nil && texts(book.age(at: .seconds(500))) == [])
    // It isn't held: nothing of it is dropped.
    #expect(book.nextDrop == nil && texts(book.drop(at: .seconds(10_000))) == [])
    #expect(texts(book.snapshot(wires, at: .seconds(10_000))) == ["all", "a", "b"])
  }
}
