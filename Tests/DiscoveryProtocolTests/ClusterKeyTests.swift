import ClusterModel
import DiscoveryProtocol
import Sealing
import Testing

@Suite("The cluster's key")
struct ClusterKeyTests {
  static let text = "IzPlAZesD1BSFZLYXKJXa+OJVo3rhZfsn0A1DTgjLek="
  static let endpoint = IPEndpoint(address: IPAddress(v4: 0x7F00_0001), port: 1)

  @Test("both alphabets, with and without padding and a line's end, are one key")
  func alphabets() throws {
    let sealed = try AffiliateCipher(key: try ClusterKey(base64: Self.text)).seal(Self.endpoint)
    let url = Self.text.replacing("+", with: "-").replacing("/", with: "_")
    for text in [url, String(Self.text.dropLast()), " \(Self.text)\r\n"] {
      #expect(try AffiliateCipher(key: try ClusterKey(base64: text)).seal(Self.endpoint) == sealed)
    }
  }

  @Test(
    "what isn't 32 bytes of base64 is refused without being repeated",
    arguments: ["", "AAAA", "not base64!", text + "AAAA", "IzPlAZesD1BSFZLYXKJXa+OJVo3rhZfsn0A1DTgjLe==="])
  func refused(text: String) throws {
    let error = try #require(throws: KeyError.self) { try ClusterKey(base64: text) }
    #expect(error.message.contains("32 bytes"))
    #expect(text.isEmpty || !error.message.contains(text))
  }

  @Test("a key is never printed")
  func unprintable() throws {
    let key = try ClusterKey(base64: Self.text)
    let cipher = AffiliateCipher(key: key)
    var dumped = ""
    dump(cipher, to: &dumped)
    for shown in ["\(key)", String(reflecting: key), dumped, "\(cipher)"] {
      #expect(!shown.contains("35") && !shown.contains("0x23") && !shown.contains("IzPl"))
    }
  }
}
