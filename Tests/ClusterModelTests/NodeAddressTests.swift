import Testing

@testable import ClusterModel

@Suite("Addresses of nodes")
struct NodeAddressTests {
  @Test(
    "an address at which others reach a node is one; mapped into IPv6 it is the same",
    arguments: [
      ("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("::FFFF:a00:1", "10.0.0.1"),
      ("fd00::2", "fd00::2"), ("169.254.1.1", "169.254.1.1"), ("fe80::1", "fe80::1"),
      ("::fffe:10.0.0.1", "::fffe:a00:1"), ("1.0.0.1", "1.0.0.1"), ("223.255.255.255", "223.255.255.255"),
      ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"),
    ])
  func good(text: String, address: String) throws {
    #expect(try NodeAddress.parse(text).description == address)
  }

  @Test(
    "nobody is reached at an address that is nobody's, everybody's or a group's",
    arguments: [
      "0.0.0.0", "0.1.2.3", "::", "::10.0.0.1", "::127.0.0.1", "127.0.0.1", "127.1.2.3", "::1", "224.0.0.1",
      "239.255.255.250", "ff02::1",
      "255.255.255.255", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:224.0.0.1",
    ])
  func bad(text: String) {
    #expect { try NodeAddress.parse(text) } throws: { "\($0)".contains("can't be a node's") }
    let endpoint = text.contains(":") ? "[\(text)]:51820" : "\(text):51820"
    #expect { try NodeAddress.parseEndpoint(endpoint) } throws: { "\($0)".contains("can't be a node's") }
  }

  @Test("the message names the address and the reason")
  func message() {
    #expect(
      throws: ModelError(
        "'127.0.0.1' is a loopback address, everybody's own, so it can't be a node's; write one at which others "
          + "reach the node")
    ) { try NodeAddress.parse("127.0.0.1") }
  }

  @Test("an endpoint's address is a node's")
  func endpoint() throws {
    #expect(try NodeAddress.parseEndpoint("[::ffff:10.0.0.1]:51820").description == "10.0.0.1:51820")
    #expect(try NodeAddress.parseEndpoint("[fd00::2]:51820").description == "[fd00::2]:51820")
  }
}
