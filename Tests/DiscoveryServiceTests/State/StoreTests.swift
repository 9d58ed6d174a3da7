import Testing

@testable import DiscoveryService

/// A store with a clock of the test's own.
struct StoreFixture {
  let clock = ManualClock()
  /// The time of day in nanoseconds since 1970.
  let civil = ManualClock(1_700_000_000_000_000_000)
  let store: MemoryStore

  init(limits: StoreLimits = StoreLimits(), ledger: ResourceLedger = ResourceLedger()) {
    store = MemoryStore(
      limits: limits, ledger: ledger, now: { [clock] in clock.now }, civilTime: { [civil] in civil.now })
  }

  @discardableResult
  func update(
    _ affiliate: String, in cluster: String = "c", data: [UInt8]? = nil, endpoints: [[UInt8]] = [],
    ttl: Duration? = nil
  ) -> ServiceError? {
    store.update(
      AffiliateUpdate(
        cluster: OpaqueID(cluster), affiliate: OpaqueID(affiliate), data: data, endpoints: endpoints,
        timeToLive: ttl)
    ).error
  }

  func list(_ cluster: String = "c") throws -> DecodedResponse {
    try DecodedResponse(framed: try store.list(cluster: OpaqueID(cluster)).get())
  }

  func watch(_ cluster: String = "c") -> RecordingWatcher {
    let watcher = RecordingWatcher()
    store.watch(cluster: OpaqueID(cluster), watcher: watcher, opening: 1)
    return watcher
  }

  func later(_ duration: Duration) {
    clock.advance(duration)
    civil.advance(duration)
    store.collect()
  }
}

@Suite("The store's state")
struct StoreTests {
  let fixture = StoreFixture()

  @Test("what is stored is listed, and deleting it empties the list")
  func storeAndDelete() throws {
    fixture.update("a", data: [1, 2], endpoints: [[3]])
    #expect(try fixture.list().affiliates == [.init(id: "a", data: [1, 2], endpoints: [[3]])])
    _ = try fixture.store.delete(cluster: OpaqueID("c"), affiliate: OpaqueID("a")).get()
    #expect(try fixture.list().affiliates.isEmpty)
    #expect(fixture.store.statistics() == StoreStatistics())
  }

  @Test("deleting and listing what is unknown succeeds and creates nothing")
  func unknown() throws {
    _ = try fixture.store.delete(cluster: OpaqueID("c"), affiliate: OpaqueID("a")).get()
    #expect(try fixture.list().affiliates.isEmpty)
    #expect(fixture.store.clusterEntries == 0)
  }

  @Test("ten thousand cluster ids that are asked for, watched and left, or filled and expired, leave nothing")
  func manyClusterIDs() throws {
    for index in 0..<10_000 {
      let cluster = OpaqueID("c\(index)")
      _ = try fixture.store.list(cluster: cluster).get()
      let watcher = fixture.watch("c\(index)")
      fixture.store.unwatch(cluster: cluster, watcher: watcher)
      if index % 10 == 0 { fixture.update("a", in: "c\(index)", data: [1]) }
    }
    #expect(fixture.store.clusterEntries == 1000)
    fixture.later(.seconds(61))
    #expect(fixture.store.clusterEntries == 0)
    #expect(fixture.store.statistics().affiliates == 0)
  }

  @Test("a watch of an unknown cluster leaves nothing behind")
  func watchLeavesNothing() {
    let watcher = fixture.watch()
    #expect(watcher.take() == [.opened(1, [])])
    fixture.store.unwatch(cluster: OpaqueID("c"), watcher: watcher)
    #expect(fixture.store.clusterEntries == 0)
  }

  @Test("an update without data leaves the data alone and merges endpoints")
  func mergesEndpoints() throws {
    fixture.update("a", data: [1], endpoints: [[1], [2]])
    fixture.update("a", endpoints: [[2], [3]])
    #expect(try fixture.list().affiliates == [.init(id: "a", data: [1], endpoints: [[1], [2], [3]])])
  }

  @Test("data that is present but empty counts as absent")
  func emptyData() throws {
    fixture.update("a", data: [1], ttl: .seconds(600))
    fixture.update("a", data: [], ttl: .seconds(1))
    fixture.later(.seconds(30))
    #expect(try fixture.list().affiliates == [.init(id: "a", data: [1])])
  }

  @Test("an update for an unknown affiliate with endpoints alone creates it without data")
  func endpointsAlone() throws {
    fixture.update("a", endpoints: [[1]])
    #expect(try fixture.list().affiliates == [.init(id: "a", endpoints: [[1]])])
  }

  @Test("watchers are told of a change once, and of one that changes nothing not at all")
  func tellsChanges() {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], endpoints: [[1]])
    fixture.update("a", data: [1], endpoints: [[1]])
    fixture.update("a", endpoints: [[1]])
    fixture.update("a", data: [2])
    #expect(
      watcher.take() == [
        .opened(1, []), .changed("a", data: [1], endpoints: 1), .changed("a", data: [2], endpoints: 1),
      ])
  }

  @Test("an update that changes nothing still extends the time to live")
  func refreshExtends() throws {
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.later(.seconds(50))
    fixture.update("a", data: [1], ttl: .seconds(60))
    fixture.later(.seconds(50))
    #expect(try fixture.list().ids == ["a"])
    fixture.later(.seconds(11))
    #expect(try fixture.list().ids.isEmpty)
  }

  @Test("data sets the expiry also to an earlier time, endpoints only to a later one")
  func expiryRules() throws {
    fixture.update("a", data: [1], ttl: .seconds(600))
    fixture.update("a", data: [2], ttl: .seconds(10))
    fixture.update("b", data: [1], ttl: .seconds(600))
    fixture.update("b", endpoints: [[1]], ttl: .seconds(10))
    fixture.later(.seconds(11))
    #expect(try fixture.list().affiliates == [.init(id: "b", data: [1])])
  }

  @Test("an expired endpoint is an update of its affiliate, not a deletion")
  func endpointExpiry() {
    let watcher = fixture.watch()
    fixture.update("a", data: [1], endpoints: [[1]], ttl: .seconds(10))
    fixture.update("a", data: [1], endpoints: [[2]], ttl: .seconds(600))
    _ = watcher.take()
    fixture.later(.seconds(11))
    #expect(watcher.take() == [.changed("a", data: [1], endpoints: 1)])
    fixture.later(.seconds(600))
    #expect(watcher.take() == [.deleted("a")])
    let statistics = fixture.store.statistics()
    #expect(statistics.expiredAffiliates == 1)
    #expect(statistics.expiredEndpoints == 1)
    #expect(statistics.expiredClusters == 1)
    #expect(statistics.endpoints == 0)
  }

  @Test("what expires is dropped within a tenth of a second of its time, by few looks at the store")
  func expiresOnTime() {
    let watcher = fixture.watch()
    for ttl in [3_000, 3_217, 600_050] {
      let start = fixture.clock.now
      fixture.update("a", data: [1], endpoints: [[1]], ttl: .milliseconds(ttl))
      _ = watcher.take()
      var looks = 0
      while fixture.store.statistics().affiliates > 0, looks < 2000 {
        fixture.clock.advance(fixture.store.timeToNextExpiry(atMost: .seconds(1)))
        fixture.store.dropExpired()
        looks += 1
      }
      #expect(watcher.take() == [.deleted("a")])
      let late = fixture.clock.now - start - Int64(ttl) * 1_000_000
      #expect((0...100_000_000).contains(late), "\(late) ns late")
      #expect(looks <= ttl / 1000 + 5)
    }
  }

  @Test("where nothing expires soon, nothing is to be looked at")
  func nothingExpires() {
    #expect(fixture.store.timeToNextExpiry(atMost: .seconds(60)) == .seconds(60))
    fixture.update("a", data: [1], ttl: .seconds(100))
    #expect(fixture.store.timeToNextExpiry(atMost: .seconds(60)) == .seconds(60))
    #expect(fixture.store.timeToNextExpiry(atMost: .seconds(200)) <= .milliseconds(100_100))
  }

  @Test("an absent or zero time to live means one minute")
  func absentTTL() throws {
    fixture.update("a", data: [1])
    fixture.update("b", data: [1], ttl: .zero)
    fixture.later(.seconds(59))
    #expect(try fixture.list().ids == ["a", "b"])
    fixture.later(.seconds(2))
    #expect(try fixture.list().ids.isEmpty)
  }

  @Test("a cluster whose last affiliate expired is gone, unless it is watched")
  func dropsEmptyClusters() {
    fixture.update("a", in: "c", data: [1])
    fixture.update("a", in: "d", data: [1])
    let watcher = fixture.watch("d")
    fixture.later(.seconds(61))
    #expect(fixture.store.clusterEntries == 1)
    fixture.update("b", in: "d", data: [3])
    #expect(watcher.take().last == .changed("b", data: [3], endpoints: 0))
  }

  @Test("a clock that leaps ahead expires what is due once and leaves the rest working")
  func clockLeapsAhead() throws {
    fixture.update("a", data: [1], ttl: .seconds(1800))
    fixture.later(.seconds(100 * 24 * 3600))
    #expect(try fixture.list().ids.isEmpty)
    fixture.update("b", data: [1], ttl: .seconds(1800))
    fixture.later(.seconds(1799))
    #expect(try fixture.list().ids == ["b"])
    fixture.later(.seconds(2))
    #expect(try fixture.list().ids.isEmpty)
  }

  @Test("a clock that goes back expires nothing early and catches up")
  func clockGoesBack() throws {
    fixture.update("a", data: [1], ttl: .seconds(100))
    fixture.later(.seconds(-500))
    fixture.update("b", data: [1], ttl: .seconds(100))
    #expect(try fixture.list().ids == ["a", "b"])
    fixture.later(.seconds(601))
    #expect(try fixture.list().ids.isEmpty)
  }

  @Test("one that was deleted and came back is not expired by its old time")
  func reborn() throws {
    fixture.update("a", data: [1], ttl: .seconds(10))
    _ = try fixture.store.delete(cluster: OpaqueID("c"), affiliate: OpaqueID("a")).get()
    fixture.update("a", data: [2], ttl: .seconds(100))
    fixture.later(.seconds(20))
    #expect(try fixture.list().affiliates == [.init(id: "a", data: [2])])
  }

  @Test("ids that look alike in Unicode are different ids")
  func unicode() throws {
    fixture.update("\u{E9}", data: [1])
    fixture.update("e\u{301}", data: [2])
    #expect(try fixture.list().affiliates.count == 2)
  }

  @Test("after any sequence of operations the statistics count what is listed")
  func randomOperations() throws {
    var generator = SeededGenerator(seed: 7)
    let watcher = fixture.watch("c0")
    var mirror: [String: [UInt8]] = [:]
    for _ in 0..<4000 {
      let cluster = "c\(Int.random(in: 0..<5, using: &generator))"
      let affiliate = "a\(Int.random(in: 0..<20, using: &generator))"
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: _ = fixture.store.delete(cluster: OpaqueID(cluster), affiliate: OpaqueID(affiliate))
      case 1: fixture.later(.seconds(Int.random(in: 1..<40, using: &generator)))
      default:
        fixture.update(
          affiliate, in: cluster, data: [UInt8.random(in: 1...9, using: &generator)],
          endpoints: [[UInt8.random(in: 0...80, using: &generator)]],
          ttl: .seconds(Int.random(in: 1...1800, using: &generator)))
      }
      for event in watcher.take() {
        switch event {
        case .changed(let id, let data, _): mirror[id] = data
        case .deleted(let id): mirror[id] = nil
        case .opened, .failed: break
        }
      }
    }
    var affiliates = 0
    var endpoints = 0
    for index in 0..<5 {
      let listed = try fixture.list("c\(index)")
      affiliates += listed.affiliates.count
      endpoints += listed.affiliates.reduce(0) { $0 + $1.endpoints.count }
    }
    #expect(fixture.store.statistics().affiliates == affiliates)
    #expect(fixture.store.statistics().endpoints == endpoints)
    let watched = try fixture.list("c0")
    #expect(Dictionary(uniqueKeysWithValues: watched.affiliates.map { ($0.id, $0.data) }) == mirror)
  }

  @Test(
    "endpoints that others send keep a dead node for no longer than a time to live after its own last word")
  func deadNode() throws {
    let fixture = StoreFixture()
    fixture.update("dead", data: [1], ttl: .seconds(100))
    for second in 0..<40 {
      fixture.later(.seconds(5))
      fixture.update("dead", endpoints: [[UInt8(second % 3)]], ttl: .seconds(second < 20 ? 100 : 60))
      if second == 18 { #expect(try fixture.list().affiliates.first?.data == [1]) }
    }
    // What others said since made an affiliate without data, which no client looks at.
    #expect(try fixture.list().affiliates.allSatisfy { $0.data.isEmpty })
  }
}
