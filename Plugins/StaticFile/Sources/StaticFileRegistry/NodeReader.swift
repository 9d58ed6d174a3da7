import ClusterModel
import Documents
import Platform

/// Reads the fields of nodes: of the short form, and of the `spec` of affiliates and members.
struct NodeReader {
  /// In what form a node is written: which keys it has.
  enum Form {
    case affiliate
    /// Without `nodename` and `kubespan`: the document's id is the nodename.
    case member(nodename: String)

    var keys: [String] {
      switch self {
      case .affiliate: Self.affiliateKeys
      case .member: Self.memberKeys
      }
    }

    private static let memberKeys = [
      "nodeId", "hostname", "operatingSystem", "machineType", "addresses", "controlPlane",
    ]
    private static let affiliateKeys = memberKeys + ["nodename", "kubespan"]
  }

  /// The node that `node` describes.
  ///
  /// - Returns: what is right of it: what is wrong is reported and left out, be it one address of several. Nil where
  ///   its identity isn't readable.
  static func read(_ node: YAMLNode, as form: Form, _ diagnostics: Diagnostics) -> Affiliate? {
    // Found first, so that every problem names the node.
    let id = node["nodeId"]?.scalar.flatMap { try? NodeIdentity($0.text) }
    let fields = FieldReader(
      node, "a node", subject: id.map { "node \(quoted($0.text))" } ?? "", keys: form.keys, style: .lenient,
      diagnostics: diagnostics)
    guard fields.node != nil || fields.isMissing else { return nil }

    let identity = readIdentity(fields)
    let kubeSpan = readKubeSpan(fields.section("kubespan", keys: kubeSpanKeys))
    let controlPlane = readControlPlane(fields.section("controlPlane", keys: ["port"]))
    var nodename = fields.text("nodename", maximum: FileLimits.nameBytes)
    if case .member(let id) = form { nodename = id }
    let hostname = fields.text("hostname", maximum: FileLimits.nameBytes)
    let system = fields.text("operatingSystem", maximum: FileLimits.operatingSystemBytes)
    let type = fields.value("machineType", maximum: FileLimits.textBytes, machineType)
    let addresses = list(fields, "addresses", of: "addresses") { (text) throws(ModelError) in
      try NodeAddress.parse(text)
    }
    guard let identity else { return nil }
    return Affiliate(
      nodeID: identity, addresses: addresses, hostname: hostname ?? "", nodename: nodename ?? "",
      operatingSystem: system ?? "", machineType: type ?? .unknown, kubeSpan: kubeSpan,
      controlPlane: controlPlane)
  }

  private static func readIdentity(_ fields: FieldReader) -> NodeIdentity? {
    guard fields.value("nodeId") != nil else {
      fields.error(fields.mark(of: "nodeId"), "a node needs its identity as `nodeId`")
      return nil
    }
    return fields.value("nodeId", maximum: FileLimits.textBytes) { (text) throws(ModelError) in
      try NodeIdentity(text)
    }
  }

  private static func readControlPlane(_ fields: FieldReader) -> ControlPlane? {
    guard fields.node != nil else { return nil }
    guard fields.value("port") != nil else {
      fields.error(fields.mark, "controlPlane needs the API server's `port`")
      return nil
    }
    return fields.port("port").map(ControlPlane.init(apiServerPort:))
  }

  private static let kubeSpanKeys = [
    "publicKey", "address", "additionalAddresses", "excludeAdvertisedNetworks", "endpoints",
  ]

  private static func readKubeSpan(_ fields: FieldReader) -> KubeSpanAffiliate? {
    guard fields.node != nil else { return nil }
    let prefix = { (text: String) throws(ModelError) in try IPPrefix(text) }
    let kubeSpan = KubeSpanAffiliate(
      publicKey: fields.value("publicKey", maximum: FileLimits.textBytes, WireGuardKey.parse) ?? "",
      address: fields.value("address", maximum: FileLimits.textBytes) { (text) throws(ModelError) in
        try NodeAddress.parse(text)
      },
      additionalAddresses: list(fields, "additionalAddresses", of: "prefixes", prefix),
      excludeAdvertisedNetworks: list(fields, "excludeAdvertisedNetworks", of: "prefixes", prefix),
      endpoints: list(fields, "endpoints", of: "endpoints") { (text) throws(ModelError) in
        try NodeAddress.parseEndpoint(text)
      })
    // A node that takes no part is printed with all of it empty.
    return kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  /// The items of a list, each one once.
  private static func list<Value: Hashable>(
    _ fields: FieldReader, _ key: String, of things: String,
    _ convert: (String) throws(ModelError) -> Value
  ) -> [Value] {
    let values =
      fields.list(key, of: things, maximum: FileLimits.listItems, itemMaximum: FileLimits.textBytes, convert)
      ?? []
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
  }

  private static func machineType(_ text: String) throws(ModelError) -> MachineType {
    if let type = MachineType(rawValue: text) { return type }
    guard let advice = didYouMean(text, among: MachineType.allCases.map(\.rawValue)) else {
      return try MachineType(text)
    }
    throw ModelError("\(quoted(text)) isn't a machine type; \(advice)")
  }
}
