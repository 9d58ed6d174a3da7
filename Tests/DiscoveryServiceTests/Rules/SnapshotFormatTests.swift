import ClusterModel
import DiscoveryProtocol
import Foundation
import NIOCore
import SwiftProtobuf
import Testing

@testable import DiscoveryService

/// Snapshot files against SwiftProtobuf's reading and writing of the existing service's messages.
@Suite("Snapshots against generated messages")
struct SnapshotFormatTests {
  private static let second: Int64 = 1_000_000_000
  private var generator = SeededGenerator(seed: 23)

  private mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }

  private mutating func bytes(_ count: ClosedRange<Int>) -> Data {
    Data((0..<number(count)).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }

  private mutating func id() -> String {
    let scalars: [Character] = ["a", "Z", "/", "=", "é", "日", "😀", "\0"]
    return String((0..<number(1...60)).map { _ in scalars[number(0...7)] })
  }

  /// Up to 30 minutes, now and then to the nanosecond.
  private mutating func time() -> Google_Protobuf_Duration {
    .with {
      $0.seconds = Int64(number(0...1800))
      $0.nanos = number(0...1) == 0 ? 0 : Int32(number(0...999_999_999))
    }
  }

  /// A state as newer files have it.
  private mutating func state() -> StoredStateSnapshot {
    var state = StoredStateSnapshot()
    for _ in 0..<number(0...4) {
      var cluster = StoredClusterSnapshot()
      cluster.id = id()
      for _ in 0..<number(0...4) {
        var affiliate = StoredAffiliateSnapshot()
        affiliate.id = id()
        affiliate.data = bytes(0...300)
        affiliate.ttl = time()
        if number(0...1) == 0 {
          affiliate.lastUpdate = .init(
            seconds: Int64(number(1...4_000_000_000)), nanos: Int32(number(0...999)) * 1_000_000)
        }
        for _ in 0..<number(0...3) {
          var endpoint = StoredEndpointSnapshot()
          endpoint.data = bytes(1...32)
          endpoint.ttl = time()
          affiliate.endpoints.append(endpoint)
        }
        cluster.affiliates.append(affiliate)
      }
      state.clusters.append(cluster)
    }
    return state
  }

  private func nanoseconds(_ time: Google_Protobuf_Duration) -> Int64 {
    time.seconds * Self.second + Int64(time.nanos)
  }

  /// What our reader has to make of `state`, a file without moments of expiry.
  private func expected(_ state: StoredStateSnapshot) -> [OpaqueID: [AffiliateSnapshot]] {
    var clusters: [OpaqueID: [AffiliateSnapshot]] = [:]
    for cluster in state.clusters {
      clusters[OpaqueID(cluster.id), default: []] += cluster.affiliates.map { stored in
        var affiliate = AffiliateSnapshot(id: OpaqueID(stored.id), timeToLive: nanoseconds(stored.ttl))
        affiliate.data = Array(stored.data)
        if stored.hasLastUpdate {
          affiliate.renewedAt = Timestamp(
            milliseconds: stored.lastUpdate.seconds * 1000 + Int64(stored.lastUpdate.nanos / 1_000_000))
        }
        affiliate.endpoints = stored.endpoints.map {
          .init(data: Array($0.data), timeToLive: nanoseconds($0.ttl))
        }
        return affiliate
      }
    }
    return clusters
  }

  private func decoded(_ bytes: [UInt8], now: Int64 = 0) throws -> [OpaqueID: [AffiliateSnapshot]] {
    var clusters: [OpaqueID: [AffiliateSnapshot]] = [:]
    for (id, affiliates) in try StateSnapshot.decode(ByteBuffer(bytes: bytes), now: now) {
      clusters[id, default: []] += affiliates
    }
    return clusters
  }

  @Test("what we write is read by SwiftProtobuf, with nothing unknown in it, and written the same again")
  mutating func written() throws {
    for _ in 0..<200 {
      let state = state()
      var buffer = ByteBuffer()
      for cluster in state.clusters {
        let affiliates = expected(.with { $0.clusters = [cluster] })[OpaqueID(cluster.id)] ?? []
        StateSnapshot.append(cluster: OpaqueID(cluster.id), affiliates, to: &buffer)
      }
      let bytes = Array(buffer: buffer)
      #expect(try StoredStateSnapshot(serializedBytes: bytes) == state)
      #expect(try state.serializedBytes() as [UInt8] == bytes)
    }
  }

  @Test("what SwiftProtobuf writes is read by us")
  mutating func read() throws {
    for _ in 0..<200 {
      let state = state()
      #expect(try decoded(state.serializedBytes()) == expected(state))
    }
  }

  @Test("a file of a store is what SwiftProtobuf makes of it, and back in another store it is the same")
  func file() throws {
    let fixture = StoreFixture()
    for index in 0..<300 {
      fixture.update(
        "a\(index)", in: "c\(index % 40)", data: [UInt8(index & 255), 1],
        endpoints: [[UInt8(index & 255), 9]],
        ttl: .seconds(index + 60))
    }
    fixture.later(.milliseconds(1500))
    var buffer = ByteBuffer()
    for shard in 0..<fixture.store.shardCount {
      fixture.store.withClusters(ofShard: shard) { clusters, now, clock in
        for cluster in clusters.values {
          StateSnapshot.append(
            cluster: cluster.id, cluster.affiliates.values.map { AffiliateSnapshot($0, now: now, clock) },
            to: &buffer)
        }
      }
    }
    let state = try StoredStateSnapshot(serializedBytes: Array(buffer: buffer))
    #expect(state.clusters.count == 40)
    let affiliates = state.clusters.flatMap(\.affiliates)
    #expect(affiliates.count == 300)
    for affiliate in affiliates {
      let index = try #require(Int(affiliate.id.dropFirst()))
      #expect(affiliate.data == Data([UInt8(index & 255), 1]))
      #expect(affiliate.endpoints.map(\.data) == [Data([UInt8(index & 255), 9])])
      #expect(nanoseconds(affiliate.ttl) == Int64(index + 60) * Self.second - 1_500_000_000)
      #expect(affiliate.endpoints[0].ttl == affiliate.ttl)
    }
    let other = StoreFixture()
    for (cluster, affiliates) in try decoded(state.serializedBytes()) {
      for affiliate in affiliates { try other.store.restore(cluster: cluster, affiliate) }
    }
    for index in 0..<40 { #expect(try other.list("c\(index)") == fixture.list("c\(index)")) }
  }

  @Test("fields in any order, and fields that nobody knows yet, change nothing")
  mutating func orderAndUnknown() throws {
    // A varint, bytes, eight and four bytes, and a group, with numbers that no message has.
    let unknown: [UInt8] = [
      0x78, 0x96, 0x01, 0x72, 2, 9, 9, 0x69, 1, 2, 3, 4, 5, 6, 7, 8, 0x65, 1, 2, 3, 4, 0x5B, 0x08, 1, 0x5C,
    ]
    for _ in 0..<100 {
      let state = state()
      var file = unknown
      for cluster in state.clusters {
        var parts = [try StoredClusterSnapshot.with { $0.id = cluster.id }.serializedBytes() as [UInt8]]
        var affiliates = ByteBuffer()
        for affiliate in cluster.affiliates { affiliates.writeField(2, try shuffled(affiliate, unknown)) }
        parts += [Array(buffer: affiliates), unknown]
        var framed = ByteBuffer()
        framed.writeField(1, Array(parts.shuffled(using: &generator).joined()))
        file += Array(buffer: framed)
      }
      #expect(try decoded(file) == expected(state))
      // SwiftProtobuf agrees that it is the same.
      let again = try StoredStateSnapshot(serializedBytes: file)
      #expect(expected(again) == expected(state))
      #expect(again.unknownFields != UnknownStorage())
      #expect(try decoded(again.serializedBytes()) == expected(state))
    }
  }

  /// An affiliate's fields in a random order, its endpoints' data after their time.
  private mutating func shuffled(
    _ affiliate: StoredAffiliateSnapshot, _ unknown: [UInt8]
  ) throws -> [UInt8] {
    var endpoints = ByteBuffer()
    for endpoint in affiliate.endpoints {
      let time = try StoredEndpointSnapshot.with { $0.ttl = endpoint.ttl }.serializedBytes() as [UInt8]
      let data = try StoredEndpointSnapshot.with { $0.data = endpoint.data }.serializedBytes() as [UInt8]
      endpoints.writeField(4, time + unknown + data)
    }
    let parts = [
      try StoredAffiliateSnapshot.with { $0.id = affiliate.id }.serializedBytes() as [UInt8],
      try StoredAffiliateSnapshot.with { $0.data = affiliate.data }.serializedBytes(),
      try StoredAffiliateSnapshot.with { $0.ttl = affiliate.ttl }.serializedBytes(),
      try StoredAffiliateSnapshot.with {
        if affiliate.hasLastUpdate { $0.lastUpdate = affiliate.lastUpdate }
      }.serializedBytes(),
      Array(buffer: endpoints), unknown,
    ]
    return Array(parts.shuffled(using: &generator).joined())
  }

  @Test("moments of expiry that SwiftProtobuf wrote are read as the time that is left")
  mutating func moments() throws {
    let now = 1_700_000_000 * Self.second
    for _ in 0..<100 {
      let state = state()
      var old = state
      for (c, cluster) in state.clusters.enumerated() {
        for (a, affiliate) in cluster.affiliates.enumerated() {
          old.clusters[c].affiliates[a].clearTtl()
          old.clusters[c].affiliates[a].expiration = .init(
            seconds: 1_700_000_000 + affiliate.ttl.seconds, nanos: affiliate.ttl.nanos)
          for (e, endpoint) in affiliate.endpoints.enumerated() {
            old.clusters[c].affiliates[a].endpoints[e].clearTtl()
            old.clusters[c].affiliates[a].endpoints[e].expiration = .init(
              seconds: 1_700_000_000 + endpoint.ttl.seconds, nanos: endpoint.ttl.nanos)
          }
        }
      }
      #expect(try decoded(old.serializedBytes(), now: now) == expected(state))
    }
  }

  @Test(
    "times beyond all bounds are over or endless by their sign, and never end the process",
    arguments: [Int64.max, .min, 1 << 40, -1 << 40], [Int32.max, .min, 0])
  mutating func extremes(seconds: Int64, nanos: Int32) throws {
    var state = StoredStateSnapshot()
    var cluster = StoredClusterSnapshot()
    cluster.id = "c"
    for isMoment in [true, false] {
      var affiliate = StoredAffiliateSnapshot()
      affiliate.id = isMoment ? "moment" : "ttl"
      if isMoment {
        affiliate.expiration = .init(seconds: seconds, nanos: nanos)
      } else {
        affiliate.ttl = .init(seconds: seconds, nanos: nanos)
      }
      cluster.affiliates.append(affiliate)
    }
    state.clusters = [cluster]
    for now in [0, Int64.max / 2] {
      for affiliate in try decoded(state.serializedBytes(), now: now)[OpaqueID("c")] ?? [] {
        #expect((affiliate.timeToLive > 0) == (seconds > 1 << 39), "\(affiliate)")
      }
    }
  }

  @Test("cut off or damaged at any byte, a file is never read as more than SwiftProtobuf finds in it")
  mutating func damaged() throws {
    var state = state()
    while state.clusters.count < 3 { state = self.state() }
    let whole = try state.serializedBytes() as [UInt8]
    var refused = 0
    for offset in whole.indices {
      var variants = [Array(whole[..<offset])]
      for value in [0x00, 0x7F, 0x80, 0xFF, whole[offset] ^ 1, whole[offset] ^ 0x80] as [UInt8] {
        var bytes = whole
        bytes[offset] = value
        variants.append(bytes)
      }
      for bytes in variants {
        guard let ours = try? decoded(bytes) else {
          refused += 1
          continue
        }
        let theirs = try #require(
          try? StoredStateSnapshot(serializedBytes: bytes), "byte \(offset): read by us alone")
        #expect(ours.count == Set(theirs.clusters.map { OpaqueID($0.id) }).count)
        #expect(ours.values.joined().count == theirs.clusters.reduce(0) { $0 + $1.affiliates.count })
      }
    }
    #expect(refused > whole.count)
  }
}
