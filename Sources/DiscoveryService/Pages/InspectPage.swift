import NIOCore

/// Shows what the service keeps of a cluster, and lets whoever knows the cluster's secret open it in the
/// browser. The secret is in no form, and the page's policy lets its script send nothing.
enum InspectPage {
  private static let idForm = """
    <form method="get" action="/inspect"><label>Cluster id <input name="clusterID" autocomplete="off" required>
    </label><button>Show</button></form>
    """

  static let form = Page(title: "Inspect a cluster", html: idForm)

  static func make(_ cluster: OpaqueID, _ result: Result<EncodedMessage, ServiceError>) -> Page {
    let affiliates: [Affiliate]
    switch result {
    case .failure(let error):
      return Page(
        status: .badRequest, title: "Inspect a cluster",
        html: "<p>\(Page.escaped(error.message))</p>\(idForm)")
    case .success(let message): affiliates = decode(message)
    }
    let rows = affiliates.sorted { $0.id < $1.id }.map { affiliate in
      let endpoints = affiliate.endpoints.map { "<div data-endpoint=\"\($0)\">\($0)</div>" }.joined()
      return "<tr><td>\(Page.escaped(affiliate.id))</td><td data-sealed=\"\(affiliate.data)\">"
        + "\(affiliate.data)</td><td>\(endpoints)</td></tr>"
    }
    let nonce = makeNonce()
    return Page(
      title: "Cluster \(cluster.text)",
      html: """
        <p>\(affiliates.count) affiliates. The data is sealed; type the cluster's secret (base64) to open it here.
        It stays in this page.</p>
        <label>Secret <input id="secret" type="password" autocomplete="off"></label>
        <button id="open" type="button">Open</button> <span id="note"></span>
        <table><thead><tr><th>Affiliate</th><th>Data</th><th>Endpoints</th></tr></thead>
        <tbody>\(rows.joined())</tbody></table>
        <script nonce="\(nonce)">\(InspectScript.text)</script>
        """, nonce: nonce)
  }

  private struct Affiliate {
    var id = ""
    var data = ""
    var endpoints: [String] = []
  }

  private static func decode(_ message: EncodedMessage) -> [Affiliate] {
    var body = message
    body.moveReaderIndex(forwardBy: min(5, body.readableBytes))
    return body.withUnsafeReadableBytes { raw in
      var result: [Affiliate] = []
      var reader = ProtobufReader(raw)
      while let (field, value) = try? reader.next(), field == 1, var inner = try? value.message() {
        var affiliate = Affiliate()
        while let (field, value) = try? inner.next() {
          let bytes = (try? value.copied()) ?? []
          switch field {
          case 1: affiliate.id = String(decoding: bytes, as: UTF8.self)
          case 2: affiliate.data = hex(bytes)
          case 3: affiliate.endpoints.append(hex(bytes))
          default: break
          }
        }
        result.append(affiliate)
      }
      return result
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func makeNonce() -> String {
    var generator = SystemRandomNumberGenerator()
    return hex((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
}
