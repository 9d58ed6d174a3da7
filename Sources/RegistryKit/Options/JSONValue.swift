import Platform

/// A JSON value, as options and their schemas are written: objects keep their order, numbers their digits.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// The number as JSON writes it.
  case number(String)
  case text(String)
  case list([JSONValue])
  case object([Member])

  /// A key of an object and its value.
  package struct Member: Hashable, Sendable {
    package var key: String
    package var value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

  /// `value`, which is finite, without a fraction where it has none.
  package static func number(_ value: Double) -> JSONValue {
    .number(Int(exactly: value).map(String.init) ?? "\(value)")
  }

  /// The text, where the value is one.
  package var text: String? { if case .text(let text) = self { text } else { nil } }

  /// The boolean, where the value is one.
  package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

  /// The items, where the value is a list.
  package var items: [JSONValue]? { if case .list(let items) = self { items } else { nil } }

  /// The members, where the value is an object.
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }

  /// The whole number, where the value is one that fits and is written without a point and an exponent.
  package var integer: Int? { if case .number(let digits) = self { Int(digits) } else { nil } }

  /// The number, where the value is one that isn't too large.
  package var number: Double? {
    guard case .number(let digits) = self, let number = Double(digits), number.isFinite else { return nil }
    return number
  }

  /// The value of `key`, where this is an object that has it.
  package subscript(key: String) -> JSONValue? { members?.first { $0.key == key }?.value }

  /// The same for all values that mean the same: keys in order of their text, numbers in one form.
  package var normalized: JSONValue {
    switch self {
    case .null, .bool, .text: self
    case .number: integer.map { .integer($0) } ?? number.map { .number($0) } ?? self
    case .list(let items): .list(items.map(\.normalized))
    case .object(let members):
      .object(members.map { Member($0.key, $0.value.normalized) }.sorted { $0.key < $1.key })
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as compact JSON text.
  package var description: String {
    var text = ""
    write(into: &text)
    return text
  }

  private func write(into text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .number(let digits): text += digits
    case .text(let string): text += jsonString(string)
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.write(into: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        text += jsonString(member.key) + ":"
        member.value.write(into: &text)
      }
      text += "}"
    }
  }
}

extension JSONValue: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
  }

  /// The value that any decoder holds; what it doesn't keep (the order of keys, digits) is lost.
  package init(from decoder: any Decoder) throws {
    if let decoder = decoder as? OptionDecoder {
      self = decoder.value
    } else if let container = try? decoder.container(keyedBy: Key.self) {
      self = .object(
        try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map {
          Member($0.stringValue, try container.decode(JSONValue.self, forKey: $0))
        })
    } else if var container = try? decoder.unkeyedContainer() {
      var items: [JSONValue] = []
      while !container.isAtEnd { items.append(try container.decode(JSONValue.self)) }
      self = .list(items)
    } else {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let bool = try? container.decode(Bool.self) {
        self = .bool(bool)
      } else if let integer = try? container.decode(Int.self) {
        self = .integer(integer)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }
}
