/// Which labels a document must have, as Kubernetes writes it: `rack=r1,env!=dev,gpu,!spot,zone in (a,b)`.
public struct LabelSelector: Hashable, Sendable {
  private enum Requirement: Hashable, Sendable {
    case isOneOf(String, [String])
    case isNoneOf(String, [String])
    case exists(String)
    case isAbsent(String)
  }

  private let requirements: [Requirement]
  /// The selector as it was written.
  public let text: String

  /// The most bytes that a selector may have.
  public static let maximumLength = 4096

  /// The selector written as `text`; an empty one selects everything.
  ///
  /// - Throws: ``ResourceError`` that names the part that isn't understood, and what would be right.
  public init(_ text: String) throws(ResourceError) {
    guard text.utf8.count <= Self.maximumLength else {
      throw ResourceError("a label selector has at most \(Self.maximumLength) bytes, not \(text.utf8.count)")
    }
    var requirements: [Requirement] = []
    for part in try Self.parts(of: text) { requirements.append(try Self.requirement(part)) }
    self.requirements = requirements
    self.text = text
  }

  /// Whether it selects everything.
  public var isEmpty: Bool { requirements.isEmpty }

  /// Whether `document` is selected. Without the label, `!=` and `notin` hold, as in Kubernetes.
  public func matches(_ document: SelectableFields) -> Bool {
    requirements.allSatisfy { requirement in
      switch requirement {
      case .isOneOf(let key, let values): document.label(key).map(values.contains) ?? false
      case .isNoneOf(let key, let values): !(document.label(key).map(values.contains) ?? false)
      case .exists(let key): document.label(key) != nil
      case .isAbsent(let key): document.label(key) == nil
      }
    }
  }

  /// The parts between commas; those in parentheses separate values.
  private static func parts(of text: String) throws(ResourceError) -> [String] {
    var parts: [String] = []
    var part = ""
    var depth = 0
    for character in text {
      switch character {
      case "(": depth += 1
      case ")": depth -= 1
      default: break
      }
      guard (0...1).contains(depth) else {
        throw ResourceError("the parentheses of label selector '\(text.shown)' don't go together")
      }
      if character == ",", depth == 0 {
        parts.append(part)
        part = ""
      } else {
        part.append(character)
      }
    }
    guard depth == 0 else {
      throw ResourceError("label selector '\(text.shown)' has a '(' without its ')'")
    }
    if parts.isEmpty, part.trimmed.isEmpty { return [] }
    return parts + [part]
  }

  private static func requirement(_ part: String) throws(ResourceError) -> Requirement {
    let text = part.trimmed
    if text.hasPrefix("!"), !text.contains("=") { return .isAbsent(try key(text.dropFirst(), in: text)) }
    if let open = text.firstIndex(of: "(") {
      let words = text[..<open].split(separator: " ")
      guard text.hasSuffix(")"), words.count == 2, words[1] == "in" || words[1] == "notin" else {
        throw ResourceError("'\(text.shown)' isn't a set: write KEY in (A,B) or KEY notin (A,B)")
      }
      let inside = text[text.index(after: open)...].dropLast()
      let values = inside.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed }
      let key = try key(words[0], in: text)
      return words[1] == "in" ? .isOneOf(key, values) : .isNoneOf(key, values)
    }
    guard let equals = text.firstIndex(of: "=") else {
      let words = text.split(separator: " ")
      guard words.count <= 1 else {
        throw ResourceError("'\(text.shown)' isn't understood: write KEY=VALUE, KEY, !KEY or KEY in (A,B)")
      }
      return .exists(try key(text[...], in: text))
    }
    var name = text[..<equals]
    var value = text[text.index(after: equals)...]
    let isUnequal = name.hasSuffix("!")
    if isUnequal { name = name.dropLast() } else if value.hasPrefix("=") { value = value.dropFirst() }
    guard !value.contains("=") else {
      throw ResourceError("'\(text.shown)' has two operators: separate requirements with commas")
    }
    let key = try key(name, in: text)
    return isUnequal ? .isNoneOf(key, [value.trimmed]) : .isOneOf(key, [value.trimmed])
  }

  private static func key(_ text: Substring, in part: String) throws(ResourceError) -> String {
    let key = text.trimmed
    guard !key.isEmpty else {
      throw ResourceError("'\(part.shown)' has no label's name: write KEY=VALUE, KEY, !KEY or KEY in (A,B)")
    }
    guard !key.contains(where: { " !=()".contains($0) }) else {
      throw ResourceError("'\(key.shown)' isn't a label's name: it has no blanks and none of !=()")
    }
    return key
  }
}

extension StringProtocol {
  /// The text without blanks around it.
  var trimmed: String {
    let start = drop { $0 == " " || $0 == "\t" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
