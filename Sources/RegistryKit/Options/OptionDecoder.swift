import ClusterModel
import FoundationEssentials

/// Decodes options of any `Decodable` type. Types that a format stands for (`Duration`, `URL`, addresses,
/// secrets) are read as people write them.
struct OptionDecoder: Decoder {
  let value: JSONValue
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ value: JSONValue, at path: [any CodingKey] = []) {
    self.value = value
    codingPath = path
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let members = value.members else { throw mismatch(.object) }
    return KeyedDecodingContainer(KeyedContainer(decoder: self, members: members))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let items = value.items else { throw mismatch(.array) }
    return ListContainer(decoder: self, items: items)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { ValueContainer(decoder: self) }

  /// The value as `type`.
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    guard let written = type as? any WrittenOption.Type else { return try Value(from: self) }
    guard let value = try read(written) as? Value else { throw error(.wrong("can't be a \(type)")) }
    return value
  }

  private func read<Value: WrittenOption>(_ type: Value.Type) throws -> Value {
    let type = Value.optionType
    var schema = type.schema
    schema.isSecret =
      schema.isSecret || path.contains { if case .key(let key) = $0 { looksSecret(key) } else { false } }
    if let problem = schema.problems(in: value).first { throw error(problem.reason) }
    do throws(OptionProblem) {
      return try type.read(value)
    } catch {
      throw self.error(error.reason)
    }
  }

  fileprivate func mismatch(_ type: SchemaNode.ValueType) -> RegistryError {
    error(SchemaNode(type).problems(in: value).first?.reason ?? .wrong("must be \(type.expectation)"))
  }

  fileprivate func error(_ reason: OptionProblem.Reason) -> RegistryError {
    RegistryError(problems: [OptionProblem(path: path, reason)])
  }

  private var path: [OptionProblem.Step] { codingPath.map(\.step) }

  fileprivate func decoder(of value: JSONValue, at key: any CodingKey) -> OptionDecoder {
    OptionDecoder(value, at: codingPath + [key])
  }
}

extension CodingKey {
  /// The key as a step to an option.
  var step: OptionProblem.Step { intValue.map { .index($0) } ?? .key(stringValue) }
}

private struct OptionKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }

  init(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }
}

// One generic method stands for the protocols' many of single types.

private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: OptionDecoder
  let members: [JSONValue.Member]

  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key) } }

  func contains(_ key: Key) -> Bool { members.contains { $0.key == key.stringValue } }

  func decodeNil(forKey key: Key) throws -> Bool { try decoder(of: key).value == .null }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try decoder(of: key).decode(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder(of: key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(of: key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try decoder(of: OptionKey(stringValue: "super")) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(of: key) }

  private func decoder(of key: any CodingKey) throws -> OptionDecoder {
    guard let member = members.first(where: { $0.key == key.stringValue }) else {
      throw decoder.error(.missing(key.stringValue))
    }
    return decoder.decoder(of: member.value, at: key)
  }
}

private struct ListContainer: UnkeyedDecodingContainer {
  let decoder: OptionDecoder
  let items: [JSONValue]
  private(set) var currentIndex = 0

  init(decoder: OptionDecoder, items: [JSONValue]) {
    self.decoder = decoder
    self.items = items
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { items.count }
  var isAtEnd: Bool { currentIndex >= items.count }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, items[currentIndex] == .null else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let value = try current().decode(type)
    currentIndex += 1
    return value
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let container = try current().container(keyedBy: type)
    currentIndex += 1
    return container
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let container = try current().unkeyedContainer()
    currentIndex += 1
    return container
  }

  mutating func superDecoder() throws -> any Decoder {
    let decoder = try current()
    currentIndex += 1
    return decoder
  }

  private func current() throws -> OptionDecoder {
    guard !isAtEnd else { throw decoder.error(.wrong("must have more than \(items.count) items")) }
    return decoder.decoder(of: items[currentIndex], at: OptionKey(intValue: currentIndex))
  }
}

private struct ValueContainer: SingleValueDecodingContainer {
  let decoder: OptionDecoder

  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.value == .null }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}
