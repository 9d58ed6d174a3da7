/// A JSONPath template in kubectl's dialect, as `talosctl get -o jsonpath=` takes it too: text with
/// expressions in braces, `{.metadata.id}: {.spec.addresses[0]}`.
///
/// An expression is a path from the resource (`$`, or nothing) or from what a filter or range looks at
/// (`@`): `.field`, `['field']`, `[0]`, `[-1]`, `[start:end:step]`, `[*]`, `.*`, `..field`, unions such as
/// `['a','b']` and filters such as `[?(@.port == 6443)]`. `{range PATH}` … `{end}` repeats what is in
/// between, and a quoted text such as `{"\n"}` stands for itself. What isn't there finds nothing.
public struct JSONPathTemplate: Hashable, Sendable {
  /// The template as it was written.
  public let source: String
  let parts: [JSONPathPart]

  /// The most characters that a template may have.
  public static let maximumLength = 8192

  /// The template written as `source`, in which an expression alone needs no braces: `.metadata.id`.
  ///
  /// - Throws: ``ResourceError`` with the column, counted from 1, and what would be right.
  public init(relaxed source: String) throws(ResourceError) {
    guard source.count <= Self.maximumLength else {
      throw ResourceError("a jsonpath expression has at most \(Self.maximumLength) characters")
    }
    self.source = source
    var parser = JSONPathParser(source)
    parts = try source.contains("{") ? parser.template() : [parser.bareExpression()]
  }

  /// What the template finds in `value`, ended by a line break.
  ///
  /// An expression alone prints each result on a line of its own, lists and fields as indented JSON. Among
  /// other text, results are separated by spaces, lists and fields are JSON on one line.
  public func text(of value: ResourceValue) throws(ResourceError) -> String {
    try result(of: value, size: 1).text
  }

  /// ``text(of:)``, and whether any path of the template found something.
  ///
  /// - Parameter size: how many resources `value` is made of: what may be looked at grows with it.
  package func result(of value: ResourceValue, size: Int) throws(ResourceError) -> (
    text: String, hasMatched: Bool
  ) {
    var evaluator = JSONPathEvaluator(root: value, size: size)
    if case .expression(let path)? = parts.first, parts.count == 1 {
      var lines = ""
      let results = try evaluator.results(of: path, at: value)
      for result in results { lines += (result.scalarText?.shown ?? JSONText.pretty(result)) + "\n" }
      return (lines, !results.isEmpty)
    }
    let text = try evaluator.text(of: parts, at: value)
    let hasMatched = evaluator.hasMatched || !parts.contains(where: \.isPath)
    return (text.hasSuffix("\n") || text.isEmpty ? text : text + "\n", hasMatched)
  }

  /// All that the template's paths find in `value`, one after the other.
  package func values(in value: ResourceValue) throws(ResourceError) -> [ResourceValue] {
    var evaluator = JSONPathEvaluator(root: value, size: 1)
    var values: [ResourceValue] = []
    for part in parts {
      if case .expression(let path) = part { values += try evaluator.results(of: path, at: value) }
    }
    return values
  }

  /// Whether the template is meant for a list of resources: a path of it begins with `.items`, as kubectl's do.
  package var isOfList: Bool { parts.contains { $0.path?.beginsWithItems == true } }
}

/// A part of a template.
indirect enum JSONPathPart: Hashable, Sendable {
  case text(String)
  case expression(JSONPath)
  case range(JSONPath, [JSONPathPart])

  /// The path that it follows; nil for text.
  var path: JSONPath? {
    switch self {
    case .text: nil
    case .expression(let path), .range(let path, _): path
    }
  }

  var isPath: Bool { path != nil }
}

/// A path: where it starts, and its steps.
struct JSONPath: Hashable, Sendable {
  enum Start: Hashable, Sendable {
    /// `$`
    case root
    /// `@`, or nothing.
    case current
  }

  var start: Start
  var steps: [JSONPathStep]

  /// Whether the first step is to the field `items`.
  var beginsWithItems: Bool {
    switch steps.first {
    case .field("items"), .quotedField("items"): true
    default: false
    }
  }
}

/// One step of a path: from each value to some of what it holds.
indirect enum JSONPathStep: Hashable, Sendable {
  case field(String)
  /// A name in brackets, which may also be a path of names: `['metadata.id']`.
  case quotedField(String)
  case index(Int)
  case slice(start: Int?, end: Int?, step: Int)
  case wildcard
  /// All that the value holds, at any depth, itself first.
  case descent
  case union([JSONPathStep])
  case filter(JSONPathFilter)
}

/// What a filter asks of each item.
enum JSONPathFilter: Hashable, Sendable {
  case exists(JSONPath)
  case comparison(Operand, Operator, Operand)

  enum Operand: Hashable, Sendable {
    case path(JSONPath)
    case literal(ResourceValue)
  }

  enum Operator: String, Hashable, Sendable {
    case equal = "==", notEqual = "!="
    case lessOrEqual = "<=", greaterOrEqual = ">="
    case less = "<", greater = ">"

    /// In an order in which a longer operator comes before its beginning.
    static let all: [Operator] = [.equal, .notEqual, .lessOrEqual, .greaterOrEqual, .less, .greater]
  }
}
