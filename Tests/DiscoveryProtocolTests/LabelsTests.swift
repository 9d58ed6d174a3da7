import ClusterModel
import DiscoveryProtocol
import Foundation
import Sealing
import TestSupport
import Testing

@Suite("Labels and the machine's id beside what all programs read")
struct LabelsTests {
  private let cipher: AffiliateCipher
  private let affiliate: Affiliate
  private static let machineID = "6a0eceb4cf8de176bd24abff87481ec9"

  init() throws {
    cipher = AffiliateCipher(key: try ClusterKey(bytes: 0..<32))
    affiliate = Affiliate(
      nodeID: try NodeIdentity("n"), addresses: [try IPAddress("10.5.0.2")], hostname: "h", nodename: "w-1",
      operatingSystem: "Debian", machineType: .worker, controlPlane: ControlPlane(apiServerPort: 6443))
  }

  private func opened(_ message: PlainAffiliate) throws -> OpenedAffiliate {
    let data = try cipher.seal(message)
    return try #require(
      try cipher.open(
        .with {
          $0.id = "n"
          $0.data = Data(data)
        }))
  }

  private func label(_ key: String, _ value: String) -> PlainLabel {
    .with { ($0.key, $0.value) = (key, value) }
  }

  @Test("are sealed and opened")
  func roundTrip() throws {
    let labels = try NodeLabels(["rack": "r7", "zone": "", "näme": "\u{1F600}"])
    let opened = try opened(PlainAffiliate(affiliate, labels: labels, machineID: Self.machineID))
    #expect(opened.affiliate == affiliate && opened.skipped == [])
    #expect(opened.labels == labels && opened.machineID == Self.machineID)
  }

  @Test("are the fields 1001 and 1002, in the order of the labels' keys, the same bytes each time")
  func bytes() throws {
    let labels = try NodeLabels(["b": "2", "a": "1"])
    let message = PlainAffiliate(
      Affiliate(nodeID: try NodeIdentity("n")), labels: labels, machineID: Self.machineID)
    let id = stride(from: 0, to: 32, by: 2).map { index -> UInt8 in
      let start = Self.machineID.index(Self.machineID.startIndex, offsetBy: index)
      return UInt8(Self.machineID[start...].prefix(2), radix: 16) ?? 0
    }
    let expected: [UInt8] =
      [0x0A, 1, 0x6E] + [0x2A, 7] + Array("unknown".utf8)
      + [0xCA, 0x3E, 6, 0x0A, 1, 0x61, 0x12, 1, 0x31, 0xCA, 0x3E, 6, 0x0A, 1, 0x62, 0x12, 1, 0x32]
      + [0xD2, 0x3E, 16] + id
    #expect(try message.serializedBytes() as [UInt8] == expected)
  }

  @Test("add nothing where there are none")
  func nothing() throws {
    let plain = try PlainAffiliate(affiliate).serializedBytes() as [UInt8]
    let other = PlainAffiliate(affiliate, labels: NodeLabels(), machineID: "not one")
    #expect(try other.serializedBytes() as [UInt8] == plain)
    let opened = try opened(other)
    #expect(opened.labels.isEmpty && opened.machineID == "")
  }

  @Test("are skipped by a program that doesn't know them, which reads all else as without them")
  func original() throws {
    let labels = try NodeLabels(["rack": "r7", "zone": "b"])
    let bytes: [UInt8] = try PlainAffiliate(affiliate, labels: labels, machineID: Self.machineID)
      .serializedBytes()
    var original = try OriginalAffiliate(serializedBytes: bytes)
    #expect(!original.unknownFields.data.isEmpty)
    // And kept where it writes the message again.
    #expect(try original.serializedBytes() as [UInt8] == bytes)
    original.unknownFields = .init()
    let plain = try PlainAffiliate(affiliate).serializedBytes() as [UInt8]
    #expect(try original.serializedBytes() as [UInt8] == plain)
  }

  @Test(
    "are skipped by the inspect page's script",
    .enabled("node with WebCrypto isn't installed (Debian: nodejs)") {
      let check = "process.exit(globalThis.crypto?.subtle ? 0 : 1)"
      return (try? await Tool.run("node", ["-e", check]).status) == 0
    })
  func inspectScript() async throws {
    struct Vector: Encodable {
      struct Affiliate: Encodable { var nodeId, hostname, nodename: String, addresses: [String] }
      var secret, data: String, endpoints: [String], affiliate: Affiliate
    }
    let labels = try NodeLabels(["rack": "r7", "zone": "b"])
    let sealed = try cipher.seal(
      PlainAffiliate(affiliate, labels: labels, machineID: Self.machineID))
    let endpoint = try cipher.seal(try IPEndpoint("10.5.0.2:51820"))
    let vector = Vector(
      secret: Data([UInt8](0..<32)).base64EncodedString(), data: Data(sealed).base64EncodedString(),
      endpoints: [Data(endpoint).base64EncodedString()],
      affiliate: .init(nodeId: "n", hostname: "h", nodename: "w-1", addresses: ["10.5.0.2"]))
    let folder = try TemporaryFolder()
    let file = try folder.write(
      String(decoding: try JSONEncoder().encode([vector]), as: UTF8.self), to: "vectors.json")
    let checkout = BuiltProducts.checkout.path
    let result = try await Tool.run(
      "node",
      [
        "\(checkout)/Tests/Interoperability/inspect_script.mjs",
        "\(checkout)/Sources/DiscoveryService/Pages/InspectScript.swift", file,
      ])
    #expect(result.status == 0 && result.output.contains("opened 1 affiliates"), "\(result)")
  }

  @Test("are left out one by one where they can't be any, whoever sealed them")
  func hostile() throws {
    var message = PlainAffiliate(affiliate)
    message.labels = [
      label("", "x"), label("a", "line\nline"), label("\u{7}", "x"), label("good", "1"), label("good", "2"),
      label("long", String(repeating: "x", count: 1500)),
    ]
    message.machineID = Data([1, 2, 3])
    let few = try opened(message)
    #expect(few.affiliate == affiliate && few.machineID == "")
    #expect(few.labels == (try NodeLabels(["good": "2", "long": String(repeating: "x", count: 1500)])))
    var tally = OpenTally()
    tally.add(contentsOf: few.skipped)
    #expect(tally.description == "1 length, 3 text")
    #expect(few.skipped.allSatisfy { !$0.message.contains("\n") })

    // More than a service would take, so it is read without being sealed.
    message.labels = (0..<100_000).map { label("k\($0)", "v") }
    message.machineID = Data()
    let many = OpenedAffiliate(message, nodeID: affiliate.nodeID)
    #expect(many.labels.count == NodeLabels.maximumCount && many.skipped.map(\.kind) == [.count])
    message.labels = (0..<3).map { label("k\($0)", String(repeating: "v", count: 2000)) }
    let long = OpenedAffiliate(message, nodeID: affiliate.nodeID)
    #expect(long.labels.count == 2 && long.skipped.map(\.kind) == [.count])
  }

  @Test("of another wire type are as good as none")
  func otherTypes() throws {
    // 1001 and 1002 as numbers.
    let bytes: [UInt8] = [0x0A, 1, 0x6E, 0xC8, 0x3E, 5, 0xD0, 0x3E, 7]
    let opened = try opened(try PlainAffiliate(serializedBytes: bytes))
    #expect(opened.labels.isEmpty && opened.machineID == "" && opened.affiliate.nodeID.text == "n")
  }

  @Test("come after what all programs read: what a service has no room for is left out, and named")
  func fitting() throws {
    var local = affiliate
    local.addresses = (0..<100).map { IPAddress(v4: 0x0A00_0000 + UInt32($0)) }
    var values = ["a-huge": String(repeating: "x", count: 2000)]
    for index in 0..<60 { values["label-\(100 + index)"] = String(repeating: "v", count: 20) }
    let message = PlainAffiliate(local, labels: try NodeLabels(values), machineID: Self.machineID)
    let fitted = AffiliateCipher.fitting(message)
    let kept = fitted.message.labels.map(\.key)
    // In the order of the keys; what is too long for itself hides none that isn't.
    #expect(fitted.omittedLabels.first == "a-huge" && kept.first == "label-100")
    #expect(kept + fitted.omittedLabels.dropFirst() == (0..<60).map { "label-\(100 + $0)" })
    let sealed = try cipher.seal(fitted.message)
    #expect(
      (AffiliateCipher.maximumDataLength - 40...AffiliateCipher.maximumDataLength).contains(sealed.count))
    let opened = try opened(fitted.message)
    #expect(opened.affiliate == local && opened.machineID == Self.machineID)
    #expect(opened.labels.count == kept.count)
    // The same each time: no label comes and goes.
    #expect(AffiliateCipher.fitting(message) == fitted)
  }

  @Test("never make of an affiliate that has room one that hasn't, whatever its size", arguments: 1...145)
  func everySize(count: Int) throws {
    var local = affiliate
    local.addresses = (0..<count).map { IPAddress(v6High: 1, low: UInt64($0)) }
    let values = Dictionary(
      uniqueKeysWithValues: (0..<64).map { ("k\($0)", String(repeating: "v", count: $0)) })
    let message = PlainAffiliate(local, labels: try NodeLabels(values), machineID: Self.machineID)
    let isTooBig = (try? cipher.seal(local)) == nil
    let fitted = AffiliateCipher.fitting(message)
    #expect(((try? cipher.seal(fitted.message)) == nil) == isTooBig)
    #expect(fitted.message.labels.count + fitted.omittedLabels.count == 64)
    if isTooBig { #expect(fitted.message == PlainAffiliate(local)) }
  }
}
