import DiscoveryProtocol
import Foundation
import NIOCore
import SwiftProtobuf
import Testing

@testable import DiscoveryService

/// The service's own reader and writer against SwiftProtobuf's, by messages drawn at random.
@Suite("Against generated messages")
struct GeneratedMessagesTests {
  private var generator = SeededGenerator(seed: 11)

  private mutating func bytes(upTo count: Int) -> Data {
    let count = Int.random(in: 0...count, using: &generator)
    return Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }

  private mutating func text() -> String {
    let scalars: [Character] = ["a", "Z", "/", "=", "é", "日", "😀", "\0"]
    let count = Int.random(in: 0...200, using: &generator)
    return String((0..<count).map { _ in scalars[Int.random(in: 0..<8, using: &generator)] })
  }

  private mutating func chance() -> Bool { Bool.random(using: &generator) }

  /// What SwiftProtobuf writes, now and then after fields that nobody knows.
  private mutating func encoded(_ message: some Message) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    if chance() { buffer.writeBytes([0x78, 0x96, 0x01, 0x72, 2, 9, 9, 0x6D, 1, 2, 3, 4]) }
    buffer.writeBytes(try message.serializedBytes() as [UInt8])
    return buffer
  }

  @Test("updates are read as they were written")
  mutating func updates() throws {
    for _ in 0..<2000 {
      var message = WireAffiliateUpdateRequest()
      message.clusterID = text()
      message.affiliateID = text()
      if chance() { message.affiliateData = bytes(upTo: 2100) }
      if chance() {
        for _ in 0..<Int.random(in: 0...70, using: &generator) {
          message.affiliateEndpoints.append(bytes(upTo: 40))
        }
      }
      if chance() {
        message.ttl.seconds = Int64.random(in: -5...4000, using: &generator)
        message.ttl.nanos = Int32.random(in: -999_999_999...999_999_999, using: &generator)
      }
      guard case .update(let read) = try ServiceRequest(.update, encoded(message)) else { throw GaveUp() }
      let ttl = Duration.seconds(message.ttl.seconds) + .nanoseconds(Int64(message.ttl.nanos))
      #expect(
        read
          == AffiliateUpdate(
            cluster: OpaqueID(message.clusterID), affiliate: OpaqueID(message.affiliateID),
            data: message.hasAffiliateData ? Array(message.affiliateData) : nil,
            endpoints: message.affiliateEndpoints.map { Array($0) },
            timeToLive: message.hasTtl ? ttl : nil))
    }
  }

  @Test("the other requests are read as they were written")
  mutating func others() throws {
    for _ in 0..<1000 {
      let cluster = text()
      let second = text()
      let hello = WireHelloRequest.with {
        $0.clusterID = cluster
        $0.clientVersion = second
      }
      guard case .hello(let id, let version) = try ServiceRequest(.hello, encoded(hello)) else {
        throw GaveUp()
      }
      #expect(id == OpaqueID(cluster) && version == second)
      let delete = WireAffiliateDeleteRequest.with {
        $0.clusterID = cluster
        $0.affiliateID = second
      }
      guard case .delete(let from, let affiliate) = try ServiceRequest(.delete, encoded(delete)) else {
        throw GaveUp()
      }
      #expect(from == OpaqueID(cluster) && affiliate == OpaqueID(second))
      let list = try ServiceRequest(.list, encoded(WireListRequest.with { $0.clusterID = cluster }))
      #expect(list.cluster == OpaqueID(cluster))
      let watch = try ServiceRequest(.watch, encoded(WireWatchRequest.with { $0.clusterID = cluster }))
      #expect(watch.cluster == OpaqueID(cluster))
    }
  }

  /// The message behind gRPC's head.
  private func unframed(_ message: EncodedMessage) throws -> [UInt8] {
    var message = message
    let flag: UInt8? = message.readInteger()
    let length: UInt32? = message.readInteger()
    try #require(flag == 0 && length.map { Int($0) } == message.readableBytes)
    return Array(message.readableBytesView)
  }

  /// What the service has of an affiliate, and the message that says so.
  private mutating func affiliate(_ clock: RenewalClock) -> (stored: StoredAffiliate, wire: WireAffiliate) {
    var wire = WireAffiliate()
    wire.id = text() + "x"
    wire.data = bytes(upTo: 2048)
    if chance() { wire.endpoints = (0..<5).map { _ in bytes(upTo: 32) } }
    let renewedAt = chance() ? Int64.random(in: 0...4_000_000_000_000, using: &generator) * 1_000_000 : nil
    let stored = StoredAffiliate(
      id: OpaqueID(wire.id), data: Array(wire.data), expires: 1, renewedAt: renewedAt, now: 0)
    stored.endpoints = wire.endpoints.map { .init(bytes: Array($0), expires: 1) }
    if let time = clock.renewal(of: stored) {
      wire.lastUpdate = .init(
        seconds: time.milliseconds / 1000, nanos: Int32(time.milliseconds % 1000) * 1_000_000)
    }
    return (stored, wire)
  }

  private static let clock = RenewalClock(now: 0, civilTime: 123_000_000)

  @Test("answers are byte for byte what SwiftProtobuf writes")
  mutating func answers() throws {
    for _ in 0..<1000 {
      let clock = Self.clock
      var stored: [StoredAffiliate] = []
      var affiliates: [WireAffiliate] = []
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let next = affiliate(clock)
        stored.append(next.stored)
        affiliates.append(next.wire)
      }
      let list = WireListResponse.with { $0.affiliates = affiliates }
      #expect(try unframed(WatchMessage.state(stored, clock)) == list.serializedBytes())
      let change = WireWatchResponse.with { $0.affiliates = [affiliates[0]] }
      #expect(try unframed(WatchMessage.change(stored[0], clock)) == change.serializedBytes())
      for (reason, wireReason) in [
        (AffiliateRemoval.withdrawn, WireRemovalReason.withdrawn), (.expired, .expired),
      ] {
        let removal = WireWatchResponse.with {
          $0.affiliates = [.with { $0.id = affiliates[0].id }]
          $0.deleted = true
          $0.reason = wireReason
          if affiliates[0].hasLastUpdate { $0.lastUpdate = affiliates[0].lastUpdate }
        }
        #expect(try unframed(WatchMessage.removal(stored[0], reason, clock)) == removal.serializedBytes())
      }

      let address = chance() ? bytes(upTo: 16) : Data()
      let redirect = chance() ? text() + "x" : nil
      let hello = WireHelloResponse.with {
        if let redirect { $0.redirect.endpoint = redirect }
        $0.clientIp = address
      }
      let written = HelloMessage.make(redirect: redirect, address: Array(address))
      #expect(try unframed(written) == hello.serializedBytes())
    }
  }

  @Test("a client of the original messages reads the same, and keeps what is ours as unknown fields")
  mutating func original() throws {
    for _ in 0..<300 {
      let (stored, wire) = affiliate(Self.clock)
      let clock = Self.clock
      let state = try OriginalListResponse(
        serializedBytes: try unframed(WatchMessage.state([stored], clock)))
      let change = try OriginalWatchResponse(
        serializedBytes: try unframed(WatchMessage.change(stored, clock)))
      for read in [state.affiliates, change.affiliates] {
        #expect(read.map(\.id) == [wire.id] && read.map(\.data) == [wire.data])
        #expect(read.map(\.endpoints) == [wire.endpoints])
        #expect((read.first?.unknownFields.data.isEmpty == false) == wire.hasLastUpdate)
      }
      #expect(!change.deleted && change.unknownFields.data.isEmpty)

      let bytes = try unframed(WatchMessage.removal(stored, .expired, clock))
      let removal = try OriginalWatchResponse(serializedBytes: bytes)
      #expect(removal.deleted && removal.affiliates.map(\.id) == [wire.id])
      #expect(removal.affiliates.allSatisfy { $0.data.isEmpty && $0.unknownFields.data.isEmpty })
      #expect(removal.unknownFields.data.starts(with: [0xC0, 0x3E, 2]))
      // One that hands it on hands all of it on.
      #expect(try removal.serializedBytes() as [UInt8] == bytes)
    }
  }

  @Test("an answer of the original messages has no reason and no renewal for a client that knows them")
  mutating func originalAnswer() throws {
    let answer = OriginalWatchResponse.with {
      $0.affiliates = [.with { $0.id = "a" }]
      $0.deleted = true
    }
    let read = try WireWatchResponse(serializedBytes: answer.serializedBytes() as [UInt8])
    #expect(read.deleted && read.affiliates.map(\.id) == ["a"])
    #expect(read.reason == .unspecified && !read.hasLastUpdate)
    #expect(read.affiliates.allSatisfy { !$0.hasLastUpdate })
  }
}
