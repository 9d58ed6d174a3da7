import Documents
import Platform

/// Reads a schema, strictly.
struct SchemaReader {
  private static let keywords = [
    "type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
    "minLength",
    "maxLength", "minItems", "maxItems", "default", "description", "writeOnly", "format",
  ]

  func read(_ node: YAMLNode, path: String) throws(OptionsSchemaError) -> SchemaNode {
    guard let pairs = node.pairs else {
      throw wrong(path, "a schema must be an object, not \(node.kindName)")
    }
    var schema = SchemaNode()
    for pair in pairs {
      try read(pair, at: path.isEmpty ? pair.key : "\(path).\(pair.key)", into: &schema)
    }
    try checkRanges(schema, path)
    if schema.additionalProperties == .none,
      let unknown = schema.required.first(where: { name in !schema.properties.contains { $0.name == name } })
    {
      throw wrong(path, "'\(unknown)' is required and isn't among the properties")
    }
    if let value = schema.defaultValue {
      let check = OptionsValidation(file: "", reserved: [])
      if let error = check.errors(value, schema, path: "default").first { throw wrong(path, error.message) }
    }
    return schema
  }

  private func read(_ pair: YAMLPair, at path: String, into schema: inout SchemaNode)
    throws(OptionsSchemaError)
  {
    let value = pair.value
    switch pair.key {
    case "type": schema.types = try types(value, path)
    case "properties":
      guard let pairs = value.pairs else { throw wrong(path, "it must be an object") }
      for property in pairs {
        schema.propertyList.append(
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
      schema.choices = items.map { YAML.json(of: $0.sorted) }
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
    case "format":
      let name = try text(value, path)
      guard let format = OptionFormat(rawValue: name) else {
        throw wrong(
          path, "there is no format \(quoted(name)); the formats are \(Self.list(OptionFormat.allCases))")
      }
      schema.format = format
    default:
      let advice =
        nearMiss(of: pair.key, among: Self.keywords).map { "did you mean '\($0)'?" }
        ?? "those that are checked are \(Self.keywords.joined(separator: ", "))"
      throw wrong(path, "unknown keyword; \(advice)")
    }
  }

  private func types(_ node: YAMLNode, _ path: String) throws(OptionsSchemaError) -> [SchemaNode.ValueType] {
    let names = node.items == nil ? [try text(node, path)] : try texts(node, path)
    var types: [SchemaNode.ValueType] = []
    for name in names {
      guard let type = SchemaNode.ValueType(rawValue: name) else {
        throw wrong(
          path, "there is no type \(quoted(name)); the types are \(Self.list(SchemaNode.ValueType.allCases))")
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

  private func text(_ node: YAMLNode, _ path: String) throws(OptionsSchemaError) -> String {
    guard let text = node.string else { throw wrong(path, "it must be text, not \(node.kindName)") }
    return text
  }

  private func texts(_ node: YAMLNode, _ path: String) throws(OptionsSchemaError) -> [String] {
    guard let items = node.items else { throw wrong(path, "it must be a list, not \(node.kindName)") }
    var texts: [String] = []
    for item in items { texts.append(try text(item, path)) }
    return texts
  }

  private func number(_ node: YAMLNode, _ path: String) throws(OptionsSchemaError) -> Double {
    guard let number = node.double, number.isFinite else { throw wrong(path, "it must be a number") }
    return number
  }

  private func count(_ node: YAMLNode, _ path: String) throws(OptionsSchemaError) -> Int {
    guard let count = node.int, count >= 0 else { throw wrong(path, "it must be a whole number from 0") }
    return count
  }

  private func wrong(_ path: String, _ message: String) -> OptionsSchemaError {
    OptionsSchemaError(path.isEmpty ? message : "\(path): \(message)")
  }

  private static func list<Value: RawRepresentable<String>>(_ values: [Value]) -> String {
    values.map(\.rawValue).joined(separator: ", ")
  }
}
