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
  /// - Returns: the identity, where it is readable, and the affiliate, where nothing is wrong with it.
  static func read(
    _ node: YAMLNode, as form: Form, with reader: inout FieldReader
  ) -> (id: NodeIdentity?, affiliate: Affiliate?) {
    let problemsBefore = reader.problems.count
    defer { reader.subject = "" }
    // Found first, so that every problem names the node.
    let id = node["nodeId"]?.text.flatMap { try? NodeIdentity($0) }
    reader.subject = id.map { "node \(quoted($0.text))" } ?? ""
    guard let fields = reader.fields(of: node, known: form.keys, what: "a node") else { return (nil, nil) }

    let identity = readIdentity(fields["nodeId"], of: node, with: &reader)
    let kubeSpan = fields["kubespan"].flatMap { readKubeSpan($0, with: &reader) }
    let controlPlane = fields["controlPlane"].flatMap { readControlPlane($0, with: &reader) }
    var nodename = reader.text(fields["nodename"], "nodename", maximum: Limits.nameBytes)
    if case .member(let id) = form { nodename = id }
    let hostname = reader.text(fields["hostname"], "hostname", maximum: Limits.nameBytes)
    let system = reader.text(
      fields["operatingSystem"], "operatingSystem", maximum: Limits.operatingSystemBytes)
    let type = reader.value(fields["machineType"], "machineType", machineType)
    let addresses = reader.values(fields["addresses"], "addresses", address)
    guard let identity, reader.problems.count == problemsBefore else { return (id, nil) }
    return (
      identity,
      Affiliate(
        nodeID: identity, addresses: addresses, hostname: hostname, nodename: nodename,
        operatingSystem: system, machineType: type ?? .unknown, kubeSpan: kubeSpan,
        controlPlane: controlPlane)
    )
  }

  private static func readIdentity(
    _ value: YAMLNode?, of node: YAMLNode, with reader: inout FieldReader
  ) -> NodeIdentity? {
    guard let value, !value.isNull, !value.isEmptyText else {
      reader.report("a node needs its identity as `nodeId`", at: value?.mark ?? node.mark)
      return nil
    }
    return reader.value(value, "nodeId") { text throws(ModelError) in try NodeIdentity(text) }
  }

  private static func readControlPlane(_ node: YAMLNode, with reader: inout FieldReader) -> ControlPlane? {
    guard !node.isNull, let fields = reader.fields(of: node, known: ["port"], what: "controlPlane") else {
      return nil
    }
    guard let value = fields["port"], !value.isNull else {
      reader.report("controlPlane needs the API server's `port`", at: node.mark)
      return nil
    }
    return reader.port(value, "port").map(ControlPlane.init(apiServerPort:))
  }

  private static func readKubeSpan(_ node: YAMLNode, with reader: inout FieldReader) -> KubeSpanAffiliate? {
    let keys = ["publicKey", "address", "additionalAddresses", "excludeAdvertisedNetworks", "endpoints"]
    guard !node.isNull, let fields = reader.fields(of: node, known: keys, what: "kubespan") else {
      return nil
    }
    let kubeSpan = KubeSpanAffiliate(
      publicKey: reader.value(fields["publicKey"], "publicKey", WireGuardKey.parse) ?? "",
      address: reader.value(fields["address"], "address", address),
      additionalAddresses: reader.values(fields["additionalAddresses"], "additionalAddresses", prefix),
      excludeAdvertisedNetworks: reader.values(
        fields["excludeAdvertisedNetworks"], "excludeAdvertisedNetworks", prefix),
      endpoints: reader.values(fields["endpoints"], "endpoints", endpoint))
    // A node that takes no part is printed with all of it empty.
    return kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  private static func machineType(_ text: String) throws(ModelError) -> MachineType {
    if let type = MachineType(rawValue: text) { return type }
    guard let near = nearMiss(of: text, among: MachineType.allCases.map(\.rawValue)) else {
      return try MachineType(text)
    }
    throw ModelError("\(quoted(text)) isn't a machine type; did you mean '\(near)'?")
  }

  private static func address(_ text: String) throws(ModelError) -> IPAddress { try IPAddress(text) }
  private static func prefix(_ text: String) throws(ModelError) -> IPPrefix { try IPPrefix(text) }
  private static func endpoint(_ text: String) throws(ModelError) -> IPEndpoint { try IPEndpoint(text) }
}
