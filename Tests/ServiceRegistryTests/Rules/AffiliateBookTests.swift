import ClusterModel
import DiscoveryProtocol
import Foundation
import Testing

@testable import ServiceRegistry

@Suite("What a service has")
struct AffiliateBookTests {
  let cluster: Cluster
  var book: AffiliateBook

  init() throws {
    cluster = try Cluster()
    book = Self.book(cluster)
  }

  static func book(_ cluster: Cluster, maximum: Int = 100) -> AffiliateBook {
    AffiliateBook(
      cipher: cluster.cipher, localNodeID: try? NodeIdentity("local"), source: .only, ttl: .seconds(1800),
      maximumCount: maximum)
  }

  /// What the book makes of a watch that begins with `affiliates` at the clock's beginning.
  @discardableResult
  mutating func snapshot(_ affiliates: WireAffiliate...) -> String {
    book.snapshot(.with { $0.affiliates = affiliates }, at: .zero).text
  }

  /// What the book makes of a later answer.
  @discardableResult
  mutating func change(_ answer: WireWatchResponse, at now: Duration = .seconds(1)) -> [String] {
    book.change(answer, at: now).map(\.text)
  }

  @Test("the first answer is everything, without this node and those without data")
  mutating func first() throws {
    let text = snapshot(
      try cluster.wire("b"), try cluster.wire("a"), try cluster.wire("local"), .with { $0.id = "c" })
    #expect(text == "snapshot a b")
    #expect(book.problems.message == nil)
  }

  @Test("a node's labels and machine id are part of its record, and what can't be one is told")
  mutating func labels() throws {
    var wire = try cluster.wire("a")
    var message = PlainAffiliate(
      try cluster.affiliate("a"), labels: try NodeLabels(["rack": "r7"]),
      machineID: "6a0eceb4cf8de176bd24abff87481ec9")
    wire.data = Data(try cluster.cipher.seal(message))
    snapshot()
    guard case .upsert(let record, _)? = book.change(cluster.answer(wire), at: .zero).first else {
      Issue.record("no update")
      return
    }
    #expect(record.labels == (try NodeLabels(["rack": "r7"])))
    #expect(record.machineID == "6a0eceb4cf8de176bd24abff87481ec9" && !record.isLocalID)
    message.labels[0].key = ""
    wire.data = Data(try cluster.cipher.seal(message))
    guard case .upsert(let bare, _)? = book.change(cluster.answer(wire), at: .zero).first else {
      Issue.record("no update")
      return
    }
    #expect(bare.labels.isEmpty && bare.affiliate == record.affiliate)
    #expect(book.problems.message?.contains("a label's key can't be empty") == true)
  }

  @Test("later answers are changes")
  mutating func changes() throws {
    snapshot()
    #expect(change(cluster.answer(try cluster.wire("a"))) == ["upsert a"])
    #expect(change(Cluster.gone("a")) == ["remove a withdrawn"])
    #expect(change(Cluster.gone("a")) == [])
    #expect(change(cluster.answer(try cluster.wire("local"))) == [])
    #expect(change(Cluster.gone("local")) == [])
  }

  @Test("a node of which only endpoints are known any more stays as it was")
  mutating func withoutData() throws {
    snapshot(try cluster.wire("a"))
    #expect(change(cluster.answer(.with { $0.id = "a" })) == [])
    #expect(book.count == 1)
  }

  @Test(
    "the time of the last renewal is taken from the affiliate, else from the answer, and only if it is one")
  mutating func confirmedAt() throws {
    var (a, b, c) = (try cluster.wire("a"), try cluster.wire("b"), try cluster.wire("c"))
    a.lastUpdate = .init(seconds: 1_700_000_000, nanos: 250_000_000)
    c.lastUpdate = .init(seconds: .max, nanos: 0)
    snapshot()
    var answer = cluster.answer(a, b, c)
    answer.lastUpdate = .init(seconds: 1_600_000_000)
    let records = book.change(answer, at: .zero).compactMap { update in
      if case .upsert(let record, _) = update { record } else { nil }
    }
    #expect(records.map(\.confirmedAt?.milliseconds) == [1_700_000_000_250, 1_600_000_000_000, nil])
    b.lastUpdate = .init(seconds: -5)
    guard case .upsert(let record, _)? = book.change(cluster.answer(b), at: .zero).first else {
      Issue.record("no update")
      return
    }
    #expect(record.confirmedAt == nil)
  }

  @Test("swapped ciphertexts change nothing and are named")
  mutating func swapped() throws {
    let a = try cluster.wire("a", hostname: "host-a")
    let b = try cluster.wire("b", hostname: "host-b")
    snapshot(a, b)
    var swapped = a
    swapped.data = b.data
    #expect(change(cluster.answer(swapped)) == [])
    let message = try #require(book.problems.message)
    #expect(message.contains("'a'") && message.contains("another node, 'b'"))
    change(cluster.answer(a))
    #expect(book.problems.message == nil)
  }

  @Test("of many bad ones a few are named and the others counted")
  mutating func many() throws {
    let other = try Cluster(secret: "zp/Dc1LyVJFJq8tTxxOT/0UtnLUkPsF0eXD4mJMfjlM=")
    let wires = try (0..<3000).map { try other.wire("n\($0)") }
    _ = book.snapshot(.with { $0.affiliates = wires }, at: .zero)
    let message = try #require(book.problems.message)
    #expect(message.hasPrefix("3000 affiliates can't be used as sent: 'n0': "))
    #expect(message.hasSuffix("and 2997 more"))
    #expect(message.utf8.count < 600)
    #expect(book.count == 0)
  }

  @Test("an item that can't be used is named and the node stays")
  mutating func badItem() throws {
    var wire = try cluster.wire("a")
    wire.endpoints = [Data([1, 2, 3])]
    #expect(snapshot(wire) == "snapshot a")
    #expect(book.problems.message?.contains("3 bytes") == true)
  }

  @Test("more nodes than are taken are left out and counted")
  mutating func tooMany() throws {
    book = Self.book(cluster, maximum: 3)
    let wires = try (0..<5).map { try cluster.wire("n\($0)") }
    _ = book.snapshot(.with { $0.affiliates = wires }, at: .zero)
    #expect(book.count == 3)
    #expect(book.problems.message == "2 affiliates are left out, as no more than 3 are taken")
    // Those that are known are still taken.
    #expect(change(cluster.answer(try cluster.wire("n0"))) == ["upsert n0"])
  }
}
