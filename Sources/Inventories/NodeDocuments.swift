import ClusterModel
import Documents

/// Reads documents of nodes: the short form, and affiliates and members as they are printed.
struct NodeDocuments {
  private var builder: InventoryBuilder
  private let diagnostics: Diagnostics
  /// Where what has an anchor is written.
  private let anchorMarks: Set<YAMLMark>

  static func read(_ stream: YAMLStream, into builder: inout InventoryBuilder) {
    var reader = NodeDocuments(
      builder: builder, diagnostics: builder.diagnostics, anchorMarks: stream.anchorMarks)
    for document in stream.documents where !reader.builder.isFull { reader.document(document) }
    builder = reader.builder
  }

  private init(builder: InventoryBuilder, diagnostics: Diagnostics, anchorMarks: Set<YAMLMark>) {
    self.builder = builder
    self.diagnostics = diagnostics
    self.anchorMarks = anchorMarks
  }

  private mutating func document(_ node: YAMLNode) {
    switch node.content {
    case .sequence(let items):
      builder.listNodes()
      for item in items { element(item) }
    case .mapping(let pairs):
      if pairs.contains(where: { $0.key == "spec" || $0.key == "metadata" }) {
        resource(node)
      } else if !pairs.contains(where: { $0.key == "nodes" }), pairs.contains(where: { Self.says($0.key) }) {
        shortForm(node)
      } else {
        nodeList(node)
      }
    case .scalar:
      guard !node.isNull else { return }
      builder.hideNodes()
      diagnostics.error(
        node.mark,
        "a file of nodes "
          + node.written.mismatch(
            must: "`nodes:` with a list of nodes, or documents of affiliates or members"))
    }
  }

  /// Whether a key says which node a mapping is of.
  private static func says(_ key: String) -> Bool {
    ["nodeId", "id", "nodename", "hostname", "addresses"].contains(key)
  }

  /// An item of a list that is the whole document.
  private mutating func element(_ node: YAMLNode) {
    if node["spec"] != nil, node["metadata"] != nil { resource(node) } else { shortForm(node) }
  }

  private mutating func nodeList(_ node: YAMLNode) {
    var listed = node
    // What is there to be repeated by aliases and merge keys may be called anything.
    if !anchorMarks.isEmpty {
      listed.content = .mapping(
        (node.pairs ?? []).filter { $0.key == "nodes" || !hasAnchor($0.value) })
    }
    let fields = FieldReader(
      listed, "a file of nodes", keys: ["nodes"], style: .lenient, diagnostics: diagnostics)
    if let items = fields.items("nodes", of: "nodes") {
      builder.listNodes()
      for item in items { shortForm(item) }
    } else if !diagnostics.errors.isEmpty {
      // `node:`, or `nodes:` with something else than a list.
      builder.hideNodes()
    }
  }

  private func hasAnchor(_ node: YAMLNode) -> Bool {
    anchorMarks.contains(node.mark)
      || (node.items ?? node.pairs?.map(\.value) ?? []).contains(where: hasAnchor)
  }

  private mutating func shortForm(_ node: YAMLNode) {
    builder.add(NodeReader.read(node, as: .affiliate, diagnostics), at: node.mark)
  }

  /// A document as `get … -o yaml` prints it.
  private mutating func resource(_ node: YAMLNode) {
    guard node["metadata"] != nil, var spec = node["spec"] else {
      let missing = node["spec"] == nil ? "spec" : "metadata"
      builder.hideNodes()
      return diagnostics.error(
        node.mark, "a document of a resource has `metadata` and `spec`; `\(missing)` is missing")
    }
    let metadata = FieldReader(
      node["metadata"], "metadata", path: "metadata", keys: nil, style: .lenient, diagnostics: diagnostics)
    spec = Self.naming(spec, isLocal: node["status"]?["localId"]?.bool ?? false)
    let type = required("type", "affiliates or members", of: metadata)
    switch type.map(Self.shortName) {
    case nil: builder.hideNodes()
    case "affiliate", "affiliates": affiliate(spec, metadata)
    case "member", "members": member(spec, metadata)
    default:
      diagnostics.warning(
        node.mark,
        "a document of type \(quoted(type ?? "")) is skipped; affiliates and members are read")
    }
  }

  /// `spec` with the local id that a node is told by in place of an identity. A node that merely one registry knows,
  /// `inventory/17`, is called `inventory:17`: no id has a slash.
  private static func naming(_ spec: YAMLNode, isLocal: Bool) -> YAMLNode {
    guard let text = spec["nodeId"]?.scalar?.text, isLocal || text.contains("/"), let pairs = spec.pairs
    else {
      return spec
    }
    let named = pairs.map { pair in
      guard pair.key == "nodeId" else { return pair }
      let name = YAMLNode.text(text.replacing("/", with: ":"))
      return YAMLPair(
        key: "id", keyMark: pair.keyMark, value: YAMLNode(name.content, mark: pair.value.mark))
    }
    return YAMLNode(.mapping(named), mark: spec.mark)
  }

  private func required(
    _ key: String, _ what: String, of metadata: FieldReader, maximum: Int = .max
  ) -> String? {
    guard metadata.node != nil || metadata.isMissing else { return nil }
    guard metadata.value(key) != nil else {
      diagnostics.error(metadata.mark, "the metadata need the resource's `\(key)`, \(what)")
      return nil
    }
    return metadata.text(key, maximum: maximum)
  }

  /// `affiliates` of `Affiliates.cluster.talos.dev`.
  private static func shortName(of type: String) -> String {
    let name = type.lowercased()
    let suffix = ".cluster.talos.dev"
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  /// An affiliate; the id of a raw one has its origin before the node's identity.
  private mutating func affiliate(_ spec: YAMLNode, _ metadata: FieldReader) {
    var record = NodeReader.read(spec, as: .affiliate, diagnostics)
    readLabels(metadata, into: &record)
    var origin = ""
    if let id = required("id", "a text", of: metadata) {
      let mark = metadata.mark(of: "id")
      // A merged one that only one registry knows is called so itself.
      let isOwn = record?.isLocalID == true && record?.affiliate.nodeID.text == id.replacing("/", with: ":")
      let slash = isOwn ? nil : id.lastIndex(of: "/")
      if let slash { origin = String(id[..<slash]) }
      let name = slash.map { String(id[id.index(after: $0)...]) } ?? id
      if let record, !isOwn, record.affiliate.nodeID.text != name {
        let nodeID = quoted(record.affiliate.nodeID.text)
        diagnostics.error(
          mark,
          "the id \(quoted(id)) isn't that of the spec's nodeId \(nodeID), which counts")
      }
      if slash != nil, (try? RegistrySource(origin)) == nil || origin.isEmpty {
        diagnostics.error(mark, "the raw id \(quoted(id)) isn't written as `prefix/node identity`")
        origin = ""
      }
    }
    builder.add(record, origin: origin, at: spec.mark)
  }

  /// A member; its id is the nodename.
  private mutating func member(_ spec: YAMLNode, _ metadata: FieldReader) {
    let nodename = required("id", "a text", of: metadata, maximum: InventoryLimits.nameBytes) ?? ""
    var record = NodeReader.read(spec, as: .member(nodename: nodename), diagnostics)
    readLabels(metadata, into: &record)
    builder.add(record, at: spec.mark)
  }

  /// The labels of a resource, which are in its metadata.
  private func readLabels(_ metadata: FieldReader, into record: inout AffiliateRecord?) {
    let labels = NodeReader.readLabels(metadata.section("labels", keys: nil))
    if record?.labels.isEmpty == true { record?.labels = labels }
  }
}
