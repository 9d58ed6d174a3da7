import ClusterModel
import Documents
import Inventories
import Platform
import RegistryKit
import ResourceValues

/// Finds the nodes in JSON of any kind: each part by a path.
///
/// What is found becomes an entry of the short form, and is read as one; problems name the item by its place in the
/// list, `items[3]`, as paths have no lines.
struct ListMapping: Sendable {
  private let items: JSONPathExpression
  private let fields: [(key: String, path: JSONPathExpression)]
  private let labels: [(key: String, path: JSONPathExpression)]

  /// - Throws: ``RegistryError`` that names the option, and says what is wrong with its path.
  init(_ options: MappingOptions) throws(RegistryError) {
    items = try Self.path("items", options.items)
    let texts: [(String, String?)] = [
      ("nodeId", options.nodeID), ("id", options.id), ("nodename", options.nodename),
      ("hostname", options.hostname), ("addresses", options.addresses), ("machineID", options.machineID),
      ("machineType", options.machineType), ("operatingSystem", options.operatingSystem),
      ("publicKey", options.publicKey), ("ready", options.ready),
    ]
    var fields: [(key: String, path: JSONPathExpression)] = []
    for case (let key, let text?) in texts { fields.append((key, try Self.path(key, text))) }
    self.fields = fields
    let naming = ["nodeId", "id", "nodename", "hostname", "addresses"]
    guard fields.contains(where: { naming.contains($0.key) }) else {
      throw RegistryError(
        .invalidArgument, "mapping needs one of \(naming.joined(separator: ", ")): what machines are known by"
      )
    }
    var labels: [(key: String, path: JSONPathExpression)] = []
    for (key, text) in options.labels.sorted(by: { $0.key < $1.key }) {
      labels.append((key, try Self.path("labels.\(key)", text)))
    }
    self.labels = labels
  }

  private static func path(_ option: String, _ text: String) throws(RegistryError) -> JSONPathExpression {
    do throws(ResourceError) {
      return try JSONPathExpression(text)
    } catch {
      throw RegistryError(.invalidArgument, "mapping.\(option): \(error.message)")
    }
  }

  /// The nodes in `bytes`.
  ///
  /// - Throws: where it is no JSON, or the items aren't there.
  func read(_ bytes: [UInt8], name: String) throws(YAMLError) -> Inventory {
    // Says where in the text something is wrong.
    _ = try YAML.parseJSON(bytes, file: name, limits: YAMLLimits(size: InventoryLimits.bytes))
    let entries: [YAMLNode]
    do throws(ResourceError) {
      let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
      entries = try self.entries(
        try ResourceValue(json: hasMark ? Array(bytes[3...]) : bytes), size: bytes.count)
    } catch {
      throw YAMLError(file: name, mark: YAMLMark(line: 1, column: 1), message: error.message)
    }
    return try Inventory.read(entries: entries, name: name)
  }

  private func entries(_ root: ResourceValue, size: Int) throws(ResourceError) -> [YAMLNode] {
    var found = try items.values(of: root, size: size / 64)
    if found.count == 1, case .list(let list) = found[0] {
      found = list
    } else if found.isEmpty, try !isEmptyList(root) {
      // A list that isn't there any more may as well be an error in its place.
      throw ResourceError("there is nothing at \(items.source): not even an empty list")
    }
    var entries: [YAMLNode] = []
    for item in found { entries.append(try entry(item)) }
    return entries
  }

  /// Whether the last step of the path is into a list that is there, and has nothing in it.
  private func isEmptyList(_ root: ResourceValue) throws(ResourceError) -> Bool {
    guard let end = items.source.range(ofSuffix: ["[*]", "[*]}", ".*", ".*}"]) else { return false }
    let before = items.source[..<end].trimmed
    let text = before.hasPrefix("{") ? before.dropFirst() : before
    guard !text.isEmpty, text != "$", text != "." else { return root == .list([]) || root == .fields([]) }
    let lists = try JSONPathExpression(String(text)).values(of: root)
    return lists.contains { $0 == .list([]) || $0 == .fields([]) }
  }

  /// The entry of the short form that `item` is.
  private func entry(_ item: ResourceValue) throws(ResourceError) -> YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = []
    for (key, path) in fields {
      var values: [ResourceValue] = []
      for value in try path.values(of: item) {
        if case .list(let items) = value { values += items } else { values.append(value) }
      }
      values.removeAll { $0 == .null || $0 == .text("") }
      guard let first = values.first else { continue }
      switch key {
      case "addresses": pairs.append((key, .list(values.map { .text(Self.address($0)) })))
      case "publicKey": pairs.append(("kubespan", .mapping([("publicKey", Self.node(first))])))
      case "ready": pairs.append((key, .plain(first.scalarText?.lowercased() ?? "")))
      default: pairs.append((key, Self.node(first)))
      }
    }
    var labels: [(key: String, value: YAMLNode)] = []
    for (key, path) in self.labels {
      let texts = try path.values(of: item).filter { $0 != .null }.compactMap(\.scalarText)
      if !texts.isEmpty { labels.append((key, .text(texts.joined(separator: ",")))) }
    }
    if !labels.isEmpty { pairs.append(("labels", .mapping(labels))) }
    return .mapping(pairs)
  }

  private static func node(_ value: ResourceValue) -> YAMLNode {
    value.scalarText.map { .text($0) } ?? .list([])
  }

  /// Without the length of its network, as NetBox writes addresses.
  private static func address(_ value: ResourceValue) -> String {
    let text = value.scalarText ?? ""
    guard let slash = text.firstIndex(of: "/"), (try? IPPrefix(text)) != nil else { return text }
    return String(text[..<slash])
  }
}

extension String {
  /// Where the first of `suffixes` begins that the text ends with.
  fileprivate func range(ofSuffix suffixes: [String]) -> Index? {
    suffixes.first(where: hasSuffix).map { index(endIndex, offsetBy: -$0.count) }
  }
}
