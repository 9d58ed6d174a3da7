import ClusterModel
import Platform

/// The record of a Node, and what of the Node can't be used.
struct NodeMapping: Sendable {
  /// nil where the Node takes no part or its identity can't be used.
  private(set) var record: AffiliateRecord?
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

  init(_ node: NodeObject) {
    nodeName = node.name
    guard let text = node.annotations[NodeAnnotation.nodeID.rawValue], !text.isEmpty else { return }
    let nodeID: NodeIdentity
    do throws(ModelError) {
      nodeID = try NodeIdentity(text)
    } catch {
      report(.nodeID, "\(error.message); the Node is left out")
      return
    }
    let hostname = line(node.hostname, "its hostname", maximum: Self.maximumNameBytes)
    let operatingSystem = line(node.osImage, "its osImage", maximum: 256)
    let addresses = items(.selfIPs, of: node) { text throws(ModelError) in try NodeAddress.parse(text) }
    let controlPlane = single(.apiServerPort, of: node) { text throws(ModelError) in
      try ControlPlane(apiServerPort: Self.port(text))
    }
    var record = AffiliateRecord(
      Affiliate(
        nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: node.name,
        operatingSystem: operatingSystem, machineType: node.isControlPlane ? .controlplane : .worker,
        kubeSpan: kubeSpan(of: node), controlPlane: controlPlane))
    record.createdAt = node.createdAt
    record.health = Self.health(node.health)
    // Where there is no /etc/machine-id some kubelets write something else, or nothing.
    if Self.isMachineID(node.machineID) { record.machineID = node.machineID }
    self.record = record
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
    var items: [Item] = []
    var seen: Set<Item> = []
    for part in text.split(separator: ",") {
      let part = part.trimmed
      guard !part.isEmpty else { continue }
      guard items.count < Self.maximumItems else {
        report(annotation, "only the first \(Self.maximumItems) items count")
        break
      }
      do throws(ModelError) {
        let item = try parse(part)
        if seen.insert(item).inserted { items.append(item) }
      } catch {
        report(annotation, error.message)
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
