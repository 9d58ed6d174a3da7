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
    var evaluator = JSONPathEvaluator(root: value)
    if case .expression(let path)? = parts.first, parts.count == 1 {
      var lines = ""
      for result in try evaluator.results(of: path, at: value) {
        lines += (result.scalarText?.shown ?? JSONText.pretty(result)) + "\n"
      }
      return lines
    }
    let text = try evaluator.text(of: parts, at: value)
    return text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
  }
}

/// A part of a template.
indirect enum JSONPathPart: Hashable, Sendable {
  case text(String)
  case expression(JSONPath)
  case range(JSONPath, [JSONPathPart])
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
