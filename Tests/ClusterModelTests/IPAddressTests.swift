import ClusterModel
import Testing

@Suite("An IP address")
struct IPAddressTests {
  @Test(
    "prints as RFC 5952 wants it",
    arguments: [
      ("10.5.0.2", "10.5.0.2"),
      ("0.0.0.0", "0.0.0.0"),
      ("255.255.255.255", "255.255.255.255"),
      ("2001:DB8::1", "2001:db8::1"),
      ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
      ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("::", "::"),
      ("::1", "::1"),
      ("1::", "1::"),
      ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
      ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
      ("::ffff:10.5.0.2", "::ffff:10.5.0.2"),
      ("::ffff:a05:2", "::ffff:10.5.0.2"),
      ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
      ("fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94", "fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94"),
    ])
  func canonical(text: String, printed: String) throws {
    let address = try IPAddress(text)
    #expect(address.description == printed)
    #expect(try IPAddress(printed) == address)
    #expect(IPAddress(bytes: address.bytes) == address)
  }

  @Test(
    "that isn't one is refused with what would be right",
    arguments: [
      "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1.2.3.-4", "1..2.3", "a.b.c.d",
      ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
      "12345::", "g::", "1:", ":1", "::1.2.3", "1.2.3.4::", "[::1]", "10.0.0.1/8", "::1:", "१.2.3.4",
    ])
  func refused(text: String) {
    #expect(throws: ModelError("'\(text)' isn't an IP address such as 10.5.0.2 or fd00::2")) {
      try IPAddress(text)
    }
  }

  @Test("with a zone is refused, as a zone means nothing on another machine")
  func zone() {
    #expect(
      throws: ModelError(
        "'fe80::1%eth0' has a zone, which means nothing on another machine; write the address without it")
    ) { try IPAddress("fe80::1%eth0") }
  }

  @Test("of a wrong number of bytes is none", arguments: [0, 1, 3, 5, 15, 17])
  func wrongByteCount(count: Int) {
    #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
  }

  @Test("sorts IPv4 before IPv6, then by its bits")
  func order() throws {
    let texts = ["::1", "10.0.0.2", "fd00::", "9.255.255.255", "::", "200.0.0.1", "1:0:0:1::"]
    let sorted = try texts.map { try IPAddress($0) }.sorted().map(\.description)
    #expect(sorted == ["9.255.255.255", "10.0.0.2", "200.0.0.1", "::", "::1", "1:0:0:1::", "fd00::"])
  }

  @Test("mapped into IPv6 is another address than itself")
  func mapped() throws {
    #expect(try IPAddress("::ffff:10.0.0.1") != IPAddress("10.0.0.1"))
  }

  @Test("takes 17 bytes")
  func size() { #expect(MemoryLayout<IPAddress>.size == 17) }

  @Test(
    "knows what it is good for",
    arguments: [
      ("127.0.0.1", "loopback"), ("127.255.0.1", "loopback"), ("::1", "loopback"),
      ("169.254.1.1", "link-local"), ("fe80::1", "link-local"), ("febf::1", "link-local"),
      ("224.0.0.1", "multicast"), ("ff02::1", "multicast"), ("0.0.0.0", "unspecified"), ("::", "unspecified"),
      ("128.0.0.1", ""), ("169.253.1.1", ""), ("fec0::1", ""), ("::2", ""), ("10.0.0.1", ""),
    ])
  func kinds(text: String, kind: String) throws {
    let address = try IPAddress(text)
    #expect(address.isLoopback == (kind == "loopback"))
    #expect(address.isLinkLocal == (kind == "link-local"))
    #expect(address.isMulticast == (kind == "multicast"))
    #expect(address.isUnspecified == (kind == "unspecified"))
  }

  @Test("at random is read back from its text and its bytes")
  func roundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      // Zero groups are what the short forms are about, so they have to be frequent.
      let groups = (0..<8).map { _ in Bool.random() ? 0 : UInt16.random(in: .min ... .max, using: &generator)
      }
      let bytes = groups.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
      for address in [IPAddress(bytes: bytes), IPAddress(bytes: bytes.prefix(4))] {
        let address = try #require(address)
        #expect(try IPAddress(address.description) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
      }
    }
  }
}
