/// The tokens of JSON text (RFC 8259), for readers that make different things of it. Strict: no comments, no
/// comma before an end, no escape of half a character.
package struct JSONLexer {
  private let bytes: [UInt8]
  /// The offset of ``current``; at the end the number of bytes.
  package private(set) var offset = 0

  /// Whether the text that was read last had escapes: only those can stand for control characters below U+0020.
  package private(set) var hadEscapes = false

  /// - Parameter bytes: UTF-8.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The byte that isn't read yet; nil at the end.
  package var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  /// Why a text isn't JSON. Never has a part of the text, which may be a secret.
  package struct Failure: Error, Hashable, Sendable {
    /// Where, in bytes.
    package let offset: Int
    package let message: String
    /// Where what isn't complete begins, in bytes.
    package let beginning: Int?
  }

  /// A value that has nothing within it.
  package enum Literal: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The number as it is written.
    case number(String)
  }

  package mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  // MARK: Lists and objects

  /// A list or an object whose elements are being read.
  package struct Scope {
    fileprivate let closing: UInt8
    fileprivate let beginning: Int
    fileprivate var isFirst = true
  }

  /// Passes the `[` or `{` that is the current byte.
  package mutating func begin() -> Scope {
    let scope = Scope(
      closing: current == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"), beginning: offset)
    offset += 1
    return scope
  }

  /// Passes what stands before the next element of `scope`; false where there is none, and its end is passed.
  package mutating func next(in scope: inout Scope) throws(Failure) -> Bool {
    skipBlanks()
    if current == scope.closing {
      offset += 1
      return false
    }
    defer { scope.isFirst = false }
    if scope.isFirst { return true }
    switch current {
    case UInt8(ascii: ","):
      offset += 1
      skipBlanks()
      return true
    case nil:
      let name = scope.closing == UInt8(ascii: "}") ? "object" : "list"
      throw failure("the text ends within the \(name)", beginning: scope.beginning)
    default: throw failure("',' or '\(Character(Unicode.Scalar(scope.closing)))' is expected")
    }
  }

  /// The key of an object's element, and what stands before its value.
  package mutating func key() throws(Failure) -> String {
    guard current == UInt8(ascii: "\"") else { throw failure("a key in quotes is expected") }
    let key = try string()
    skipBlanks()
    guard current == UInt8(ascii: ":") else { throw failure("':' is expected after a key") }
    offset += 1
    skipBlanks()
    return key
  }

  /// Passes the value that begins at the current byte, whatever it is: only where it ends is looked for.
  package mutating func skipValue() throws(Failure) {
    let start = offset
    var depth = 0
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\""): try skipString()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        offset += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // One that closes what is around the value ends it.
        if depth == 0 { return }
        depth -= 1
        offset += 1
      case UInt8(ascii: ",") where depth == 0: return
      default: offset += 1
      }
      if depth == 0, let byte = current,
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      {
        return
      }
    }
    if depth > 0 { throw failure("the text ends within a value", beginning: start) }
  }

  private mutating func skipString() throws(Failure) {
    let start = offset
    offset += 1
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        offset += 1
        return
      case UInt8(ascii: "\\"): offset += 2
      default: offset += 1
      }
    }
    offset = min(offset, bytes.count)
    throw failure("the text ends within the quotes", beginning: start)
  }

  // MARK: Scalars

  /// `true`, `false`, `null` or a number.
  package mutating func literal() throws(Failure) -> Literal {
    let start = offset
    while let byte = current, byte > 0x20, byte < 0x7F, !Self.endsLiteral(byte) { offset += 1 }
    let word = bytes[start..<offset]
    switch String(decoding: word, as: UTF8.self) {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case let digits where Self.isNumber(word): return .number(digits)
    default: throw failure("a JSON value is expected", at: start)
    }
  }

  private static func endsLiteral(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
      UInt8(ascii: "}"), UInt8(ascii: "\""):
      true
    default: false
    }
  }

  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    var rest = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
    let whole = rest.prefix(while: isDigit)
    guard !whole.isEmpty, whole.count == 1 || whole.first != 0x30 else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      guard !fraction.isEmpty else { return false }
      rest = rest.dropFirst(1 + fraction.count)
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
      return !rest.isEmpty && rest.allSatisfy(isDigit)
    }
    return rest.isEmpty
  }

  /// The text whose first quote is the current byte.
  package mutating func string() throws(Failure) -> String {
    let start = offset
    offset += 1
    // The fast path: most texts have no escapes, and are taken as they are.
    let beginning = offset
    let plain = bytes.withUnsafeBufferPointer { bytes -> (text: String, end: Int)? in
      var end = beginning
      while end < bytes.count, bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\""),
        bytes[end] != UInt8(ascii: "\\")
      {
        end += 1
      }
      guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
      return (String(decoding: UnsafeBufferPointer(rebasing: bytes[beginning..<end]), as: UTF8.self), end)
    }
    hadEscapes = plain == nil
    if let plain {
      offset = plain.end + 1
      return plain.text
    }
    var text: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw failure("a control character must be written as an escape in JSON text")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw failure("the text ends within the quotes", beginning: start)
  }

  private mutating func escape(into text: inout [UInt8]) throws(Failure) {
    let start = offset
    offset += 1
    let plain: UInt8
    switch current {
    case UInt8(ascii: "\""): plain = UInt8(ascii: "\"")
    case UInt8(ascii: "\\"): plain = UInt8(ascii: "\\")
    case UInt8(ascii: "/"): plain = UInt8(ascii: "/")
    case UInt8(ascii: "b"): plain = 0x08
    case UInt8(ascii: "f"): plain = 0x0C
    case UInt8(ascii: "n"): plain = 0x0A
    case UInt8(ascii: "r"): plain = 0x0D
    case UInt8(ascii: "t"): plain = 0x09
    case UInt8(ascii: "u"):
      guard let scalar = scalar() else {
        throw failure(
          "'\\u' must be followed by four hexadecimal digits; characters above U+FFFF are two such escapes, a "
            + "high surrogate and a low one")
      }
      return text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw failure("JSON has no such escape", at: start)
    }
    text.append(plain)
    offset += 1
  }

  /// The character of the escape whose `u` is the current byte, or of the pair of escapes.
  private mutating func scalar() -> Unicode.Scalar? {
    guard let first = unit() else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard current == UInt8(ascii: "\\") else { return nil }
    offset += 1
    guard current == UInt8(ascii: "u"), let second = unit(), UTF16.isTrailSurrogate(second) else {
      return nil
    }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private mutating func unit() -> UInt16? {
    offset += 1
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = current, byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { return nil }
      value = value << 4 | UInt16(digit)
      offset += 1
    }
    return value
  }

  /// A failure at the current byte, or at `place`.
  package func failure(_ message: String, at place: Int? = nil, beginning: Int? = nil) -> Failure {
    Failure(offset: place ?? offset, message: message, beginning: beginning)
  }
}
