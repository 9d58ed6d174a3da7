import Documents

/// The JSON Schema of a plugin's options, in the subset that `registry_plugin.h` lists.
///
/// An object's properties are the only ones that it takes unless `additionalProperties` says otherwise. A
/// keyword that isn't in the subset is an error, not ignored: its author believes that it is checked.
public struct OptionsSchema: Hashable, Sendable {
  let root: SchemaNode

  /// The schema that `json` holds.
  ///
  /// - Throws: ``OptionsSchemaError`` that names the place in the schema and what would be right.
  public init(json: String) throws(OptionsSchemaError) {
    let stream: YAMLStream
    do {
      stream = try YAML.parse(
        json.utf8, file: "options schema", limits: YAMLLimits(size: 1 << 20, nodes: 50_000))
    } catch {
      throw OptionsSchemaError("\(error.mark.line):\(error.mark.column): \(error.message)")
    }
    if let duplicate = stream.duplicateKeys.first { throw OptionsSchemaError(duplicate.message) }
    guard let document = stream.documents.first, stream.documents.count == 1 else {
      throw OptionsSchemaError("it must be one JSON object")
    }
    root = try SchemaReader().read(document, path: "")
    guard root.types == [.object] else { throw OptionsSchemaError("its type must be 'object'") }
    for property in root.properties where ConfigurationKeys.registry.contains(property.name) {
      throw OptionsSchemaError(
        "properties.\(property.name): this key is the host's own for every registry; choose another name")
    }
  }

  /// The options, in the order of the schema, for people.
  public var options: [Option] {
    root.properties.map { name, schema in
      Option(
        name: name, types: schema.types.map(\.rawValue), isRequired: root.required.contains(name),
        defaultValue: schema.defaultValue.map { YAML.json(of: $0) }, summary: schema.summary,
        isSecret: schema.isSecret, format: schema.format?.rawValue, choices: schema.choices)
    }
  }

  /// One option of a plugin.
  public struct Option: Hashable, Sendable {
    public let name: String
    /// JSON's names of types; empty: any.
    public let types: [String]
    public let isRequired: Bool
    /// As JSON; nil where there is none.
    public let defaultValue: String?
    public let summary: String?
    /// Whether it is never shown.
    public let isSecret: Bool
    public let format: String?
    /// The values that it may have, as JSON; nil: any.
    public let choices: [String]?
  }
}

/// Why a text isn't a schema of options.
public struct OptionsSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String

  init(_ message: String) { self.message = "the options schema is wrong: \(message)" }

  public var description: String { message }
}

/// A schema within a schema.
struct SchemaNode: Hashable, Sendable {
  enum ValueType: String, CaseIterable {
    case object, array, string, integer, number, boolean, null
  }

  /// What is asked of things that aren't named one by one.
  indirect enum Rule: Hashable, Sendable {
    case none
    case any
    case schema(SchemaNode)
  }

  struct Property: Hashable, Sendable {
    var name: String
    var schema: SchemaNode
  }

  /// Empty: any.
  var types: [ValueType] = []
  var properties: [(name: String, schema: SchemaNode)] { propertyList.map { ($0.name, $0.schema) } }
  var propertyList: [Property] = []
  var required: [String] = []
  var additionalProperties = Rule.none
  var items = Rule.any
  /// As JSON with sorted keys.
  var choices: [String]?
  var minimum: Double?
  var maximum: Double?
  var minLength: Int?
  var maxLength: Int?
  var minItems: Int?
  var maxItems: Int?
  var defaultValue: YAMLNode?
  var summary: String?
  var isSecret = false
  var format: OptionFormat?
}
