import ClusterModel
import Platform

/// Reads a schema, strictly.
struct SchemaReader {
  private static let keywords = [
    "type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
    "minLength", "maxLength", "minItems", "maxItems", "default", "description", "writeOnly", "format",
  ]

  func read(_ value: JSONValue, path: String) throws(OptionsSchemaError) -> SchemaNode {
    guard let members = value.members else {
      throw wrong(path, "a schema must be an object, not \(value.written.kindName)")
    }
    var schema = SchemaNode()
    for member in members {
      try read(member, at: path.isEmpty ? member.key : "\(path).\(member.key)", into: &schema)
    }
    try checkRanges(schema, path)
    if schema.additionalProperties == .none,
      let unknown = schema.required.first(where: { schema.property($0) == nil })
    {
      throw wrong(path, "'\(unknown)' is required and isn't among the properties")
    }
    if let value = schema.defaultValue, let problem = schema.problems(in: value).first {
      throw wrong(path, problem.message(of: "default"))
    }
    return schema
  }

  private func read(
    _ member: JSONValue.Member, at path: String, into schema: inout SchemaNode
  ) throws(OptionsSchemaError) {
    let value = member.value
    switch member.key {
    case "type": schema.types = try types(value, path)
    case "properties":
      guard let members = value.members else { throw wrong(path, "it must be an object") }
      for property in members {
        schema.properties.append(
          SchemaNode.Property(
            name: property.key, schema: try read(property.value, path: "\(path).\(property.key)")))
      }
    case "required": schema.required = try texts(value, path)
    case "additionalProperties":
      if let isAllowed = value.bool {
        schema.additionalProperties = isAllowed ? .any : .none
      } else {
        schema.additionalProperties = .schema(try read(value, path: path))
      }
    case "items": schema.items = .schema(try read(value, path: path))
    case "enum":
      guard let items = value.items, !items.isEmpty else { throw wrong(path, "it must be a list with items") }
      schema.choices = items
    case "minimum": schema.minimum = try number(value, path)
    case "maximum": schema.maximum = try number(value, path)
    case "minLength": schema.minLength = try count(value, path)
    case "maxLength": schema.maxLength = try count(value, path)
    case "minItems": schema.minItems = try count(value, path)
    case "maxItems": schema.maxItems = try count(value, path)
    case "default": schema.defaultValue = value
    case "description": schema.summary = try text(value, path)
    case "writeOnly":
      guard let isSecret = value.bool else { throw wrong(path, "it must be true or false") }
      schema.isSecret = isSecret
    // JSON Schema leaves it to everybody which formats to check: one that isn't known asks for nothing.
    case "format": schema.formatName = try text(value, path)
    default:
      let advice =
        didYouMean(member.key, among: Self.keywords)
        ?? "those that are checked are \(Self.keywords.joined(separator: ", "))"
      throw wrong(path, "unknown keyword; \(advice)")
    }
  }

  private func types(
    _ value: JSONValue, _ path: String
  ) throws(OptionsSchemaError) -> [SchemaNode.ValueType] {
    let names = value.items == nil ? [try text(value, path)] : try texts(value, path)
    var types: [SchemaNode.ValueType] = []
    for name in names {
      guard let type = SchemaNode.ValueType(rawValue: name) else {
        let known = SchemaNode.ValueType.allCases.map(\.rawValue).joined(separator: ", ")
        throw wrong(path, "there is no type \(quoted(name)); the types are \(known)")
      }
      if !types.contains(type) { types.append(type) }
    }
    if types.isEmpty { throw wrong(path, "it must name a type") }
    return types
  }

  private func checkRanges(_ schema: SchemaNode, _ path: String) throws(OptionsSchemaError) {
    if let low = schema.minimum, let high = schema.maximum, low > high {
      throw wrong(path, "minimum is above maximum")
    }
    for (low, high, what) in [
      (schema.minLength, schema.maxLength, "Length"), (schema.minItems, schema.maxItems, "Items"),
    ] {
      if let low, let high, low > high { throw wrong(path, "min\(what) is above max\(what)") }
    }
  }

  private func text(_ value: JSONValue, _ path: String) throws(OptionsSchemaError) -> String {
    guard let text = value.text else { throw wrong(path, "it must be text, not \(value.written.kindName)") }
    return text
  }

  private func texts(_ value: JSONValue, _ path: String) throws(OptionsSchemaError) -> [String] {
    guard let items = value.items else {
      throw wrong(path, "it must be a list, not \(value.written.kindName)")
    }
    var texts: [String] = []
    for item in items { texts.append(try text(item, path)) }
    return texts
  }

  private func number(_ value: JSONValue, _ path: String) throws(OptionsSchemaError) -> Double {
    guard let number = value.number else { throw wrong(path, "it must be a number") }
    return number
  }

  private func count(_ value: JSONValue, _ path: String) throws(OptionsSchemaError) -> Int {
    guard let count = value.integer, count >= 0 else { throw wrong(path, "it must be a whole number from 0") }
    return count
  }

  private func wrong(_ path: String, _ message: String) -> OptionsSchemaError {
    OptionsSchemaError(path.isEmpty ? message : "\(path): \(message)")
  }
}
