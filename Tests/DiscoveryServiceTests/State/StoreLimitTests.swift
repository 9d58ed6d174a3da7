import Testing

@testable import DiscoveryService

@Suite("The store's limits")
struct StoreLimitTests {
  let fixture = StoreFixture()

  @Test(
    "each breach has its status and its message",
    arguments: [
      ("", "a", 0, 0, "cluster ID can't be empty"),
      (String(repeating: "c", count: 257), "a", 0, 0, "cluster ID is too long"),
      ("c", "", 0, 0, "affiliate ID can't be empty"),
      ("c", String(repeating: "a", count: 257), 0, 0, "affiliate ID is too long"),
      ("c", "a", 2049, 0, "affiliate data is too big"),
      ("c", "a", 0, 33, "affiliate endpoint is too big"),
    ])
  func breaches(cluster: String, affiliate: String, data: Int, endpoint: Int, message: String) {
    let error = fixture.update(
      affiliate, in: cluster, data: [UInt8](repeating: 1, count: data),
      endpoints: endpoint > 0 ? [[UInt8](repeating: 1, count: endpoint)] : [])
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == message)
    #expect(fixture.store.clusterEntries == 0)
  }

  @Test("what is just within the limits is taken")
  func within() throws {
    let id = String(repeating: "x", count: 256)
    let error = fixture.update(
      id, in: id, data: [UInt8](repeating: 1, count: 2048),
      endpoints: (0..<64).map { [UInt8](repeating: $0, count: 32) }, ttl: .seconds(1800))
    #expect(error == nil)
    #expect(try fixture.list(id).affiliates.first?.endpoints.count == 64)
  }

  @Test("a negative time to live is refused, and one above half an hour")
  func timesToLive() {
    #expect(fixture.update("a", data: [1], ttl: .seconds(-1))?.message == "ttl can't be negative")
    #expect(fixture.update("a", data: [1], ttl: .nanoseconds(-1))?.code == .invalidArgument)
    #expect(fixture.update("a", data: [1], ttl: .seconds(1801))?.message == "ttl is too large")
    #expect(fixture.update("a", data: [1], ttl: .seconds(Int64.max))?.message == "ttl is too large")
    #expect(fixture.update("a", data: [1], ttl: .seconds(Int64.min))?.message == "ttl can't be negative")
    #expect(fixture.store.clusterEntries == 0)
  }

  @Test("an update with one endpoint too many changes nothing at all")
  func tooManyEndpoints() throws {
    fixture.update("a", data: [1], endpoints: (0..<60).map { [$0] }, ttl: .seconds(60))
    let watcher = fixture.watch()
    _ = watcher.take()
    let error = fixture.update("a", data: [2], endpoints: (58..<66).map { [$0] }, ttl: .seconds(600))
    #expect(error?.code == .resourceExhausted)
    #expect(error?.message == "too many endpoints in the affiliate")
    #expect(watcher.take().isEmpty)
    let kept = try #require(try fixture.list().affiliates.first)
    #expect(kept.data == [1])
    #expect(kept.endpoints.count == 60)
    fixture.later(.seconds(61))
    #expect(try fixture.list().affiliates.isEmpty)
    #expect(fixture.update("b", endpoints: (0..<66).map { [$0] })?.code == .resourceExhausted)
    #expect(fixture.store.statistics().affiliates == 0)
  }

  @Test("endpoints that are sent twice in one update count once")
  func sameEndpointTwice() throws {
    fixture.update("a", endpoints: (0..<64).map { [$0] })
    #expect(fixture.update("a", endpoints: (0..<64).map { [$0] } + [[0], [0]]) == nil)
    #expect(fixture.update("a", endpoints: [[64]])?.code == .resourceExhausted)
  }

  @Test("an empty endpoint is refused, as existing clients crash on it")
  func emptyEndpoint() {
    #expect(fixture.update("a", endpoints: [[]])?.code == .invalidArgument)
  }

  @Test("a cluster takes 1024 affiliates and no more, and existing ones can still be updated")
  func tooManyAffiliates() throws {
    for index in 0..<1024 { #expect(fixture.update("a\(index)", data: [1]) == nil) }
    #expect(fixture.update("one more", data: [1])?.code == .resourceExhausted)
    #expect(fixture.update("a5", data: [2]) == nil)
    #expect(fixture.store.statistics().affiliates == 1024)
  }

  @Test("the number of clusters is bounded, and dropped ones make room")
  func tooManyClusters() {
    var limits = SharedLimits()
    limits[.clusters].total = 10
    let fixture = StoreFixture(ledger: ResourceLedger(limits: limits))
    for index in 0..<10 { #expect(fixture.update("a", in: "c\(index)", data: [1]) == nil) }
    #expect(fixture.update("a", in: "more", data: [1])?.message == "too many clusters")
    let watcher = fixture.watch("more")
    #expect(watcher.take().count == 1, "one that is only watched is no cluster yet")
    fixture.later(.seconds(61))
    #expect(fixture.update("a", in: "more", data: [1]) == nil)
    #expect(fixture.store.statistics().clusters == 1)
  }
}
