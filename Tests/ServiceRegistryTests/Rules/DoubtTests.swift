import ClusterModel
import DiscoveryProtocol
import Testing

@testable import ServiceRegistry

@Suite("Nodes that a service calls gone")
struct DoubtTests {
  let cluster: Cluster
  var book: AffiliateBook

  init() throws {
    cluster = try Cluster()
    book = AffiliateBookTests.book(cluster)
  }

  func texts(_ changes: [AffiliateBook.Change]) -> [String] { AffiliateBookTests.texts(changes) }

  @Test("a node with endpoints that is told to be gone is asked for first")
  mutating func confirm() throws {
    let there = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    let gone = try cluster.wire("b", endpoints: ["1.2.3.4:6"])
    _ = book.snapshot([there, gone], at: .zero)
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["?a"])
    #expect(texts(book.change([.with { $0.id = "b" }], deleted: true)) == ["?b"])
    let asked = book.deletions(of: [try NodeIdentity("a"), try NodeIdentity("b")])
    #expect(texts(book.confirm(asked, with: [try cluster.wire("a")])) == ["+a", "-b"])
    // The endpoint's end is taken over with it.
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["-a"])
  }

  @Test("a node that was heard of since isn't judged by an older answer")
  mutating func confirmLate() throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    _ = book.snapshot([wire], at: .zero)
    _ = book.change([.with { $0.id = "a" }], deleted: true)
    let asked = book.deletions(of: [try NodeIdentity("a")])
    _ = book.change([wire], deleted: false)
    #expect(texts(book.confirm(asked, with: [])) == [])
  }

  @Test("a later deletion isn't answered by a list that was asked for before it")
  mutating func deletedMeanwhile() throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    _ = book.snapshot([wire], at: .zero)
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["?a"])
    let earlier = book.deletions(of: [try NodeIdentity("a")])
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["?a"])
    #expect(texts(book.confirm(earlier, with: [wire])) == [])
    let later = book.deletions(of: [try NodeIdentity("a")])
    #expect(texts(book.confirm(later, with: [])) == ["-a"])
  }

  /// Called gone at 10 s, with no answer to what is there.
  private mutating func doubted() throws -> (asked: [NodeIdentity: UInt64], wire: WireAffiliate) {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    _ = book.snapshot([wire], at: .zero)
    _ = book.change([.with { $0.id = "a" }], deleted: true)
    let asked = book.deletions(of: [try NodeIdentity("a")])
    #expect(texts(book.doubt(asked, at: .seconds(10))) == ["+a?"])
    return (asked, wire)
  }

  @Test("where the service doesn't answer, who is called gone is held as stale for the grace, once")
  mutating func confirmFails() throws {
    let asked = try doubted().asked
    #expect(texts(book.doubt(asked, at: .seconds(20))) == [])
    #expect(book.nextDrop == .seconds(310))
    #expect(texts(book.drop(at: .seconds(309))) == [])
    #expect(texts(book.drop(at: .seconds(310))) == ["-a"])
    #expect(texts(book.confirm(asked, with: [])) == [])
  }

  @Test("where the service answers later, that counts")
  mutating func confirmedLater() throws {
    let (asked, wire) = try doubted()
    var other = self
    #expect(texts(book.confirm(asked, with: [wire])) == ["+a"])
    #expect(book.nextDrop == nil)
    #expect(texts(other.book.confirm(asked, with: [])) == ["-a"])
  }

  @Test("where the service doesn't answer, the end of another endpoint isn't the end of the node either")
  mutating func deletedInDoubt() throws {
    let asked = try doubted().asked
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["?a"])
    #expect(texts(book.confirm(asked, with: [])) == [])
    book.leaveUnconfirmed(book.deletions(of: [try NodeIdentity("a")]))
    #expect(book.deletions(of: [try NodeIdentity("a")]).isEmpty)
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["?a"])
  }

  @Test("a node that was heard of since isn't held as one that may be gone")
  mutating func heardSince() throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    _ = book.snapshot([wire], at: .zero)
    _ = book.change([.with { $0.id = "a" }], deleted: true)
    let asked = book.deletions(of: [try NodeIdentity("a")])
    _ = book.change([wire], deleted: false)
    #expect(texts(book.doubt(asked, at: .zero)) == [])
  }
}
