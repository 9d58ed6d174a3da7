import ClusterModel
import Documents
import RegistryKit

/// Turns the text of a file into nodes.
struct FileParser {
  private let diagnostics: Diagnostics
  private var reading = FileReading()
  /// Where each node was first seen.
  private var places: [NodeKey: YAMLMark] = [:]

  /// The nodes in `bytes`, the content of the file that the person named `file`.
  ///
  /// - Throws: where they are no YAML and no JSON, or more than is taken.
  static func parse(_ bytes: [UInt8], file: String) throws(YAMLError) -> FileReading {
    var parser = FileParser(diagnostics: Diagnostics(file: file))
    let stream = try YAML.parse(bytes, file: file, limits: YAMLLimits(size: FileLimits.fileBytes))
    for document in stream.documents {
      parser.document(document)
      guard parser.places.count <= FileLimits.nodes else {
        throw YAMLError(
          file: file, mark: document.mark,
          message: "more than \(FileLimits.nodes) nodes in one file; split it into several")
      }
    }
    parser.diagnostics.add(stream.duplicateKeys)
    parser.diagnostics.sort()
    parser.reading.problems = parser.diagnostics.errors
    parser.reading.notes = parser.diagnostics.warnings
    return parser.reading
  }

  private init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

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
    let fields = FieldReader(
      node, "a file of nodes", keys: ["nodes"], style: .lenient, diagnostics: diagnostics)
    if let items = fields.items("nodes", of: "nodes") {
      reading.listsNodes = true
      for item in items { shortForm(item) }
    } else if !diagnostics.errors.isEmpty {
      // `node:`, or `nodes:` with something else than a list.
      reading.hidesNodes = true
    }
  }

  private mutating func shortForm(_ node: YAMLNode) {
    reading.listsNodes = true
    let (id, affiliate) = NodeReader.read(node, as: .affiliate, diagnostics)
    add(affiliate, id: id, origin: "", at: node.mark)
  }

  /// A document as `get … -o yaml` prints it.
  private mutating func resource(_ node: YAMLNode) {
    // Until it is found to be of another type, or to be of a node.
    let hidNodes = reading.hidesNodes
    reading.hidesNodes = true
    guard node["metadata"] != nil, let spec = node["spec"] else {
      let missing = node["spec"] == nil ? "spec" : "metadata"
      return diagnostics.error(
        node.mark, "a document of a resource has `metadata` and `spec`; `\(missing)` is missing")
    }
    let metadata = FieldReader(
      node["metadata"], "metadata", path: "metadata", keys: nil, style: .lenient, diagnostics: diagnostics)
    guard metadata.node != nil || metadata.isMissing else { return }
    for (key, what) in [("type", "affiliates or members"), ("id", "a text")] where metadata.value(key) == nil
    {
      return diagnostics.error(metadata.mark, "the metadata need the resource's `\(key)`, \(what)")
    }
    guard let type = metadata.text("type") else { return }
    reading.hidesNodes = hidNodes
    switch Self.shortName(of: type) {
    case "affiliate", "affiliates": affiliate(spec, metadata)
    case "member", "members": member(spec, metadata)
    default:
      diagnostics.warning(
        node.mark, "a document of type \(quoted(type)) is skipped; affiliates and members are read")
    }
  }

  /// `affiliates` of `Affiliates.cluster.talos.dev`.
  private static func shortName(of type: String) -> String {
    let name = type.lowercased()
    let suffix = ".cluster.talos.dev"
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  /// An affiliate; the id of a raw one has its origin before the node's identity.
  private mutating func affiliate(_ spec: YAMLNode, _ metadata: FieldReader) {
    reading.listsNodes = true
    guard let id = metadata.text("id") else {
      reading.hidesNodes = true
      return
    }
    let mark = metadata.mark(of: "id")
    let slash = id.lastIndex(of: "/")
    let origin = slash.map { String(id[..<$0]) } ?? ""
    let name = slash.map { String(id[id.index(after: $0)...]) } ?? id
    var (nodeID, affiliate) = NodeReader.read(spec, as: .affiliate, diagnostics)
    if let nodeID, nodeID.text != name {
      diagnostics.error(
        mark, "the id \(quoted(id)) isn't that of the spec's nodeId \(quoted(nodeID.text))")
      affiliate = nil
    }
    if slash != nil, (try? RegistrySource(origin)) == nil || origin.isEmpty {
      diagnostics.error(mark, "the raw id \(quoted(id)) isn't written as `prefix/node identity`")
      return
    }
    add(affiliate, id: nodeID, origin: origin, at: spec.mark)
  }

  /// A member; its id is the nodename.
  private mutating func member(_ spec: YAMLNode, _ metadata: FieldReader) {
    reading.listsNodes = true
    let nodename = metadata.text("id", maximum: FileLimits.nameBytes)
    let (nodeID, affiliate) = NodeReader.read(spec, as: .member(nodename: nodename ?? ""), diagnostics)
    add(nodename == nil ? nil : affiliate, id: nodeID, origin: "", at: spec.mark)
  }

  private mutating func add(_ affiliate: Affiliate?, id: NodeIdentity?, origin: String, at mark: YAMLMark) {
    guard let id else {
      reading.hidesNodes = true
      return
    }
    let key = NodeKey(origin: origin, nodeID: id)
    if let first = places[key] {
      diagnostics.error(
        mark, "node \(quoted(id.text)) is in the file twice; the first, at line \(first.line), is kept")
      return
    }
    places[key] = mark
    if let affiliate { reading.nodes[key] = affiliate } else { reading.broken.insert(key) }
  }
}
