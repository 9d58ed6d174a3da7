import ClusterModel
import Platform

/// The record of a Node, and what of the Node can't be used.
struct NodeMapping: Sendable {
  /// The record by the Node's identity or, without one, by its name where all Nodes are wanted; nil where the Node
  /// takes no part, or its name or identity can't be used.
  private(set) var record: AffiliateRecord?
  /// The addresses that the kubelet says, of a Node that has an identity: those that count under a local id.
  private(set) var kubeletAddresses: [IPAddress] = []
  /// What is wrong, each with the Node's name: `Node 'worker-1': …`. At most ``maximumProblems``.
  private(set) var problems: [String] = []
  /// How many more there are.
  private(set) var furtherProblems = 0

  /// The most items that are taken of one list: what the host takes of one node.
  static let maximumItems = 1024
  /// The most bytes of a name.
  static let maximumNameBytes = 253
  /// The most problems of one Node that are named one by one.
  static let maximumProblems = 16

  private let nodeName: String

  init(_ node: NodeObject, choice: NodeChoice = .annotated) {
    nodeName = Self.shown(node.name)
    guard let name = Self.localID(node.name) else {
      report("a name has 1 to \(Self.maximumNameBytes) letters, digits, '-' and '.'; the Node is left out")
      return
    }
    let nodeID = identity(of: node, otherwise: choice == .all ? "has its record by its name" : "is left out")
    guard nodeID != nil || choice == .all else { return }
    if node.unusable.count > 0 {
      report(
        "\(node.unusable.count) values are of another type than they should be, or too long; they count as missing"
      )
    }
    let hostname = line(node.hostname, "its hostname", maximum: Self.maximumNameBytes)
    let operatingSystem = line(node.osImage, "its osImage", maximum: 256)
    let machineType = node.isControlPlane ? MachineType.controlplane : .worker
    var record: AffiliateRecord
    if let nodeID {
      // What is wrong with them doesn't matter as long as the annotations count.
      var quiet = self
      kubeletAddresses = quiet.addresses(of: node)
      let addresses = items(.selfIPs, of: node) { text throws(ModelError) in try NodeAddress.parse(text) }
      let controlPlane = single(.apiServerPort, of: node) { text throws(ModelError) in
        try ControlPlane(apiServerPort: Self.port(text))
      }
      record = AffiliateRecord(
        Affiliate(
          nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: node.name,
          operatingSystem: operatingSystem, machineType: machineType, kubeSpan: kubeSpan(of: node),
          controlPlane: controlPlane))
    } else {
      record = AffiliateRecord(
        Affiliate(
          nodeID: name, addresses: addresses(of: node), hostname: hostname, nodename: node.name,
          operatingSystem: operatingSystem, machineType: machineType), isLocalID: true)
    }
    record.labels = labels(of: node)
    record.createdAt = node.createdAt
    record.health = Self.health(node.health)
    // Where there is no /etc/machine-id some kubelets write something else, or nothing.
    if Self.isMachineID(node.machineID) { record.machineID = node.machineID }
    self.record = record
  }

  /// The record by a local id of a Node that lost its identity to another one: what the kubelet says counts. The
  /// annotations are that identity's, and may be copied.
  static func local(_ record: AffiliateRecord, addresses: [IPAddress]) -> AffiliateRecord? {
    let affiliate = record.affiliate
    guard let name = localID(affiliate.nodename) else { return nil }
    var local = record
    local.isLocalID = true
    local.affiliate = Affiliate(
      nodeID: name, addresses: addresses, hostname: affiliate.hostname, nodename: affiliate.nodename,
      operatingSystem: affiliate.operatingSystem, machineType: affiliate.machineType)
    return local
  }

  /// The local id that a Node's name is; nil where Kubernetes allows no such name.
  private static func localID(_ name: String) -> NodeIdentity? {
    name.utf8.count <= maximumNameBytes ? try? NodeIdentity(name) : nil
  }

  /// A Node's name for a message: somebody else's text, cut where it is long.
  private static func shown(_ name: String) -> String {
    let isLong = name.utf8.count > maximumNameBytes
    var text = String.UnicodeScalarView()
    for scalar in name.unicodeScalars.prefix(isLong ? 64 : maximumNameBytes) {
      text.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return String(text) + (isLong ? "…" : "")
  }

  /// The addresses that the kubelet says, internal ones first.
  private mutating func addresses(of node: NodeObject) -> [IPAddress] {
    parsed(node.addresses, { "status.addresses: \($0)" }) { text throws(ModelError) in
      try NodeAddress.parse(text)
    }
  }

  /// The identity among the annotations; nil where there is none that can be used.
  private mutating func identity(of node: NodeObject, otherwise: String) -> NodeIdentity? {
    guard let text = node.annotations[NodeAnnotation.nodeID.rawValue], !text.isEmpty else { return nil }
    do throws(ModelError) {
      return try NodeIdentity(text)
    } catch {
      report(.nodeID, "\(error.message); the Node \(otherwise)")
      return nil
    }
  }

  /// Labels and annotations that become labels, labels first, each in the order of their keys, as many as a node
  /// may have.
  private mutating func labels(of node: NodeObject) -> NodeLabels {
    guard !node.labels.isEmpty || !node.chosenAnnotations.isEmpty else { return NodeLabels() }
    let annotations = node.chosenAnnotations.filter { node.labels[$0.key] == nil }
    var choice = LabelChoice()
    for pairs in [node.labels, annotations] {
      for pair in pairs.sorted(by: { $0.key < $1.key }) { choice.add(pair.key, pair.value) }
    }
    if !choice.unusable.isEmpty {
      report("labels have keys and values of one line; left out: \(Self.list(choice.unusable))")
    }
    if !choice.further.isEmpty {
      report(
        "a node has at most \(NodeLabels.maximumCount) labels of \(NodeLabels.maximumLength) bytes together; left out: "
          + Self.list(choice.further))
    }
    return choice.labels
  }

  private static func list(_ keys: [String]) -> String {
    let rest = keys.count > 5 ? " and \(keys.count - 5) more" : ""
    return keys.prefix(5).map { APIError.shown($0) }.joined(separator: ", ") + rest
  }

  /// With a reason of one word, as those of Kubernetes itself are.
  private static func health(_ health: NodeHealth?) -> NodeHealth? {
    guard case .notReady(let reason) = health else { return health }
    let isWord =
      (1...NodeHealth.maximumReasonLength).contains(reason.utf8.count)
      && reason.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    return .notReady(reason: isWord ? reason : "NotReady")
  }

  private static func isMachineID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  // MARK: Annotations

  /// What the annotations have of KubeSpan; nil where they have nothing.
  private mutating func kubeSpan(of node: NodeObject) -> KubeSpanAffiliate? {
    let kubeSpan = KubeSpanAffiliate(
      publicKey: single(.kubeSpanPublicKey, of: node) { text throws(ModelError) in
        try WireGuardKey.parse(text)
      } ?? "",
      address: single(.kubeSpanIP, of: node) { text throws(ModelError) in try NodeAddress.parse(text) },
      additionalAddresses: items(.assignedPrefixes, of: node) { text throws(ModelError) in
        try IPPrefix(text)
      },
      excludeAdvertisedNetworks: items(.kubeSpanExcludedNetworks, of: node) { text throws(ModelError) in
        try IPPrefix(text)
      },
      endpoints: items(.kubeSpanEndpoints, of: node) { text throws(ModelError) in
        try NodeAddress.parseEndpoint(text)
      })
    return kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  /// The one value of an annotation; nil where there is none or it can't be used.
  private mutating func single<Value>(
    _ annotation: NodeAnnotation, of node: NodeObject,
    _ parse: (Substring) throws(ModelError) -> Value
  ) -> Value? {
    let text = node.annotations[annotation.rawValue, default: ""].trimmed
    guard !text.isEmpty else { return nil }
    do throws(ModelError) {
      return try parse(text)
    } catch {
      report(annotation, error.message)
      return nil
    }
  }

  /// The items of a list, each one once, without those that can't be used.
  private mutating func items<Item: Hashable>(
    _ annotation: NodeAnnotation, of node: NodeObject,
    _ parse: (Substring) throws(ModelError) -> Item
  ) -> [Item] {
    let text = node.annotations[annotation.rawValue, default: ""]
    guard !text.isEmpty else { return [] }
    return parsed(text.split(separator: ","), { "annotation \(annotation.rawValue): \($0)" }, parse)
  }

  /// What `texts` are, each one once, without those that can't be used.
  private mutating func parsed<Item: Hashable>(
    _ texts: some Sequence<some StringProtocol>, _ problem: (String) -> String,
    _ parse: (Substring) throws(ModelError) -> Item
  ) -> [Item] {
    var items: [Item] = []
    var seen: Set<Item> = []
    for text in texts {
      let text = Substring(text).trimmed
      guard !text.isEmpty else { continue }
      guard items.count < Self.maximumItems else {
        report(problem("only the first \(Self.maximumItems) items count"))
        break
      }
      do throws(ModelError) {
        let item = try parse(text)
        if seen.insert(item).inserted { items.append(item) }
      } catch {
        report(problem(error.message))
      }
    }
    return items
  }

  /// A text of one line, cut where it is too long.
  private mutating func line(_ text: String, _ name: String, maximum: Int) -> String {
    guard text.utf8.count <= maximum else {
      report("\(name) has at most \(maximum) bytes, this one has \(text.utf8.count)")
      return ""
    }
    guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      report("\(name) has a control character")
      return ""
    }
    return text
  }

  private mutating func report(_ annotation: NodeAnnotation, _ message: String) {
    report("annotation \(annotation.rawValue): \(message)")
  }

  private mutating func report(_ message: String) {
    guard problems.count < Self.maximumProblems else {
      furtherProblems += 1
      return
    }
    problems.append("Node '\(nodeName)': \(message)")
  }

  private static func port(_ text: Substring) throws(ModelError) -> UInt16 {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text), port != 0 else {
      throw ModelError("\(quoted(text)) isn't a port from 1 to 65535")
    }
    return port
  }
}
