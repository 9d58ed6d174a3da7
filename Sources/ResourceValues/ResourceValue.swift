public import ClusterModel
import Platform

/// A part of a resource as programs see it: the tree that YAML, JSON and JSONPath share.
public enum ResourceValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case text(String)
  case time(Timestamp)
  /// A moment that is shown with all that is known of it.
  case preciseTime(PreciseTime)
  case list([ResourceValue])
  /// In the order in which YAML shows it.
  case fields([Field])

  /// One entry of ``fields(_:)``.
  public struct Field: Hashable, Sendable {
    /// The field's name, as it is written.
    public let name: String
    /// What the field holds.
    public let value: ResourceValue

    /// The field called `name`.
    public init(_ name: String, _ value: ResourceValue) {
      self.name = name
      self.value = value
    }
  }

  /// The fields of `fields` that have a value, in order.
  public static func present(_ fields: [(name: String, value: ResourceValue?)]) -> ResourceValue {
    .fields(fields.compactMap { field in field.value.map { Field(field.name, $0) } })
  }

  /// The value of the field `name`, or nil where there is none.
  public subscript(name: String) -> ResourceValue? {
    guard case .fields(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }

  /// The value that the fields `path` lead to, one within the other; nil where one of them is missing.
  public func at(_ path: String...) -> ResourceValue? {
    var value = self
    for name in path {
      guard let next = value[name] else { return nil }
      value = next
    }
    return value
  }

  /// The items of a list; nothing for anything else.
  public var items: [ResourceValue] {
    guard case .list(let items) = self else { return [] }
    return items
  }

  /// A text; nil for anything else.
  public var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  /// A whole number; nil for anything else.
  public var integer: Int64? {
    guard case .integer(let value) = self else { return nil }
    return value
  }

  /// True or false; nil for anything else.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// A moment, also one that is written as text (RFC 3339); nil for anything else.
  public var time: Timestamp? {
    switch self {
    case .time(let time): time
    case .preciseTime(let time): time.timestamp
    case .text(let text): Timestamp(rfc3339: text)
    default: nil
    }
  }

  /// What the value holds, in order; nothing for a scalar.
  public var children: [ResourceValue] {
    switch self {
    case .list(let items): items
    case .fields(let fields): fields.map(\.value)
    case .null, .bool, .integer, .text, .time, .preciseTime: []
    }
  }

  /// A scalar as a person reads it, unquoted; nil for lists and fields.
  public var scalarText: String? {
    switch self {
    case .null: "null"
    case .bool(let value): String(value)
    case .integer(let value): String(value)
    case .text(let text): text
    case .time(let time): time.description
    case .preciseTime(let time): time.description
    case .list, .fields: nil
    }
  }

  /// The texts of `items`, each as it is written.
  public static func texts(_ items: some Sequence<some CustomStringConvertible>) -> ResourceValue {
    .list(items.map { .text($0.description) })
  }
}

extension ResourceValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(arrayLiteral elements: ResourceValue...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, ResourceValue)...) {
    self = .fields(elements.map { Field($0.0, $0.1) })
  }
}
