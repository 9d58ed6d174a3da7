/// The JSON Schema of a plugin's options, in the subset that `registry_plugin.h` lists.
///
/// An object's properties are the only ones that it takes unless `additionalProperties` says otherwise. A
/// keyword that isn't in the subset is an error, not ignored: its author believes that it is checked. A
/// `format` that isn't known is ignored, as JSON Schema has it.
public struct OptionsSchema: Hashable, Sendable {
  /// The keys of a registry's section that aren't options of its plugin.
  package static let reservedKeys = [
    "plugin", "disabled", "onFailure", "staleAfter", "missingGrace", "expect", "lease", "match", "alone",
    "isolate",
  ]

  package let root: SchemaNode

  init(root: SchemaNode) { self.root = root }

  /// The schema that `json` holds.
  ///
  /// - Throws: ``OptionsSchemaError`` that names the place in the schema and what would be right.
  public init(json: String) throws(OptionsSchemaError) {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValueReader.read(json)
    } catch {
      throw OptionsSchemaError(error.description)
    }
    root = try SchemaReader().read(value, path: "")
    guard root.types == [.object] else { throw OptionsSchemaError("its type must be 'object'") }
    for property in root.properties where Self.reservedKeys.contains(property.name) {
      throw OptionsSchemaError(
        "properties.\(property.name): this key is the host's own for every registry; choose another name")
    }
  }

  /// The schema as JSON text; the same each time.
  public var json: String { root.json.description }

  /// The options, in the order of the schema, those within others after them.
  public var options: [Option] { Self.options(of: root, in: "") }

  private static func options(of schema: SchemaNode, in path: String) -> [Option] {
    schema.properties.flatMap { property in
      let name = path.isEmpty ? property.name : "\(path).\(property.name)"
      let option = Option(
        property.schema, name: name, isRequired: schema.required.contains(property.name))
      let item = property.schema.itemSchema
      return [option] + options(of: property.schema, in: name)
        + (item.map { options(of: $0, in: "\(name)[]") } ?? [])
    }
  }

  /// The options as a table in Markdown, for a plugin's README: a row each, the same each time.
  public var markdownTable: String {
    func cell(_ text: String) -> String { text.isEmpty ? "" : " \(text.replacing("|", with: "\\|"))" }
    let rows = options.map { option in
      let standard = option.isRequired ? "required" : option.defaultText.map { "`\($0)`" } ?? ""
      return "| `\(option.name)` |\(cell(option.type)) |\(cell(standard)) |\(cell(option.summary ?? "")) |\n"
    }
    return "| option | type | default | description |\n|---|---|---|---|\n" + rows.joined()
  }

  /// One option of a plugin.
  public struct Option: Hashable, Sendable {
    /// Its key; for one within another `tls.caFile`, for one of a list's items `hosts[].port`.
    public let name: String
    /// What a person may write: "duration, 100ms to 1d", "list of text", "auto, yaml, json".
    public let type: String
    /// Whether it has to be written.
    public let isRequired: Bool
    /// What counts where it isn't there, as JSON; nil where there is nothing. Never a secret's.
    public let defaultValue: String?
    /// ``defaultValue`` as a person writes it.
    public let defaultText: String?
    /// What it is for, in one line; nil where the schema doesn't say.
    public let summary: String?
    /// Whether it is never shown.
    public let isSecret: Bool

    init(_ schema: SchemaNode, name: String, isRequired: Bool) {
      let standard = schema.isSecret || schema.defaultValue == .object([]) ? nil : schema.defaultValue
      self.name = name
      self.isRequired = isRequired
      type = schema.typeText
      defaultValue = standard?.description
      defaultText = standard?.plainText
      summary = schema.summary
      isSecret = schema.isSecret
    }
  }
}

extension OptionsSchema {
  /// `options`, a JSON object, with every option that isn't there and has a default: its own keys first, in
  /// their order, then the defaults in the schema's.
  ///
  /// A default within an object counts where that object is there. A duration that is written as the number 0
  /// becomes text, as the schema has it. What is wrong in `options` stays as it is.
  ///
  /// - Throws: where `options` isn't a JSON object.
  public func fillingDefaults(in options: String) throws(RegistryError) -> String {
    fillingDefaults(in: try Self.object(options)).description
  }

  /// ``fillingDefaults(in:)-(String)`` of a value.
  package func fillingDefaults(in options: JSONValue) -> JSONValue { root.fillingDefaults(in: options) }

  /// What is wrong with `options`, a JSON object, by the schema: a line each, which names the option.
  ///
  /// - Throws: where `options` isn't a JSON object.
  public func problems(in options: String) throws(RegistryError) -> [String] {
    root.problems(in: try Self.object(options)).map(\.message)
  }

  /// The object that `json` writes.
  package static func object(_ json: String) throws(RegistryError) -> JSONValue {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValueReader.read(json)
    } catch {
      throw RegistryError(.invalidArgument, "the options aren't JSON: \(error)")
    }
    guard value.members != nil else {
      throw RegistryError(
        .invalidArgument, "the options must be a JSON object, not \(value.written.kindName)")
    }
    return value
  }
}

extension SchemaNode {
  fileprivate func fillingDefaults(in value: JSONValue) -> JSONValue {
    switch value {
    case .list(let items):
      guard let schema = itemSchema else { return value }
      return .list(items.map { schema.fillingDefaults(in: $0) })
    case .object(var members):
      for index in members.indices {
        guard let schema = schema(of: members[index].key) else { continue }
        members[index].value = schema.fillingDefaults(in: members[index].value)
      }
      for property in properties where !members.contains(where: { $0.key == property.name }) {
        guard let standard = property.schema.defaultValue else { continue }
        members.append(JSONValue.Member(property.name, property.schema.fillingDefaults(in: standard)))
      }
      return .object(members)
    case .null, .bool, .number, .text: return meant(by: value)
    }
  }
}

/// Why a text isn't a schema of options.
public struct OptionsSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The place in the schema and what would be right.
  package let reason: String

  init(_ reason: String) { self.reason = reason }

  /// One line that names the place in the schema and what would be right.
  public var message: String { "the options schema is wrong: \(reason)" }
  public var description: String { message }
}
