package import Platform

extension YAMLScalar {
  /// What a scalar is by YAML 1.2's core schema. `yes`, `on` and the like are text.
  public enum Kind: Hashable, Sendable {
    case null
    case bool
    case integer
    case number
    case text
  }

  /// What the scalar is. Quoted scalars are text.
  public var kind: Kind { isPlain ? Self.plainKind(text) : .text }

  /// The integer, where the scalar is one that fits.
  public var integer: Int? {
    guard kind == .integer else { return nil }
    if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
    return Int(text)
  }

  /// The number, where the scalar is an integer or another number.
  public var number: Double? {
    switch kind {
    case .integer: return integer.map(Double.init) ?? Double(text)
    case .number:
      switch text.lowercased() {
      case ".inf", "+.inf": return .infinity
      case "-.inf": return -.infinity
      case ".nan": return .nan
      default: return Double(text.hasSuffix(".") ? text + "0" : text)
      }
    default: return nil
    }
  }

  static func plainKind(_ text: String) -> Kind {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "false", "False", "FALSE": return .bool
    case ".nan", ".NaN", ".NAN": return .number
    default: return numericKind(Array(text.utf8)[...])
    }
  }

  private static func numericKind(_ text: ArraySlice<UInt8>) -> Kind {
    if text.starts(with: "0x".utf8), text.count > 2 {
      let isHex = text.dropFirst(2).allSatisfy { $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }
      return isHex ? .integer : .text
    }
    if text.starts(with: "0o".utf8), text.count > 2 {
      return text.dropFirst(2).allSatisfy { (0x30...0x37).contains($0) } ? .integer : .text
    }
    var rest = text
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    if [".inf", ".Inf", ".INF"].contains(where: { rest.elementsEqual($0.utf8) }) { return .number }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    if rest.isEmpty { return whole.isEmpty ? .text : .integer }
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      if whole.isEmpty, fraction.isEmpty { return .text }
      rest = rest.dropFirst(1 + fraction.count)
    } else if whole.isEmpty {
      return .text
    }
    if rest.isEmpty { return .number }
    guard rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") else { return .text }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit) ? .number : .text
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

extension YAMLNode {
  /// The scalar, where the node is one.
  public var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  /// The text, where the node is text: not of a number, `true`, `null`.
  public var string: String? { scalar.flatMap { $0.kind == .text ? $0.text : nil } }

  /// The boolean, where the node is `true` or `false`.
  public var bool: Bool? { scalar.flatMap { $0.kind == .bool ? $0.text.lowercased() == "true" : nil } }

  /// The integer, where the node is one that fits.
  public var int: Int? { scalar?.integer }

  /// The number, where the node is an integer or another number.
  public var double: Double? { scalar?.number }

  /// Whether the node is `null` or nothing at all.
  public var isNull: Bool { scalar?.kind == .null }

  /// The items, where the node is a list.
  public var items: [YAMLNode]? {
    if case .sequence(let items) = content { items } else { nil }
  }

  /// The pairs, where the node is a mapping.
  public var pairs: [YAMLPair]? {
    if case .mapping(let pairs) = content { pairs } else { nil }
  }

  /// The value of `key`, where the node is a mapping that has it.
  public subscript(key: String) -> YAMLNode? { pairs?.first { $0.key == key }?.value }

  /// What the node is, for a message: "a list", "a mapping", "text", "a number", "true or false", "nothing".
  public var kindName: String { written.kindName }

  /// The node, for a message that it isn't what must be there.
  package var written: WrittenValue {
    switch content {
    case .sequence: .list
    case .mapping: .mapping
    case .scalar(let scalar):
      switch scalar.kind {
      case .null: .nothing
      case .bool: .bool(scalar.text)
      case .integer, .number: .number(scalar.text)
      case .text: .text(scalar.text)
      }
    }
  }
}

extension YAMLNode {
  /// Text, whatever it looks like.
  public static func text(_ text: String) -> YAMLNode { YAMLNode(.scalar(YAMLScalar(text, isPlain: false))) }

  /// What is written without quotes and is what it looks like: a time, a number of another type.
  public static func plain(_ text: String) -> YAMLNode { YAMLNode(.scalar(YAMLScalar(text, isPlain: true))) }

  /// A whole number.
  public static func integer(_ value: some BinaryInteger) -> YAMLNode { .plain(String(value)) }

  /// `true` or `false`.
  public static func bool(_ value: Bool) -> YAMLNode { .plain(value ? "true" : "false") }

  /// Nothing.
  public static var null: YAMLNode { .plain("null") }

  /// A list of `items`.
  public static func list(_ items: [YAMLNode]) -> YAMLNode { YAMLNode(.sequence(items)) }

  /// A mapping in the order given.
  public static func mapping(_ pairs: [(key: String, value: YAMLNode)]) -> YAMLNode {
    YAMLNode(.mapping(pairs.map { YAMLPair(key: $0.key, value: $0.value) }))
  }
}
