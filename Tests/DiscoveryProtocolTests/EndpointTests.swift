import ClusterModel
import DiscoveryProtocol
import Sealing
import Testing

@Suite("Sealed endpoints")
struct EndpointTests {
  let cipher: AffiliateCipher

  init() throws { cipher = AffiliateCipher(key: try ClusterKey(bytes: RawSeal.key)) }

  func kind(opening sealed: [UInt8]) throws -> OpenError.Kind {
    try #require(throws: OpenError.self) { try cipher.openEndpoint(sealed) }.kind
  }

  @Test("an endpoint without whole blocks is refused", arguments: [0, 1, 15, 17, 31, 272, 4096])
  func length(count: Int) throws {
    #expect(try kind(opening: [UInt8](repeating: 3, count: count)) == .length)
  }

  @Test("a length byte beyond the block is refused", arguments: [16, 17, 31, 128, 255] as [UInt8])
  func lengthByte(value: UInt8) throws {
    let plain = [value] + [UInt8](repeating: 0, count: 15)
    #expect(try kind(opening: try RawSeal.blocks(plain)) == .lengthByte)
  }

  @Test("a length byte that leaves a whole block unused is refused")
  func spareBlock() throws {
    let plain = [1, 8] + [UInt8](repeating: 0, count: 30)
    #expect(try kind(opening: try RawSeal.blocks(plain)) == .lengthByte)
  }

  @Test("padding that isn't zero is refused")
  func padding() throws {
    let plain: [UInt8] = [8, 0x0A, 4, 1, 2, 3, 4, 0x10, 1, 0, 0, 0, 0, 0, 0, 1]
    #expect(try kind(opening: try RawSeal.blocks(plain)) == .lengthByte)
  }

  @Test("the same without the odd byte opens")
  func paddingGood() throws {
    let plain: [UInt8] = [8, 0x0A, 4, 1, 2, 3, 4, 0x10, 1, 0, 0, 0, 0, 0, 0, 0]
    #expect(try cipher.openEndpoint(try RawSeal.blocks(plain)).description == "1.2.3.4:1")
  }

  @Test("an empty endpoint has no address")
  func empty() throws {
    #expect(try kind(opening: try RawSeal.blocks([UInt8](repeating: 0, count: 16))) == .address)
  }

  @Test("an address of 5 bytes is refused")
  func fiveBytes() throws {
    let plain: [UInt8] = [9, 0x0A, 5, 1, 2, 3, 4, 5, 0x10, 1, 0, 0, 0, 0, 0, 0]
    #expect(try kind(opening: try RawSeal.blocks(plain)) == .address)
  }

  @Test("a zone is left out as such")
  func zone() throws {
    let body: [UInt8] =
      [0x0A, 20, 0xFE, 0x80] + [UInt8](repeating: 0, count: 14) + Array("eth0".utf8) + [0x10, 1]
    let plain = [UInt8(body.count)] + body
    let padded = plain + [UInt8](repeating: 0, count: 32 - plain.count)
    #expect(try kind(opening: try RawSeal.blocks(padded)) == .zone)
  }

  @Test("a port beyond 65535 and port 0 are refused")
  func port() throws {
    // Port 65536 as a varint, and no port at all.
    for tail: [UInt8] in [[0x10, 0x80, 0x80, 0x04], []] {
      let body: [UInt8] = [0x0A, 4, 1, 2, 3, 4] + tail
      let plain = [UInt8(body.count)] + body
      let padded = plain + [UInt8](repeating: 0, count: 16 - plain.count)
      #expect(try kind(opening: try RawSeal.blocks(padded)) == .port)
    }
  }

  @Test("blocks not made with the key never trap, and hardly ever open")
  func random() throws {
    var generator = SystemRandomNumberGenerator()
    var opened = 0
    for index in 0..<20_000 {
      let sealed = (0..<(index % 2 == 0 ? 16 : 32)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if (try? cipher.openEndpoint(sealed)) != nil { opened += 1 }
    }
    #expect(opened == 0)
  }

  @Test("bad ones among good ones cost only themselves, and doubles count once")
  func list() throws {
    let good = try cipher.seal(try IPEndpoint("1.2.3.4:5"))
    let (endpoints, skipped) = cipher.openEndpoints([good, [], [UInt8](repeating: 1, count: 16), good])
    #expect(endpoints.map(\.description) == ["1.2.3.4:5"])
    #expect(skipped.count == 2)
  }

  @Test("more endpoints than are taken are counted, not opened")
  func many() throws {
    let sealed = try (0..<1000).map { try cipher.seal(IPEndpoint(address: IPAddress(v4: $0), port: 1)) }
    let (endpoints, skipped) = cipher.openEndpoints(sealed)
    #expect(endpoints.count == AffiliateCipher.maximumEndpointCount)
    #expect(skipped.map(\.kind) == [.count])
  }

  @Test("every endpoint survives")
  func roundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let bytes = (0..<(Bool.random() ? 4 : 16)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let endpoint = IPEndpoint(
        address: try #require(IPAddress(bytes: bytes)), port: .random(in: 1...65535, using: &generator))
      let sealed = try cipher.seal(endpoint)
      #expect(sealed.count <= 32)
      #expect(try cipher.openEndpoint(sealed) == endpoint)
    }
  }
}
