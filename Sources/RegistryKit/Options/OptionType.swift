public import ClusterModel
public import FoundationEssentials
import Platform

/// What a person may write for an option, and the value that it becomes.
///
/// | written | type | value |
/// |---|---|---|
/// | text | `.text` | `String` |
/// | one of several words | `.choice` | an enum of strings |
/// | `true` or `false` | `.flag` | `Bool` |
/// | a number | `.integer`, `.number` | an integer, `Double` |
/// | `1h30m` | `.duration` | `Duration` |
/// | `10.5.0.2` | `.ip` | `IPAddress` |
/// | `10.244.1.0/24` | `.cidr` | `IPPrefix` |
/// | `10.5.0.2:51820` | `.endpoint` | `IPEndpoint` |
/// | `https://host/` | `.uri` | `String` or `URL` |
/// | a secret | `.secret`, `.base64` | ``Secret``, ``SecretBytes`` |
/// | a list | `.list(of:)` | an array |
/// | a mapping | `.map(of:)`, `.object` | a dictionary, ``RegistryOptions`` |
public struct OptionType<Value: Sendable>: Sendable {
  /// Without summary and default.
  let schema: SchemaNode
  /// The value of JSON that is right by ``schema``.
  let read: @Sendable (JSONValue) throws(OptionProblem) -> Value
  let write: @Sendable (Value) -> JSONValue
  /// What the value of a property is in JSON that nobody has given one, as required options within it lack theirs.
  let placeholder: JSONValue?

  init(
    _ schema: SchemaNode, read: @escaping @Sendable (JSONValue) throws(OptionProblem) -> Value,
    write: @escaping @Sendable (Value) -> JSONValue, placeholder: JSONValue? = nil
  ) {
    self.placeholder = placeholder
    self.schema = schema
    self.read = read
    self.write = write
  }

  /// What `convert` makes of the JSON; where that is nothing it isn't what `schema` says.
  private init(
    _ schema: SchemaNode, _ convert: @escaping @Sendable (JSONValue) -> Value?,
    write: @escaping @Sendable (Value) -> JSONValue
  ) {
    self.init(
      schema,
      read: { (value) throws(OptionProblem) in
        if let converted = convert(value) { return converted }
        let expected =
          schema.format?.expectation ?? schema.types.map(\.expectation).joined(separator: " or ")
        let isShown = !schema.isSecret && schema.format?.isShown ?? true
        throw OptionProblem(.wrong(value.written.mismatch(must: expected, isShown: isShown)))
      }, write: write)
  }

  func schema(_ summary: String) -> SchemaNode {
    var schema = self.schema
    schema.summary = summary
    return schema
  }
}

extension OptionType where Value == String {
  /// Any text.
  public static var text: OptionType { text(length: 0...Int.max) }

  /// Text of `length` characters.
  public static func text(length: ClosedRange<Int>) -> OptionType {
    var schema = SchemaNode(.string)
    schema.minLength = length.lowerBound > 0 ? length.lowerBound : nil
    schema.maxLength = length.upperBound < Int.max ? length.upperBound : nil
    return OptionType(schema, { $0.text }, write: { .text($0) })
  }

  /// A URL, as it is written. It may hold a password, and is left out of messages.
  public static var uri: OptionType {
    OptionType(SchemaNode(.string, format: .uri), { $0.text }, write: { .text($0) })
  }

  /// A file that the registry reads, relative to the folder of the configuration: `config check --data` finds out
  /// whether it can be read.
  public static var path: OptionType { path(called: SchemaNode.pathFormat) }

  /// A file that says which nodes there are, or a pattern of such files, relative to the folder of the configuration.
  /// `config check --data` runs a registry that has one until it has read them, so such a registry reads nothing but
  /// files.
  public static var dataPath: OptionType { path(called: SchemaNode.dataPathFormat) }

  /// A mapping of anything, as JSON text: for what the registry hands on without knowing it.
  public static var anyMapping: OptionType {
    var schema = SchemaNode(.object)
    schema.additionalProperties = .any
    return OptionType(
      schema, { $0.members == nil ? nil : $0.description },
      write: { (try? OptionsSchema.object($0)) ?? .object([]) })
  }

  private static func path(called format: String) -> OptionType {
    var schema = SchemaNode(.string)
    schema.formatName = format
    schema.minLength = 1
    schema.maxLength = 4096
    return OptionType(schema, { $0.text }, write: { .text($0) })
  }
}

extension OptionType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of the enum's raw values.
  public static var choice: OptionType {
    var schema = SchemaNode(.string)
    schema.choices = Value.allCases.map { .text($0.rawValue) }
    return OptionType(schema, { $0.text.flatMap(Value.init(rawValue:)) }, write: { .text($0.rawValue) })
  }
}

extension OptionType where Value == Bool {
  /// `true` or `false`.
  public static var flag: OptionType {
    OptionType(SchemaNode(.boolean), { $0.bool }, write: { .bool($0) })
  }
}

extension OptionType where Value: FixedWidthInteger {
  /// A whole number that the type holds.
  public static var integer: OptionType { integer(in: Value.min...Value.max) }

  /// A whole number in `range`.
  public static func integer(in range: ClosedRange<Value>) -> OptionType {
    var schema = SchemaNode(.integer)
    // What holds for any JSON number here needn't be said.
    if range.lowerBound > Int.min { schema.minimum = Double(range.lowerBound) }
    if range.upperBound < Int.max { schema.maximum = Double(range.upperBound) }
    return OptionType(
      schema, { $0.integer.flatMap { Value(exactly: $0) } }, write: { .integer($0) })
  }
}

extension OptionType where Value == Double {
  /// A number.
  public static var number: OptionType {
    OptionType(SchemaNode(.number), { $0.number }, write: { .number($0) })
  }

  /// A number in `range`.
  public static func number(in range: ClosedRange<Double>) -> OptionType {
    var schema = SchemaNode(.number)
    schema.minimum = range.lowerBound
    schema.maximum = range.upperBound
    return OptionType(schema, { $0.number }, write: { .number($0) })
  }
}

extension OptionType where Value == Duration {
  /// A duration such as `1h30m`, `1.5s`, `250ms`, `1d` or `0`; never negative. Other numbers need a unit.
  public static var duration: OptionType { duration(SchemaNode(.string, format: .duration)) }

  /// A duration in `range`.
  public static func duration(in range: ClosedRange<Duration>) -> OptionType {
    var schema = SchemaNode(.string, format: .duration)
    schema.minimum = range.lowerBound > .zero ? range.lowerBound / .seconds(1) : nil
    schema.maximum = range.upperBound / .seconds(1)
    return duration(schema)
  }

  private static func duration(_ schema: SchemaNode) -> OptionType {
    OptionType(
      schema, { try? DurationText.parse($0.plainText) },
      write: { .text(DurationText.text(of: $0)) })
  }
}

extension OptionType where Value: CustomStringConvertible {
  /// A value that is written as its description.
  fileprivate static func described(
    _ format: OptionFormat, _ parse: @escaping @Sendable (String) -> Value?
  ) -> OptionType {
    OptionType(
      SchemaNode(.string, format: format), { $0.text.flatMap(parse) }, write: { .text($0.description) })
  }
}

extension OptionType where Value == IPAddress {
  /// An IPv4 or IPv6 address.
  public static var ip: OptionType { described(.ip) { try? IPAddress($0) } }
}

extension OptionType where Value == IPPrefix {
  /// An address and how many of its bits count.
  public static var cidr: OptionType { described(.cidr) { try? IPPrefix($0) } }
}

extension OptionType where Value == IPEndpoint {
  /// An address and a port.
  public static var endpoint: OptionType { described(.endpoint) { try? IPEndpoint($0) } }
}

extension OptionType where Value == URL {
  /// A URL. It may hold a password, and is left out of messages.
  public static var uri: OptionType {
    OptionType(
      SchemaNode(.string, format: .uri), { $0.text.flatMap { URL(string: $0) } },
      write: { .text($0.absoluteString) })
  }
}

extension OptionType where Value == Secret {
  /// Text that is never shown.
  public static var secret: OptionType {
    var schema = SchemaNode(.string)
    schema.isSecret = true
    return OptionType(schema, { $0.text.map { Secret($0) } }, write: { .text($0.revealed) })
  }
}

extension OptionType where Value == SecretBytes {
  /// Bytes that are never shown, as base64.
  public static var base64: OptionType {
    var schema = SchemaNode(.string, format: .base64)
    schema.isSecret = true
    return OptionType(
      schema, { $0.text.flatMap { Base64.decodeLines($0) }.map { SecretBytes($0) } },
      write: { .text(Base64.encode($0.revealed)) })
  }
}

extension OptionType {
  /// A list of `count` values of a type.
  public static func list<Item>(
    of type: OptionType<Item>, count: ClosedRange<Int> = 0...Int.max
  ) -> OptionType where Value == [Item] {
    var schema = SchemaNode(.array)
    schema.items = .schema(type.schema)
    schema.isSecret = type.schema.isSecret
    schema.minItems = count.lowerBound > 0 ? count.lowerBound : nil
    schema.maxItems = count.upperBound < Int.max ? count.upperBound : nil
    return OptionType(
      schema,
      read: { (value) throws(OptionProblem) in
        var items: [Item] = []
        for (index, item) in (value.items ?? []).enumerated() {
          items.append(
            try OptionProblem.within(.index(index)) { () throws(OptionProblem) in try type.read(item) })
        }
        return items
      }, write: { .list($0.map(type.write)) })
  }

  /// Values of a type by keys of a person's choice.
  public static func map<Item>(of type: OptionType<Item>) -> OptionType where Value == [String: Item] {
    var schema = SchemaNode(.object)
    schema.additionalProperties = .schema(type.schema)
    schema.isSecret = type.schema.isSecret
    return OptionType(
      schema,
      read: { (value) throws(OptionProblem) in
        var items: [String: Item] = [:]
        for member in value.members ?? [] {
          items[member.key] = try OptionProblem.within(.key(member.key)) { () throws(OptionProblem) in
            try type.read(member.value)
          }
        }
        return items
      },
      write: { items in
        .object(items.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, type.write($0.value)) })
      })
  }
}

extension OptionType where Value: RegistryOptions {
  /// Options within an option.
  public static var object: OptionType {
    OptionType(
      Value.options.schema.root,
      read: { (value) throws(OptionProblem) in try Value.options.fields(of: value) },
      write: { Value.options.write($0) },
      placeholder: Value.options.schema.root.required.isEmpty ? nil : Value.options.write(Value()))
  }
}

extension OptionProblem {
  /// What `body` returns; what it throws is about something at `step`.
  fileprivate static func within<Value>(
    _ step: Step, _ body: () throws(OptionProblem) -> Value
  ) throws(OptionProblem) -> Value {
    do throws(OptionProblem) {
      return try body()
    } catch {
      throw OptionProblem(path: [step] + error.path, error.reason)
    }
  }
}
