public import Documents
import Platform
public import RegistryKit

extension OptionsSchema {
  /// What is wrong with `options`, a mapping, each at its place.
  ///
  /// - Parameters:
  ///   - file: how errors name the file.
  ///   - path: the keys to the options, for messages: `cluster.discovery.registries.racks`.
  public func validate(options: YAMLNode, file: String, path: String = "options") -> [ConfigurationError] {
    root.problems(in: JSONValue(options), reserved: OptionsSchema.reservedKeys).map { problem in
      let (mark, keyMark) = options.marks(at: problem.path)
      switch problem.reason {
      case .unknown(let known):
        let owner = OptionProblem.name(of: problem.path.dropLast(), in: path)
        let key = problem.path.last?.key ?? ""
        let place = ConfigurationKeys.places[key]
        let message = unknownKey(key, in: owner, known: known, place: place == owner ? nil : place)
        return ConfigurationError(file: file, mark: keyMark, message: message)
      case .wrong, .invalid, .missing:
        return ConfigurationError(file: file, mark: mark, message: problem.message(of: path))
      }
    }
  }
}

extension YAMLNode {
  /// Where the value at the end of `path` is written, and its key.
  func marks(at path: [OptionProblem.Step]) -> (value: YAMLMark, key: YAMLMark) {
    var node = self
    var keyMark = mark
    for step in path {
      switch step {
      case .key(let key):
        guard let pair = node.pairs?.first(where: { $0.key == key }) else { return (node.mark, keyMark) }
        (node, keyMark) = (pair.value, pair.keyMark)
      case .index(let index):
        guard let items = node.items, items.indices.contains(index) else { return (node.mark, keyMark) }
        (node, keyMark) = (items[index], items[index].mark)
      }
    }
    return (node.mark, keyMark)
  }
}

extension JSONValue {
  /// What `node` means. What JSON has no number for (`.inf`, `.nan`) is text.
  init(_ node: YAMLNode) {
    switch node.content {
    case .sequence(let items): self = .list(items.map { JSONValue($0) })
    case .mapping(let pairs): self = .object(pairs.map { Member($0.key, JSONValue($0.value)) })
    case .scalar(let scalar):
      switch scalar.kind {
      case .null: self = .null
      case .bool: self = .bool(node.bool == true)
      case .text: self = .text(scalar.text)
      case .integer, .number:
        let json = YAML.json(of: node)
        self = json.hasPrefix("\"") ? .text(scalar.text) : .number(json)
      }
    }
  }

  /// The value without places.
  var node: YAMLNode {
    switch self {
    case .null: .null
    case .bool(let bool): .bool(bool)
    case .number(let digits): .plain(digits)
    case .text(let text): .text(text)
    case .list(let items): .list(items.map(\.node))
    case .object(let members): .mapping(members.map { ($0.key, $0.value.node) })
    }
  }
}
