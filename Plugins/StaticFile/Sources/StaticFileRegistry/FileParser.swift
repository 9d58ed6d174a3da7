import ClusterModel
import Documents
import RegistryKit

/// Turns the text of a file into nodes.
struct FileParser {
  private let diagnostics: Diagnostics
  private var reading = FileReading()
  /// Where each node was first seen.
  private var places: [NodeKey: YAMLMark] = [:]
  /// Where what has an anchor is written.
  private let anchorMarks: Set<YAMLMark>

  /// The nodes in `bytes`, the content of the file that the person named `file`.
  ///
  /// - Throws: where they are no YAML and no JSON, or more than is taken.
  static func parse(_ bytes: [UInt8], file: String) throws(YAMLError) -> FileReading {
    let stream = try YAML.parse(
      bytes, file: file,
      limits: YAMLLimits(size: FileLimits.fileBytes, aliasedNodes: FileLimits.aliasedNodes))
    var parser = FileParser(diagnostics: Diagnostics(file: file), anchorMarks: stream.anchorMarks)
    for document in stream.documents {
      parser.document(document)
      guard parser.places.count <= FileLimits.nodes else {
        throw YAMLError(
          file: file, mark: document.mark,
          message: "more than \(FileLimits.nodes) nodes in one file; split it into several")
      }
    }
    parser.diagnostics.add(stream.duplicateKeys)
    // What stood under a key that is there twice may be nodes: a lost `- ` makes two nodes one.
    if !stream.duplicateKeys.isEmpty { parser.reading.hidesNodes = true }
    parser.diagnostics.sort()
    parser.reading.problems = parser.diagnostics.errors
    parser.reading.notes = parser.diagnostics.warnings
    return parser.reading
  }

  private init(diagnostics: Diagnostics, anchorMarks: Set<YAMLMark>) {
    self.diagnostics = diagnostics
    self.anchorMarks = anchorMarks
  }

  private mutating func document(_ node: YAMLNode) {
    switch node.content {
    case .sequence(let items):
      reading.listsNodes = true
      for item in items { element(item) }
    case .mapping(let pairs):
      if pairs.contains(where: { $0.key == "spec" || $0.key == "metadata" }) {
        resource(node)
      } else if pairs.contains(where: { $0.key == "nodeId" }) {
        shortForm(node)
      } else {
        nodeList(node)
      }
    case .scalar:
      guard !node.isNull else { return }
      reading.hidesNodes = true
      diagnostics.error(
        node.mark,
        "a file of nodes "
          + node.written.mismatch(
            must: "`nodes:` with a list of nodes, or documents of affiliates or members"))
    }
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
      reading.listsNodes = true
      for item in items { shortForm(item) }
    } else if !diagnostics.errors.isEmpty {
      // `node:`, or `nodes:` with something else than a list.
      reading.hidesNodes = true
    }
  }

  private func hasAnchor(_ node: YAMLNode) -> Bool {
    anchorMarks.contains(node.mark)
      || (node.items ?? node.pairs?.map(\.value) ?? []).contains(where: hasAnchor)
  }

  private mutating func shortForm(_ node: YAMLNode) {
    add(NodeReader.read(node, as: .affiliate, diagnostics), origin: "", at: node.mark)
  }

  /// A document as `get … -o yaml` prints it.
  private mutating func resource(_ node: YAMLNode) {
    guard node["metadata"] != nil, let spec = node["spec"] else {
      let missing = node["spec"] == nil ? "spec" : "metadata"
      reading.hidesNodes = true
      return diagnostics.error(
        node.mark, "a document of a resource has `metadata` and `spec`; `\(missing)` is missing")
    }
    let metadata = FieldReader(
      node["metadata"], "metadata", path: "metadata", keys: nil, style: .lenient, diagnostics: diagnostics)
    let type = required("type", "affiliates or members", of: metadata)
    switch type.map(Self.shortName) {
    case nil: reading.hidesNodes = true
    case "affiliate", "affiliates": affiliate(spec, metadata)
    case "member", "members": member(spec, metadata)
    default:
      diagnostics.warning(
        node.mark,
        "a document of type \(quoted(type ?? "")) is skipped; affiliates and members are read")
    }
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
    let affiliate = NodeReader.read(spec, as: .affiliate, diagnostics)
    var origin = ""
    if let id = required("id", "a text", of: metadata) {
      let mark = metadata.mark(of: "id")
      let slash = id.lastIndex(of: "/")
      if let slash { origin = String(id[..<slash]) }
      let name = slash.map { String(id[id.index(after: $0)...]) } ?? id
      if let affiliate, affiliate.nodeID.text != name {
        diagnostics.error(
          mark,
          "the id \(quoted(id)) isn't that of the spec's nodeId \(quoted(affiliate.nodeID.text)), which counts"
        )
      }
      if slash != nil, (try? RegistrySource(origin)) == nil || origin.isEmpty {
        diagnostics.error(mark, "the raw id \(quoted(id)) isn't written as `prefix/node identity`")
        origin = ""
      }
    }
    add(affiliate, origin: origin, at: spec.mark)
  }

  /// A member; its id is the nodename.
  private mutating func member(_ spec: YAMLNode, _ metadata: FieldReader) {
    let nodename = required("id", "a text", of: metadata, maximum: FileLimits.nameBytes) ?? ""
    add(NodeReader.read(spec, as: .member(nodename: nodename), diagnostics), origin: "", at: spec.mark)
  }

  /// - Parameter affiliate: nil where an entry doesn't say which node it is of.
  private mutating func add(_ affiliate: Affiliate?, origin: String, at mark: YAMLMark) {
    reading.listsNodes = true
    guard let affiliate else {
      reading.hidesNodes = true
      return
    }
    let key = NodeKey(origin: origin, nodeID: affiliate.nodeID)
    if let first = places[key] {
      // Who asks several nodes (`talosctl -n a,b get members`) is told everything as often.
      if reading.nodes[key] == affiliate { return }
      diagnostics.error(
        mark,
        "node \(quoted(key.nodeID.text)) is in the file twice; the first, at line \(first.line), is kept")
      return
    }
    places[key] = mark
    reading.nodes[key] = affiliate
  }
}
