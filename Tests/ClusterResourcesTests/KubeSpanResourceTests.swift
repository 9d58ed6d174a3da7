import ClusterModel
import ClusterResources
import KubeSpan
import Testing

@Suite("KubeSpan's resources")
struct KubeSpanResourceTests {
  private static let key = "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI="

  /// What existing clusters print, in the order of the file.
  private func specs() throws -> [ResourceValue] {
    let node = try NodeIdentity("x")
    var status = PeerStatus(publicKey: Self.key, nodeID: node, label: "talos-default-worker-1")
    status.endpoint = try IPEndpoint("[2001:db8::1]:51820")
    status.state = .up
    (status.receivedBytes, status.sentBytes) = (130_044, 46_556)
    status.lastHandshake = HandshakeTime(seconds: 1_785_585_600, nanoseconds: 123_456_789)
    status.lastUsedEndpoint = try IPEndpoint("172.20.0.5:51820")
    status.lastEndpointChange = Timestamp(milliseconds: 1_785_585_600_000)
    let nothing = ResourceValue.kubeSpanPeerSpec(address: nil, allowedIPs: [], endpoints: [], label: "")
    return [
      .kubeSpanPeerStatus(PeerStatus(publicKey: Self.key, nodeID: node, label: "")),
      .kubeSpanPeerStatus(status), nothing,
      .kubeSpanPeerSpec(
        address: try IPAddress("fd83:b1f7:fcb5:2802::1"), allowedIPs: [try IPPrefix("10.0.0.1/32")],
        endpoints: [try IPEndpoint("172.20.0.3:51820")], label: "a"),
      nothing, .kubeSpanIdentity(address: nil, subnet: nil, privateKey: "a=", publicKey: "b="),
      .kubeSpanIdentity(
        address: try IPPrefix("fd83::1/128"), subnet: try IPPrefix("fd83::/64"), privateKey: "a=",
        publicKey: "b="),
      .kubeSpanEndpoint(
        HarvestedEndpoint(
          publicKey: Self.key, nodeID: node, endpoint: try IPEndpoint("172.20.0.3:51820"))),
    ]
  }

  @Test("their YAML and JSON is that of existing clusters, to the byte")
  func texts() throws {
    // A last part is the file of the keys.
    let parts = try golden("kubespan-resources.txt").split(separator: "---\n").dropLast()
    let specs = try specs()
    try #require(parts.count == specs.count)
    for (part, spec) in zip(parts, specs) {
      let document: ResourceValue = ["spec": spec]
      let json = JSONText.pretty(document, indent: 0).filter { $0 != "\n" }
        .replacing("\": ", with: "\":")
      #expect(YAMLText.text(of: document) + "json: \(json)\n" == part)
    }
  }

  @Test("what a daemon sends reads as the same", arguments: 0..<8)
  func roundTrip(index: Int) throws {
    let document: ResourceValue = ["spec": try specs()[index]]
    let read = try ResourceValue(json: DocumentBytes(document).bytes)
    #expect(read == document)
    #expect(YAMLText.text(of: read) == YAMLText.text(of: document))
  }

  @Test("a key that isn't shown stands as redacted")
  func redacted() throws {
    let text = YAMLText.text(of: .kubeSpanIdentity(address: nil, subnet: nil, publicKey: "b="))
    #expect(text.contains("\nprivateKey: <redacted>\n"))
  }

  @Test(
    "moments have as many digits as they need, and read as the same",
    arguments: [
      (0, 0, "1970-01-01T00:00:00Z"), (1, 1, "1970-01-01T00:00:01.000000001Z"),
      (1, 120_000_000, "1970-01-01T00:00:01.12Z"), (-1, 500_000_000, "1969-12-31T23:59:59.5Z"),
      (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
    ] as [(Int64, UInt32, String)])
  func moments(seconds: Int64, nanoseconds: UInt32, text: String) {
    let time = PreciseTime(seconds: seconds, nanoseconds: nanoseconds)
    #expect(time.description == text && PreciseTime(text) == time)
  }

  @Test(
    "a moment that is written otherwise is text",
    arguments: [
      "", "soon", "2026-08-01T12:00:00+00:00", "2026-08-01T12:00:00.10Z", "2026-08-01T12:00:00.1234567891Z",
    ])
  func otherTexts(text: String) { #expect(PreciseTime(text) == nil) }

  @Test("their tables have the columns of existing clusters, endpoints as a list")
  func tables() throws {
    func row(_ type: ResourceType, _ spec: ResourceValue, id: String) throws -> [String] {
      let metadata = ResourceMetadata(
        namespace: "kubespan", type: type, id: id, version: 63, owner: "rollcall", created: created,
        updated: updated)
      var printer = OutputFormat.table.printer(of: type)
      let document: ResourceValue = ["node": "172.20.0.2", "metadata": metadata.value, "spec": spec]
      return try printer.text(of: [PrintedResource(document)]).split(separator: "\n").map(String.init)
    }
    let specs = try specs()
    let status = try row(.kubeSpanPeerStatus, specs[1], id: Self.key)
    #expect(
      status[0].split(separator: " ") == [
        "NODE", "NAMESPACE", "TYPE", "ID", "VERSION", "LABEL", "ENDPOINT", "STATE", "RX", "TX",
      ])
    #expect(
      status[1].split(separator: " ") == [
        "172.20.0.2", "kubespan", "KubeSpanPeerStatus", "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", "63",
        "talos-default-worker-1", "[2001:db8::1]:51820", "up", "130044", "46556",
      ])
    let spec = try row(.kubeSpanPeerSpec, specs[3], id: "k")
    #expect(spec[0].hasSuffix("VERSION   LABEL   ENDPOINTS"))
    #expect(spec[1].hasSuffix(#"63        a       ["172.20.0.3:51820"]"#))
    #expect(try row(.kubeSpanEndpoint, specs[7], id: "k")[0].hasSuffix("ENDPOINT           AFFILIATE ID"))
    #expect(try row(.kubeSpanEndpoint, specs[7], id: "k")[1].hasSuffix("172.20.0.3:51820   x"))
    let identity = try row(.kubeSpanIdentity, specs[6], id: "local")
    #expect(identity[0].hasSuffix("ID      VERSION   ADDRESS       PUBLICKEY"))
    #expect(identity[1].hasSuffix("local   63        fd83::1/128   b=") && !identity[1].contains("a="))
  }
}
