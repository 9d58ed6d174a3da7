import ClusterModel
import DiscoveryProtocol
import Foundation
import Testing

@testable import ServiceRegistry

@Suite("What a service told")
struct AffiliateBookTests {
  let cluster: Cluster
  var book: AffiliateBook

  init() throws {
    cluster = try Cluster()
    book = Self.book(cluster)
  }

  static func book(_ cluster: Cluster, grace: Duration = .seconds(300), maximum: Int = 100) -> AffiliateBook {
    AffiliateBook(
      cipher: cluster.cipher, localNodeID: try? NodeIdentity("local"), missingGrace: grace,
      maximumCount: maximum)
  }

  static func texts(_ changes: [AffiliateBook.Change]) -> [String] {
    func text(_ record: AffiliateRecord) -> String {
      record.affiliate.nodeID.text + (record.isStale ? "?" : "")
    }
    return changes.flatMap { change in
      switch change {
      case .snapshot(let records): ["all"] + records.map(text)
      case .upsert(let record): ["+\(text(record))"]
      case .remove(let nodeID): ["-\(nodeID)"]
      case .confirm(let nodeID): ["?\(nodeID)"]
      }
    }
  }

  func texts(_ changes: [AffiliateBook.Change]) -> [String] { Self.texts(changes) }

  @Test("the first answer is everything, without this node and those without data")
  mutating func snapshot() throws {
    let changes = book.snapshot(
      [try cluster.wire("b"), try cluster.wire("a"), try cluster.wire("local"), .with { $0.id = "c" }],
      at: .zero)
    #expect(texts(changes) == ["all", "a", "b"])
    #expect(book.problems.message == nil)
  }

  @Test("later answers are changes")
  mutating func changes() throws {
    _ = book.snapshot([], at: .zero)
    #expect(texts(book.change([try cluster.wire("a")], deleted: false)) == ["+a"])
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == ["-a"])
    #expect(texts(book.change([.with { $0.id = "a" }], deleted: true)) == [])
    #expect(texts(book.change([try cluster.wire("local")], deleted: false)) == [])
    #expect(texts(book.change([.with { $0.id = "local" }], deleted: true)) == [])
  }

  @Test("swapped ciphertexts change nothing and are named")
  mutating func swapped() throws {
    let a = try cluster.wire("a", hostname: "host-a")
    let b = try cluster.wire("b", hostname: "host-b")
    _ = book.snapshot([a, b], at: .zero)
    var swapped = a
    swapped.data = b.data
    #expect(texts(book.change([swapped], deleted: false)) == [])
    let message = try #require(book.problems.message)
    #expect(message.contains("'a'") && message.contains("another node, 'b'"))
    #expect(book.problems.tally[.identityMismatch] == 1)
    _ = book.change([a], deleted: false)
    #expect(book.problems.message == nil)
  }

  @Test("of many bad ones a few are named and the others counted")
  mutating func many() throws {
    let other = try Cluster(secret: "zp/Dc1LyVJFJq8tTxxOT/0UtnLUkPsF0eXD4mJMfjlM=")
    _ = book.snapshot(try (0..<3000).map { try other.wire("n\($0)") }, at: .zero)
    let message = try #require(book.problems.message)
    #expect(message.hasPrefix("3000 affiliates can't be used as told: 'n0': "))
    #expect(message.hasSuffix("and 2997 more"))
    #expect(message.utf8.count < 600)
    #expect(book.count == 0)
  }

  @Test("an item that can't be used is named and the node stays")
  mutating func badItem() throws {
    var wire = try cluster.wire("a")
    wire.endpoints = [Data([1, 2, 3])]
    #expect(texts(book.snapshot([wire], at: .zero)) == ["all", "a"])
    #expect(book.problems.message?.contains("3 bytes") == true)
  }

  @Test("more nodes than are taken are left out and counted")
  mutating func tooMany() throws {
    book = Self.book(cluster, maximum: 3)
    _ = book.snapshot(try (0..<5).map { try cluster.wire("n\($0)") }, at: .zero)
    #expect(book.count == 3)
    #expect(book.problems.message == "2 affiliates are left out, as no more than 3 are taken")
    // Those that are known are still heard.
    #expect(texts(book.change([try cluster.wire("n0")], deleted: false)) == ["+n0"])
  }
}
