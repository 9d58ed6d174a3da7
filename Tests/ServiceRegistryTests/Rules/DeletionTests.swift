import ClusterModel
import DiscoveryProtocol
import SwiftProtobuf
import Testing

@testable import ServiceRegistry

@Suite("Nodes that a service announces as gone")
struct DeletionTests {
  let cluster: Cluster
  var book: AffiliateBook

  init() throws {
    cluster = try Cluster()
    book = AffiliateBookTests.book(cluster)
  }

  private mutating func snapshot(_ affiliates: WireAffiliate...) {
    _ = book.snapshot(.with { $0.affiliates = affiliates }, at: .zero)
  }

  @discardableResult
  private mutating func change(_ answer: WireWatchResponse, at now: Duration = .seconds(1)) -> [String] {
    book.change(answer, at: now).map(\.text)
  }

  private mutating func answered(
    _ question: AffiliateBook.Question, _ affiliates: WireAffiliate...
  ) -> [String] { book.answered(question, by: affiliates).map(\.text) }

  private mutating func unanswered(_ question: AffiliateBook.Question) -> [String] {
    book.unanswered(question).map(\.text)
  }

  private func node(_ id: String = "a") throws -> WireAffiliate {
    try cluster.wire(id, endpoints: ["1.2.3.4:5"])
  }

  // MARK: Why, and since when

  @Test(
    "have the reason that the service gives, whatever time has passed",
    arguments: [
      (WireRemovalReason.withdrawn, "withdrawn"), (.expired, "expired"), (.UNRECOGNIZED(3), "removed"),
    ])
  mutating func stated(reason: WireRemovalReason, text: String) throws {
    snapshot(try cluster.wire("a"), try cluster.wire("b"))
    #expect(change(Cluster.gone("a", reason)) == ["remove a \(text)"])
    #expect(change(Cluster.gone("b", reason), at: .seconds(1790)) == ["remove b \(text)"])
  }

  @Test("were withdrawn where they were announced less than 0.9 of the ttl ago, else they expired")
  mutating func announced() throws {
    snapshot()
    let joined = cluster.answer(try cluster.wire("a"), try cluster.wire("b"))
    change(joined, at: .seconds(100))
    #expect(change(Cluster.gone("a"), at: .seconds(1719)) == ["remove a withdrawn"])
    #expect(change(Cluster.gone("b"), at: .seconds(1720)) == ["remove b expired"])
    // Each renewal counts.
    change(joined, at: .seconds(2000))
    change(joined, at: .seconds(3000))
    #expect(change(Cluster.gone("a"), at: .seconds(4600)) == ["remove a withdrawn"])
  }

  @Test(
    "that weren't announced since the watch began may have expired or not, until 0.9 of the ttl have passed")
  mutating func unannounced() throws {
    snapshot(try cluster.wire("a"), try cluster.wire("b"))
    #expect(change(Cluster.gone("a"), at: .seconds(1619)) == ["remove a removed"])
    #expect(change(Cluster.gone("b"), at: .seconds(1620)) == ["remove b expired"])
  }

  @Test("are confirmed at their last renewal before they go, where the service says when that was")
  mutating func renewedUnannounced() throws {
    var a = try node("a")
    a.lastUpdate = .init(seconds: 1_700_000_000)
    snapshot(a, try node("b"), try node("c"), try node("d"))
    func gone(_ id: String, _ time: Google_Protobuf_Timestamp) -> WireWatchResponse {
      var answer = Cluster.gone(id, .expired)
      answer.lastUpdate = time
      return answer
    }
    let updates = book.change(gone("a", .init(seconds: 1_700_000_900, nanos: 5_000_000)), at: .seconds(2700))
    #expect(updates.map(\.text) == ["upsert a", "remove a expired"])
    #expect(updates.compactMap(\.confirmedAt) == [1_700_000_900_005])
    // The affiliate may say it itself.
    var b = Cluster.gone("b", .withdrawn)
    b.affiliates[0].lastUpdate = .init(seconds: 1_700_000_001)
    #expect(change(b) == ["upsert b", "remove b withdrawn"])
    // No time that a clock could show.
    #expect(change(gone("c", .init(seconds: .max))) == ["remove c expired"])
    // It is known already.
    var d = try node("d")
    d.lastUpdate = .init(seconds: 1_700_000_002)
    change(cluster.answer(d))
    #expect(change(gone("d", .init(seconds: 1_700_000_002))) == ["remove d expired"])
    // One that nobody knew stays unknown.
    #expect(change(gone("e", .init(seconds: 1_700_000_002))) == [])
  }

  @Test("by a service that doesn't say why keep the time of the last renewal that it announced")
  mutating func renewalAnnounced() throws {
    var a = try cluster.wire("a")
    a.lastUpdate = .init(seconds: 1_700_000_000)
    snapshot()
    #expect(change(cluster.answer(a), at: .seconds(10)) == ["upsert a"])
    a.lastUpdate = .init(seconds: 1_700_000_900)
    let renewed = book.change(cluster.answer(a), at: .seconds(910))
    #expect(renewed.compactMap(\.confirmedAt) == [1_700_000_900_000])
    #expect(change(Cluster.gone("a"), at: .seconds(1000)) == ["remove a withdrawn"])
  }

  @Test("have the reason of the moment at which they were announced as gone, however late that is confirmed")
  mutating func reasonOfThen() throws {
    snapshot()
    change(cluster.answer(try node()), at: .zero)
    change(Cluster.gone("a"), at: .seconds(10))
    #expect(answered(try #require(book.question)) == ["remove a withdrawn"])
  }

  // MARK: Whether

  @Test("are asked for first if they had endpoints, for that may be what ended")
  mutating func confirm() throws {
    snapshot(try node("a"), try node("b"))
    #expect(change(Cluster.gone("a")) == [])
    #expect(change(Cluster.gone("b")) == [])
    #expect(answered(try #require(book.question), try cluster.wire("a")) == ["upsert a", "remove b removed"])
    #expect(book.question == nil)
    // The endpoint's end is taken over with it.
    #expect(change(Cluster.gone("a")) == ["remove a removed"])
  }

  @Test("aren't asked for where the service gives a reason: such a service means what it says")
  mutating func statedWithEndpoints() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    #expect(change(Cluster.gone("a", .expired)) == ["remove a expired"])
    #expect(book.question == nil)
  }

  @Test("and that are listed as they were change nothing, and aren't renewed by that")
  mutating func unchanged() throws {
    snapshot(try node())
    change(Cluster.gone("a"), at: .seconds(1000))
    #expect(answered(try #require(book.question), try node()) == [])
    change(Cluster.gone("a"), at: .seconds(1620))
    #expect(answered(try #require(book.question)) == ["remove a expired"])
  }

  @Test("and of which only endpoints are listed are gone")
  mutating func onlyEndpoints() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    var rest = try node()
    rest.data = .init()
    #expect(answered(try #require(book.question), rest) == ["remove a removed"])
  }

  @Test("and were announced again aren't judged by an older list")
  mutating func confirmLate() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    let question = try #require(book.question)
    change(cluster.answer(try node()))
    #expect(answered(question) == [])
    #expect(book.count == 1)
  }

  @Test("once more aren't judged by a list that was asked for before that")
  mutating func deletedMeanwhile() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    let earlier = try #require(book.question)
    change(Cluster.gone("a"))
    #expect(answered(earlier, try node()) == [])
    let later = try #require(book.question)
    #expect(answered(later) == ["remove a removed"])
  }

  // MARK: Without an answer

  @Test("become stale, once, where the service doesn't answer, and stay so until it does")
  mutating func noAnswer() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    let question = try #require(book.question)
    #expect(unanswered(question) == ["upsert a?"])
    #expect(unanswered(question) == [])
    #expect(book.question == question)
    var other = self
    #expect(answered(question, try node()) == ["upsert a"])
    #expect(other.answered(question) == ["remove a removed"])
  }

  @Test("and are listed with data that can't be opened are fresh again as they were")
  mutating func listedUnopenable() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    let question = try #require(book.question)
    #expect(unanswered(question) == ["upsert a?"])
    var broken = try node()
    broken.data[0] ^= 1
    #expect(answered(question, broken) == ["upsert a"])
    #expect(book.question == nil && book.problems.message != nil)
  }

  @Test("and were announced again meanwhile don't become stale")
  mutating func announcedSince() throws {
    snapshot(try node())
    change(Cluster.gone("a"))
    let question = try #require(book.question)
    change(cluster.answer(try node()))
    #expect(unanswered(question) == [])
  }
}

extension RegistryUpdate {
  /// When the record of an upsert was confirmed, in milliseconds since 1970.
  fileprivate var confirmedAt: Int64? {
    if case .upsert(let record, _) = self { record.confirmedAt?.milliseconds } else { nil }
  }
}
