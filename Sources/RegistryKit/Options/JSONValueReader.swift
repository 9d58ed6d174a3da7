import Platform

/// Reads JSON, strictly: one value, no key twice in an object, a bounded depth.
struct JSONValueReader {
  /// The most lists and objects within each other: options are written by people.
  static let maximumDepth = 64

  private var lexer: JSONLexer

  /// The value that `text` writes.
  ///
  /// - Throws: ``JSONSyntaxError`` with the place of the first mistake.
  static func read(_ text: String) throws(JSONSyntaxError) -> JSONValue {
    let bytes = Array(text.utf8)
    do throws(JSONLexer.Failure) {
      var reader = JSONValueReader(lexer: JSONLexer(bytes))
      reader.lexer.skipBlanks()
      let value = try reader.value(depth: 0)
      reader.lexer.skipBlanks()
      guard reader.lexer.current == nil else {
        throw reader.lexer.failure("one JSON value is followed by something else")
      }
      return value
    } catch {
      // What isn't complete is best looked for where it begins.
      let place = TextPlace(of: error.beginning ?? error.offset, in: bytes)
      throw JSONSyntaxError(
        line: place.line, column: place.column,
        message: error.beginning == nil ? error.message : error.message + " that begins here")
    }
  }

  private mutating func value(depth: Int) throws(JSONLexer.Failure) -> JSONValue {
    switch lexer.current {
    case UInt8(ascii: "{"): return .object(try object(depth: try deeper(depth)))
    case UInt8(ascii: "["): return .list(try list(depth: try deeper(depth)))
    case UInt8(ascii: "\""): return .text(try lexer.string())
    default:
      return switch try lexer.literal() {
      case .null: .null
      case .bool(let bool): .bool(bool)
      case .number(let digits): .number(digits)
      }
    }
  }

  private func deeper(_ depth: Int) throws(JSONLexer.Failure) -> Int {
    guard depth < Self.maximumDepth else {
      throw lexer.failure("lists and objects are nested more than \(Self.maximumDepth) deep")
    }
    return depth + 1
  }

  private mutating func object(depth: Int) throws(JSONLexer.Failure) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    var scope = lexer.begin()
    while try lexer.next(in: &scope) {
      let start = lexer.offset
      let key = try lexer.key()
      guard keys.insert(key).inserted else { throw lexer.failure("a key is there twice", at: start) }
      members.append(JSONValue.Member(key, try value(depth: depth)))
    }
    return members
  }

  private mutating func list(depth: Int) throws(JSONLexer.Failure) -> [JSONValue] {
    var items: [JSONValue] = []
    var scope = lexer.begin()
    while try lexer.next(in: &scope) { items.append(try value(depth: depth)) }
    return items
  }
}

/// Why a text isn't JSON. Never has a part of the text, which may be a secret.
package struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Counted from 1.
  package let line: Int
  /// In characters, counted from 1.
  package let column: Int
  package let message: String

  package var description: String { "\(line):\(column): \(message)" }
}
