package import ClusterModel
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
      "nodeId", "hostname", "operatingSystem", "machineType", "addresses", "controlPlane", "labels",
      "machineID", "id",
    ]
    private static let affiliateKeys =
      memberKeys + ["nodename", "kubespan", "ready", "reason", "stale", "createdAt", "confirmedAt"]
  }

  /// The node that `node` describes.
  ///
  /// - Returns: what is right of it: what is wrong is reported and left out, be it one address of several. Nil where
  ///   its identity isn't readable, or nothing says which machine it is.
  static func read(_ node: YAMLNode, as form: Form, _ diagnostics: Diagnostics) -> AffiliateRecord? {
    let fields = FieldReader(
      node, "a node", subject: subject(of: node), keys: form.keys, style: .lenient, diagnostics: diagnostics)
    guard fields.node != nil || fields.isMissing else { return nil }

    let identity = fields.value("nodeId").map { _ in readID("nodeId", fields) }
    let ownID = fields.value("id").map { _ in readID("id", fields) }
    let kubeSpan = readKubeSpan(fields.section("kubespan", keys: kubeSpanKeys))
    let controlPlane = readControlPlane(fields.section("controlPlane", keys: ["port"]))
    var nodename = fields.text("nodename", maximum: InventoryLimits.nameBytes)
    if case .member(let id) = form { nodename = id }
    let hostname = fields.text("hostname", maximum: InventoryLimits.nameBytes)
    let system = fields.text("operatingSystem", maximum: InventoryLimits.operatingSystemBytes)
    let type = fields.value("machineType", maximum: InventoryLimits.textBytes, machineType)
    let addresses = list(fields, "addresses", of: "addresses") { (text) throws(ModelError) in
      try NodeAddress.parse(text)
    }
    let labels = readLabels(fields.section("labels", keys: nil))
    let machineID = fields.value("machineID", maximum: InventoryLimits.textBytes) {
      (text) throws(ModelError) in
      try MachineID.parse(text)
    }

    let id: NodeIdentity?
    switch (identity, ownID) {
    case (.some(let identity), _): id = identity
    case (nil, .some(let ownID)): id = ownID
    case (nil, nil): id = localID(fields, nodename, hostname, addresses)
    }
    guard let id else { return nil }
    var record = AffiliateRecord(
      Affiliate(
        nodeID: id, addresses: addresses, hostname: hostname ?? "", nodename: nodename ?? "",
        operatingSystem: system ?? "", machineType: type ?? .unknown, kubeSpan: kubeSpan,
        controlPlane: controlPlane),
      confirmedAt: moment(fields, "confirmedAt"), isStale: fields.bool("stale") ?? false,
      isLocalID: identity == nil)
    record.labels = labels
    record.machineID = machineID ?? ""
    record.createdAt = moment(fields, "createdAt")
    record.health = health(fields)
    return record
  }

  // MARK: Which machine it is

  /// What messages begin with. Found before anything else, so that every problem names the node.
  private static func subject(of node: YAMLNode) -> String {
    for key in ["nodeId", "id", "nodename", "hostname"] {
      if let text = node[key]?.scalar?.text, let id = try? NodeIdentity(text) {
        return "node \(quoted(id.text))"
      }
    }
    return ""
  }

  private static func readID(_ key: String, _ fields: FieldReader) -> NodeIdentity? {
    fields.value(key, maximum: InventoryLimits.textBytes) { (text) throws(ModelError) in
      try NodeIdentity(text)
    }
  }

  /// What the list calls a machine that it has no identity and no `id` of: what names it best. Never its place in
  /// the list, which others take when something is removed.
  private static func localID(
    _ fields: FieldReader, _ nodename: String?, _ hostname: String?, _ addresses: [IPAddress]
  ) -> NodeIdentity? {
    let names = [("nodename", nodename), ("hostname", hostname), ("addresses", addresses.first?.description)]
    for (key, name) in names {
      // What can't be read is reported: once it is mended it names the node, and not what follows.
      if fields.value(key) != nil, name == nil { return nil }
      guard let name, !name.isEmpty else { continue }
      if let id = try? NodeIdentity(name) { return id }
      fields.error(key, "\(quoted(name)) can't be a node's id; give it one of printable ASCII as `id`")
      return nil
    }
    fields.error(
      fields.mark(of: "nodeId"),
      "a node needs its identity as `nodeId`, or else an `id`, a nodename, a hostname or an address")
    return nil
  }

  // MARK: Parts

  static func readLabels(_ fields: FieldReader) -> NodeLabels {
    var draft = LabelDraft()
    for pair in fields.pairs {
      guard let scalar = pair.value.scalar else {
        fields.error(pair.key, "a label's value \(pair.value.written.mismatch(must: "text"))")
        continue
      }
      do throws(ModelError) {
        try draft.add(pair.key, scalar.kind == .null ? "" : scalar.text)
      } catch {
        fields.error(pair.value.mark, "labels: \(error)")
      }
    }
    return draft.labels
  }

  private static func moment(_ fields: FieldReader, _ key: String) -> Timestamp? {
    fields.value(key, maximum: InventoryLimits.textBytes) { (text) throws(ModelError) in
      guard let time = Timestamp(rfc3339: text) else {
        throw ModelError("\(quoted(text)) isn't a time such as 2026-11-23T03:08:50Z")
      }
      return time
    }
  }

  /// `ready: false` may have a `reason`, one word for programs.
  private static func health(_ fields: FieldReader) -> NodeHealth? {
    guard let isReady = fields.bool("ready") else { return nil }
    guard !isReady else { return .ready }
    return .notReady(word: fields.text("reason") ?? "")
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
      publicKey: fields.value("publicKey", maximum: InventoryLimits.textBytes, WireGuardKey.parse) ?? "",
      address: fields.value("address", maximum: InventoryLimits.textBytes) { (text) throws(ModelError) in
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
      fields.list(
        key, of: things, maximum: InventoryLimits.listItems, itemMaximum: InventoryLimits.textBytes, convert)
      ?? []
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
  }

  static func machineType(_ text: String) throws(ModelError) -> MachineType {
    if let type = MachineType(rawValue: text) { return type }
    guard let advice = didYouMean(text, among: MachineType.allCases.map(\.rawValue)) else {
      return try MachineType(text)
    }
    throw ModelError("\(quoted(text)) isn't a machine type; \(advice)")
  }
}

extension NodeHealth {
  /// Not ready for the reason `word`, where that is one, as those of Kubernetes are.
  package static func notReady(word: String) -> NodeHealth {
    let isWord =
      (1...maximumReasonLength).contains(word.utf8.count)
      && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    return .notReady(reason: isWord ? word : "NotReady")
  }
}
