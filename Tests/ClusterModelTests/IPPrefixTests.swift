import ClusterModel
import Testing

@Suite("A prefix")
struct IPPrefixTests {
  @Test(
    "is read and printed, its host bits kept",
    arguments: [
      ("10.244.0.1/24", "10.244.0.1/24", "10.244.0.0/24"),
      ("10.244.0.1/0", "10.244.0.1/0", "0.0.0.0/0"),
      ("10.244.0.1/32", "10.244.0.1/32", "10.244.0.1/32"),
      ("FD00::1/8", "fd00::1/8", "fd00::/8"),
      ("fd40:48c6:4c2e:a302:ff11::1/64", "fd40:48c6:4c2e:a302:ff11::1/64", "fd40:48c6:4c2e:a302::/64"),
      ("fd40:48c6:4c2e:a302:ff11::1/72", "fd40:48c6:4c2e:a302:ff11::1/72", "fd40:48c6:4c2e:a302:ff00::/72"),
      ("::1/128", "::1/128", "::1/128"),
    ])
  func canonical(text: String, printed: String, network: String) throws {
    let prefix = try IPPrefix(text)
    #expect(prefix.description == printed)
    #expect(prefix.network.description == network)
  }

  @Test(
    "that isn't one is refused with what would be right",
    arguments: [
      "", "/", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "::/129", "10.0.0/8", "10.0.0.1/08", "10.0.0.1/-1",
      "10.0.0.1/8/8", "10.0.0.1/+8", "10.0.0.1/999999",
    ])
  func refused(text: String) {
    #expect(throws: ModelError("'\(text)' isn't a prefix such as 10.244.1.0/24 or fd00::/64")) {
      try IPPrefix(text)
    }
  }

  @Test("contains the addresses of its network and family alone")
  func contains() throws {
    let pods = try IPPrefix("10.244.1.7/24")
    #expect(try pods.contains(IPAddress("10.244.1.255")))
    #expect(try !pods.contains(IPAddress("10.244.2.0")))
    #expect(try !pods.contains(IPAddress("::ffff:10.244.1.7")))
    #expect(try IPPrefix("::/0").contains(IPAddress("fd00::1")))
    #expect(try !IPPrefix("::/0").contains(IPAddress("10.0.0.1")))
  }

  @Test("of a length beyond its address is none")
  func tooLong() throws {
    #expect(try IPPrefix(address: IPAddress("10.0.0.1"), length: 33) == nil)
    #expect(try IPPrefix(address: IPAddress("10.0.0.1"), length: -1) == nil)
    #expect(try IPPrefix(host: IPAddress("fd00::1")).description == "fd00::1/128")
  }

  @Test("sorts by address, then by length")
  func order() throws {
    let texts = ["10.0.0.0/16", "fd00::/8", "10.0.0.0/8", "9.0.0.0/8"]
    #expect(
      try texts.map { try IPPrefix($0) }.sorted().map(\.description)
        == ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "fd00::/8"])
  }
}

@Suite("An endpoint")
struct IPEndpointTests {
  @Test(
    "is read and printed, IPv6 in brackets",
    arguments: [
      ("10.5.0.2:51820", "10.5.0.2:51820"), ("[FD00::2]:51820", "[fd00::2]:51820"),
      ("0.0.0.0:0", "0.0.0.0:0"),
      ("[::]:65535", "[::]:65535"),
    ])
  func canonical(text: String, printed: String) throws {
    #expect(try IPEndpoint(text).description == printed)
  }

  @Test(
    "that isn't one is refused with what would be right",
    arguments: [
      "", ":", "10.5.0.2", "10.5.0.2:", "10.5.0.2:65536", "10.5.0.2:-1", "fd00::2:51820", "[10.5.0.2]:1",
      "[fd00::2]",
      "[fd00::2:1", "fd00::2]:1", "host:1",
    ])
  func refused(text: String) {
    #expect(
      throws: ModelError("'\(text)' isn't an endpoint such as 10.5.0.2:51820 or [fd00::2]:51820")
    ) { try IPEndpoint(text) }
  }

  @Test("sorts by address, then by port")
  func order() throws {
    let texts = ["[fd00::1]:1", "10.0.0.1:9", "10.0.0.1:10", "9.0.0.1:11"]
    #expect(
      try texts.map { try IPEndpoint($0) }.sorted().map(\.description)
        == ["9.0.0.1:11", "10.0.0.1:9", "10.0.0.1:10", "[fd00::1]:1"])
  }
}
