import ClusterModel
import Documents
import RegistryKit

/// Turns the text of a file into nodes.
struct FileParser {
  private var reader: FieldReader
  private var reading = FileReading()
  /// Where each node was first seen.
  private var places: [NodeKey: YAMLMark] = [:]

  /// The nodes in `bytes`, the content of the file that the person named `file`.
  ///
  /// - Throws: where they are no YAML and no JSON, or more than is taken.
  static func parse(_ bytes: [UInt8], file: String) throws(YAMLError) -> FileReading {
    var parser = FileParser(reader: FieldReader(file: file))
    let stream = try YAML.parse(bytes, file: file, limits: YAMLLimits(size: Limits.fileBytes))
    for document in stream.documents {
      parser.document(document)
      guard parser.places.count <= Limits.nodes else {
        throw YAMLError(
          file: file, mark: document.mark,
          message: "more than \(Limits.nodes) nodes in one file; split it into several")
      }
    }
    for problem in stream.duplicateKeys { parser.reader.report(problem) }
    parser.reading.problems = parser.reader.problems
    parser.reading.problems.sort()
    return parser.reading
  }

  private init(reader: FieldReader) { self.reader = reader }

  private mutating func document(_ node: YAMLNode) {
    switch node.content {
    case .sequence(let items):
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
      reader.report(
        "expected `nodes:` with a list of nodes, or documents of affiliates or members, not \(node.kind)",
        at: node.mark)
    }
  }

  /// An item of a list that is the whole document.
  private mutating func element(_ node: YAMLNode) {
    if node["spec"] != nil, node["metadata"] != nil { resource(node) } else { shortForm(node) }
  }

  private mutating func nodeList(_ node: YAMLNode) {
    guard let fields = reader.fields(of: node, known: ["nodes"], what: "a file of nodes"),
      let nodes = fields["nodes"], !nodes.isNull
    else { return }
    guard case .sequence(let items) = nodes.content else {
      return reader.report("nodes is a list of nodes, not \(nodes.kind)", at: nodes.mark)
    }
    for item in items { shortForm(item) }
  }

  private mutating func shortForm(_ node: YAMLNode) {
    let (id, affiliate) = NodeReader.read(node, as: .affiliate, with: &reader)
    add(affiliate, id: id, origin: "", at: node.mark)
  }

  /// A document as `get … -o yaml` prints it.
  private mutating func resource(_ node: YAMLNode) {
    guard let metadata = node["metadata"], let spec = node["spec"] else {
      let missing = node["spec"] == nil ? "spec" : "metadata"
      return reader.report(
        "a document of a resource has `metadata` and `spec`; `\(missing)` is missing", at: node.mark)
    }
    guard let type = metadata["type"]?.text else {
      return reader.report(
        "the metadata need the resource's `type`, affiliates or members", at: metadata.mark)
    }
    guard let id = metadata["id"], let idText = id.text, !idText.isEmpty else {
      return reader.report("the metadata need the resource's `id`, a text", at: metadata.mark)
    }
    switch Self.shortName(of: type) {
    case "affiliate", "affiliates": affiliate(spec, id: idText, at: id.mark)
    case "member", "members": member(spec, id: id)
    default:
      reading.notes.append(
        YAMLError(
          file: reader.file, mark: node.mark,
          message: "a document of type \(quoted(type)) is skipped; affiliates and members are read"))
    }
  }

  /// `affiliates` of `Affiliates.cluster.talos.dev`.
  private static func shortName(of type: String) -> String {
    let name = type.lowercased()
    let suffix = ".cluster.talos.dev"
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  /// An affiliate; the id of a raw one has its origin before the node's identity.
  private mutating func affiliate(_ spec: YAMLNode, id: String, at mark: YAMLMark) {
    let slash = id.lastIndex(of: "/")
    let origin = slash.map { String(id[..<$0]) } ?? ""
    let name = slash.map { String(id[id.index(after: $0)...]) } ?? id
    var (nodeID, affiliate) = NodeReader.read(spec, as: .affiliate, with: &reader)
    if let nodeID, nodeID.text != name {
      reader.report("the id \(quoted(id)) isn't that of the spec's nodeId \(quoted(nodeID.text))", at: mark)
      affiliate = nil
    }
    if slash != nil, (try? RegistrySource(origin)) == nil || origin.isEmpty {
      reader.report("the raw id \(quoted(id)) isn't written as `prefix/node identity`", at: mark)
      return
    }
    add(affiliate, id: nodeID, origin: origin, at: spec.mark)
  }

  private mutating func member(_ spec: YAMLNode, id: YAMLNode) {
    let problemsBefore = reader.problems.count
    let nodename = reader.text(id, "the member's id", maximum: Limits.nameBytes)
    let isGood = reader.problems.count == problemsBefore
    let (nodeID, affiliate) = NodeReader.read(spec, as: .member(nodename: nodename), with: &reader)
    add(isGood ? affiliate : nil, id: nodeID, origin: "", at: spec.mark)
  }

  private mutating func add(_ affiliate: Affiliate?, id: NodeIdentity?, origin: String, at mark: YAMLMark) {
    guard let id else { return }
    let key = NodeKey(origin: origin, nodeID: id)
    if let first = places[key] {
      reader.report(
        "node \(quoted(id.text)) is in the file twice; the first, at line \(first.line), is kept", at: mark)
      return
    }
    places[key] = mark
    if let affiliate { reading.nodes[key] = affiliate } else { reading.broken.insert(key) }
  }
}
