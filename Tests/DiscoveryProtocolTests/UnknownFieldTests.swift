import DiscoveryProtocol
import Sealing
import Testing

@Suite("Fields of newer clients")
struct UnknownFieldTests {
  /// node_id "n", kubespan with field 4 (excluded networks of newer clients), and field 100.
  static let bytes: [UInt8] = [
    0x0A, 1, UInt8(ascii: "n"),
    0x3A, 8, 0x22, 6, 0x0A, 4, 10, 0, 0, 0,
    0xA2, 0x06, 2, 0xCA, 0xFE,
  ]

  @Test("survive being written again, also inside of messages")
  func survive() throws {
    var message = try PlainAffiliate(serializedBytes: Self.bytes)
    #expect(try message.serializedBytes() as [UInt8] == Self.bytes)
    message.nodeID = "m"
    var expected = Self.bytes
    expected[2] = UInt8(ascii: "m")
    #expect(try message.serializedBytes() as [UInt8] == expected)
  }

  @Test("survive being sealed and opened")
  func survivesealing() throws {
    let cipher = AffiliateCipher(key: try ClusterKey(bytes: RawSeal.key))
    let message = try PlainAffiliate(serializedBytes: Self.bytes)
    let opened = try cipher.openMessage(try cipher.seal(message))
    #expect(try opened.serializedBytes() as [UInt8] == Self.bytes)
  }
}
