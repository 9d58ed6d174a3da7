import Platform

/// A schema of one value: JSON Schema in the subset that `registry_plugin.h` lists.
package struct SchemaNode: Hashable, Sendable {
  package enum ValueType: String, CaseIterable, Sendable {
    case object, array, string, integer, number, boolean, null

    /// What a value of this type is.
    package var expectation: String {
      switch self {
      case .object: "a mapping"
      case .array: "a list"
      case .string: "text"
      case .integer: "a whole number"
      case .number: "a number"
      case .boolean: "true or false"
      case .null: "empty"
      }
    }

    /// What people call it.
    fileprivate var name: String {
      switch self {
      case .object: "mapping"
      case .array: "list"
      case .integer: "whole number"
      case .number: "number"
      case .string, .boolean, .null: expectation
      }
    }
  }

  /// What is asked of things that aren't named one by one.
  package indirect enum Rule: Hashable, Sendable {
    case none
    case any
    case schema(SchemaNode)
  }

  package struct Property: Hashable, Sendable {
    package var name: String
    package var schema: SchemaNode
  }

  /// Empty: any.
  package var types: [ValueType] = []
  /// In the order of the schema.
  package var properties: [Property] = []
  package var required: [String] = []
  package var additionalProperties = Rule.none
  package var items = Rule.any
  /// nil: any. Otherwise not empty.
  package var choices: [JSONValue]?
  /// Of a number; of a duration in seconds.
  package var minimum: Double?
  /// Of a number; of a duration in seconds.
  package var maximum: Double?
  package var minLength: Int?
  package var maxLength: Int?
  package var minItems: Int?
  package var maxItems: Int?
  package var defaultValue: JSONValue?
  package var summary: String?
  package var isSecret = false
  /// What the schema calls it. One that isn't among ``OptionFormat`` isn't checked.
  package var formatName: String?

  /// The format of a file that a registry reads. It asks nothing of the text.
  package static let pathFormat = "path"
  /// The format of files that say which nodes there are.
  package static let dataPathFormat = "data-path"

  package var format: OptionFormat? { formatName.flatMap(OptionFormat.init) }

  package init(_ types: ValueType..., format: OptionFormat? = nil) {
    self.types = types
    formatName = format?.rawValue
  }

  /// The schema of the property `name`, where it is among the named ones.
  package func property(_ name: String) -> SchemaNode? { properties.first { $0.name == name }?.schema }

  /// The schema of what stands under `key`, named or not; nil where nothing is asked of it.
  package func schema(of key: String) -> SchemaNode? {
    if let property = property(key) { return property }
    if case .schema(let schema) = additionalProperties { return schema }
    return nil
  }

  /// The schema of a list's items; nil where nothing is asked of them.
  package var itemSchema: SchemaNode? { if case .schema(let schema) = items { schema } else { nil } }
}

extension SchemaNode {
  /// `value` as the schema means it: a duration of zero needs neither a unit nor quotes.
  func meant(by value: JSONValue) -> JSONValue {
    value == .number("0") && types == [.string] && format == .duration ? .text("0") : value
  }

  /// The schema as JSON, its keywords always in the same order.
  var json: JSONValue {
    var members: [JSONValue.Member] = []
    func add(_ keyword: String, _ value: JSONValue?) {
      if let value { members.append(JSONValue.Member(keyword, value)) }
    }
    switch types.count {
    case 0: break
    case 1: add("type", .text(types[0].rawValue))
    default: add("type", .list(types.map { .text($0.rawValue) }))
    }
    add("format", formatName.map { .text($0) })
    add("enum", choices.map { .list($0) })
    add("minimum", minimum.map { .number($0) })
    add("maximum", maximum.map { .number($0) })
    add("minLength", minLength.map { .integer($0) })
    add("maxLength", maxLength.map { .integer($0) })
    add("minItems", minItems.map { .integer($0) })
    add("maxItems", maxItems.map { .integer($0) })
    add("items", itemSchema?.json)
    add("default", defaultValue)
    if isSecret { add("writeOnly", .bool(true)) }
    add("description", summary.map { .text($0) })
    if !properties.isEmpty {
      add("properties", .object(properties.map { JSONValue.Member($0.name, $0.schema.json) }))
    }
    if !required.isEmpty { add("required", .list(required.map { .text($0) })) }
    switch additionalProperties {
    case .none where types.contains(.object): add("additionalProperties", .bool(false))
    case .none: break
    case .any: add("additionalProperties", .bool(true))
    case .schema(let schema): add("additionalProperties", schema.json)
    }
    return .object(members)
  }

  /// What people call a value of this schema: "duration, 100ms to 1d", "list of URLs".
  var typeText: String {
    var text = typeName
    if choices == nil {
      switch (minimum.map(numberText), maximum.map(numberText)) {
      case (let low?, let high?): text += ", \(low) to \(high)"
      case (let low?, nil): text += ", at least \(low)"
      case (nil, let high?): text += ", at most \(high)"
      case (nil, nil): break
      }
      if let maxItems { text += ", at most \(maxItems)" }
    }
    return isSecret ? text + ", secret" : text
  }

  private var typeName: String {
    if let choices { return choices.map(\.plainText).joined(separator: ", ") }
    if types == [.string], let format { return format.name }
    if types == [.array], let item = itemSchema { return "list of \(item.typeName)" }
    if types == [.object], properties.isEmpty, case .schema(let value) = additionalProperties {
      return "mapping to \(value.typeName)"
    }
    return types.isEmpty ? "any" : types.map(\.name).joined(separator: " or ")
  }

  /// ``minimum`` or ``maximum`` as a person writes it.
  func numberText(_ bound: Double) -> String {
    // Within what a Duration holds, whatever a foreign schema says.
    if format == .duration { return DurationText.text(of: .seconds(min(max(bound, 0), 1e10))) }
    return JSONValue.number(bound).description
  }
}

extension JSONValue {
  /// The value as a person writes it: text without the quotes that it has in JSON.
  var plainText: String { text ?? description }
}
