/// Shows what the service keeps of a cluster, and lets whoever knows the cluster's secret open it in the browser.
///
/// The secret is in no form. Where the service asks for no token, the page's policy lets its script send nothing at
/// all; where it does, the script may ask this service alone, and does so with the token only.
enum InspectPage {
  private static let title = "Inspect a cluster"

  private static let idForm = """
    <form method="get" action="/inspect"><label>Cluster id <input name="clusterID" autocomplete="off" required>
    </label><button>Show</button></form>
    """

  static let form = Page(title: title, html: idForm)

  static func refusal(_ error: ServiceError) -> Page {
    Page(status: .badRequest, title: title, html: "<p>\(Page.escaped(error.message))</p>\(idForm)")
  }

  /// The page with what is kept of `cluster` in it.
  static func make(_ cluster: OpaqueID, _ result: Result<EncodedMessage, ServiceError>) -> Page {
    let affiliates: [InspectData.Affiliate]
    switch result {
    case .failure(let error): return refusal(error)
    case .success(let message): affiliates = InspectData(message).affiliates
    }
    let rows = affiliates.map { affiliate in
      let endpoints = affiliate.endpoints.map { "<div data-endpoint=\"\($0)\">\($0)</div>" }.joined()
      return "<tr><td>\(Page.escaped(affiliate.id))</td><td data-sealed=\"\(affiliate.data)\">"
        + "\(affiliate.data)</td><td>\(endpoints)</td></tr>"
    }
    return viewer(cluster, "<p>\(affiliates.count) affiliates.</p>", rows: rows.joined(), asksService: false)
  }

  /// The page without data, for a service that wants a token: its script fetches the data with the one that is typed in.
  static func locked(_ cluster: OpaqueID) -> Page {
    viewer(
      cluster,
      """
      <p>This service shows a cluster only to those who have a token for it.</p>
      <label>Token <input id="token" type="password" autocomplete="off"></label>
      <button id="load" type="button">Show</button>
      """, rows: "", asksService: true)
  }

  /// What the script of ``locked(_:)`` fetches.
  static func data(_ cluster: OpaqueID, _ result: Result<EncodedMessage, ServiceError>) -> Page {
    switch result {
    case .failure(let error): Page(status: .badRequest, text: error.message + "\n")
    case .success(let message): Page(json: InspectData(message).json)
    }
  }

  private static func viewer(
    _ cluster: OpaqueID, _ beginning: String, rows: String, asksService: Bool
  ) -> Page {
    let nonce = makeNonce()
    return Page(
      title: "Cluster \(cluster.text)",
      html: """
        \(beginning)
        <p>The data is sealed; type the cluster's secret (base64) to open it here. It stays in this page.</p>
        <label>Secret <input id="secret" type="password" autocomplete="off"></label>
        <button id="open" type="button">Open</button> <span id="note" role="status"></span>
        <table><thead><tr><th>Affiliate</th><th>Data</th><th>Endpoints</th></tr></thead>
        <tbody id="rows">\(rows)</tbody></table>
        <script nonce="\(nonce)">\(InspectScript.text)</script>
        """, script: Page.Script(nonce: nonce, asksService: asksService))
  }

  private static func makeNonce() -> String {
    var generator = SystemRandomNumberGenerator()
    return InspectData.hex((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
}
