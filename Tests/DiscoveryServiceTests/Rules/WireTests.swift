import NIOCore
import Testing

@testable import DiscoveryService

@Suite("Requests on the wire")
struct WireTests {
  @Test("an update is read whole")
  func update() throws {
    let request = try ServiceRequest(
      .update, Request.update("c", "a", data: [1, 2], endpoints: [[3], [4, 5]], ttl: 90))
    guard case .update(let update) = request else { throw GaveUp() }
    #expect(
      update
        == AffiliateUpdate(
          cluster: OpaqueID("c"), affiliate: OpaqueID("a"), data: [1, 2], endpoints: [[3], [4, 5]],
          timeToLive: .seconds(90)))
  }

  @Test("too many endpoints are refused as they are read")
  func endpoints() throws {
    let many = (0..<65).map { [UInt8($0)] }
    #expect(throws: ServiceError.exhausted("too many endpoints in the affiliate", reason: "endpoints")) {
      try ServiceRequest(.update, Request.update("c", "a", endpoints: many), maximumEndpoints: 64)
    }
    guard
      case .update(let most) = try ServiceRequest(
        .update, Request.update("c", "a", endpoints: many.dropLast()), maximumEndpoints: 64)
    else { throw GaveUp() }
    #expect(most.endpoints.count == 64)
  }

  @Test("unknown fields of every wire type are skipped, groups too")
  func unknownFields() throws {
    var bytes = ByteBuffer(bytes: [0x78, 0x96, 0x01])  // 15: varint
    bytes.writeBytes([0x71, 1, 2, 3, 4, 5, 6, 7, 8])  // 14: fixed64
    bytes.writeBytes([0x6D, 1, 2, 3, 4])  // 13: fixed32
    bytes.writeBytes([0x63, 0x0A, 0x01, 0x41, 0x13, 0x14, 0x64])  // 12: group with a field and a group
    var rest = Request.cluster("c")
    bytes.writeBuffer(&rest)
    let request = try ServiceRequest(.list, bytes)
    #expect(request.cluster == OpaqueID("c"))
  }

  @Test("of a field that comes twice the later one counts, and durations are merged")
  func lastWins() throws {
    var bytes = Request.update("old", "a", ttl: 5)
    bytes.writeField(1, Array("new".utf8))
    bytes.writeFieldHead(5, count: 2)
    bytes.writeVarintField(2, 7)
    guard case .update(let update) = try ServiceRequest(.update, bytes) else { throw GaveUp() }
    #expect(update.cluster == OpaqueID("new"))
    #expect(update.timeToLive == .seconds(5) + .nanoseconds(7))
  }

  @Test(
    "what isn't protobuf is refused",
    arguments: [
      [0x0A], [0x0A, 5, 1], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0xFF], [0x00], [0x0B], [0x0C], [0x0F], [0x0A, 1, 0xFF], [0x08, 0x01], [0x2A, 2, 0x0A, 0x00],
      [0x63, 0x6C], [0x6D, 1, 2],
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) {
    #expect(throws: ServiceError.self) { try ServiceRequest(.update, ByteBuffer(bytes: bytes)) }
  }

  @Test("groups nested without end are refused, not followed")
  func nesting() {
    let bytes = [UInt8](repeating: 0x63, count: 100_000)
    #expect(throws: ServiceError.self) { try ServiceRequest(.list, ByteBuffer(bytes: bytes)) }
  }

  @Test("no bytes at all make the reader trap")
  func garbage() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<40, using: &generator)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for method in ServiceMethod.allCases { _ = try? ServiceRequest(method, ByteBuffer(bytes: bytes)) }
      _ = try? StateSnapshot.decode(ByteBuffer(bytes: bytes), now: 0)
    }
  }

  @Test("a hello answer carries the address and, where there is one, the redirect")
  func hello() {
    let plain = HelloMessage.make(redirect: nil, address: [10, 0, 0, 1])
    #expect(Array(buffer: plain) == [0, 0, 0, 0, 6, 0x12, 4, 10, 0, 0, 1])
    let redirected = HelloMessage.make(redirect: "x", address: [])
    #expect(Array(buffer: redirected) == [0, 0, 0, 0, 5, 0x0A, 3, 0x0A, 1, 0x78])
  }

  @Test("a timeout has one to eight digits and a unit")
  func timeouts() {
    #expect(RequestHead.timeout("10S") == .seconds(10))
    #expect(RequestHead.timeout("1500m") == .milliseconds(1500))
    #expect(RequestHead.timeout("99999999H") != nil)
    for text in ["", "S", "10", "1x", "-1S", "123456789S", " 1S"] {
      #expect(RequestHead.timeout(text) == nil)
    }
  }
}
