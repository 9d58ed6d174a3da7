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

  @Test("answers are byte for byte what SwiftProtobuf writes")
  mutating func answers() throws {
    for _ in 0..<1000 {
      var stored: [StoredAffiliate] = []
      var affiliates: [WireAffiliate] = []
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        var wire = WireAffiliate()
        wire.id = text() + "x"
        wire.data = bytes(upTo: 2048)
        if chance() { wire.endpoints = (0..<5).map { _ in bytes(upTo: 32) } }
        let affiliate = StoredAffiliate(id: OpaqueID(wire.id), expires: 1)
        affiliate.data = Array(wire.data)
        affiliate.endpoints = wire.endpoints.map { .init(bytes: Array($0), expires: 1) }
        stored.append(affiliate)
        affiliates.append(wire)
      }
      let list = WireListResponse.with { $0.affiliates = affiliates }
      #expect(try unframed(WatchMessage.state(stored)) == list.serializedBytes())
      let change = WireWatchResponse.with { $0.affiliates = [affiliates[0]] }
      #expect(try unframed(WatchMessage.change(stored[0], deleted: false)) == change.serializedBytes())
      let deletion = WireWatchResponse.with {
        $0.affiliates = [.with { $0.id = affiliates[0].id }]
        $0.deleted = true
      }
      #expect(try unframed(WatchMessage.change(stored[0], deleted: true)) == deletion.serializedBytes())

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
}
