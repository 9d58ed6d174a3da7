/// Reads JSON (RFC 8259), strictly: one value, no key twice in an object, a bounded depth.
struct JSONValueReader {
  /// The most lists and objects within each other: options are written by people.
  static let maximumDepth = 64

  private let bytes: [UInt8]
  private var index = 0

  /// The value that `text` writes.
  ///
  /// - Throws: ``JSONSyntaxError`` with the place of the first mistake.
  static func read(_ text: String) throws(JSONSyntaxError) -> JSONValue {
    var reader = JSONValueReader(bytes: Array(text.utf8))
    reader.skipBlanks()
    let value = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.current == nil else { throw reader.error("one JSON value is followed by something else") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    switch current {
    case UInt8(ascii: "{"): return .object(try object(depth: try deeper(depth)))
    case UInt8(ascii: "["): return .list(try list(depth: try deeper(depth)))
    case UInt8(ascii: "\""): return .text(try string())
    default: return try literal()
    }
  }

  private func deeper(_ depth: Int) throws(JSONSyntaxError) -> Int {
    guard depth < Self.maximumDepth else {
      throw error("lists and objects are nested more than \(Self.maximumDepth) deep")
    }
    return depth + 1
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    try elements(closing: UInt8(ascii: "}")) { (reader) throws(JSONSyntaxError) in
      let start = reader.index
      guard reader.current == UInt8(ascii: "\"") else { throw reader.error("a key in quotes is expected") }
      let key = try reader.string()
      guard keys.insert(key).inserted else { throw reader.error("a key is there twice", at: start) }
      reader.skipBlanks()
      guard reader.current == UInt8(ascii: ":") else { throw reader.error("':' is expected after a key") }
      reader.index += 1
      reader.skipBlanks()
      members.append(JSONValue.Member(key, try reader.value(depth: depth)))
    }
    return members
  }

  private mutating func list(depth: Int) throws(JSONSyntaxError) -> [JSONValue] {
    var items: [JSONValue] = []
    try elements(closing: UInt8(ascii: "]")) { (reader) throws(JSONSyntaxError) in
      items.append(try reader.value(depth: depth))
    }
    return items
  }

  private mutating func elements(
    closing: UInt8, _ element: (inout JSONValueReader) throws(JSONSyntaxError) -> Void
  ) throws(JSONSyntaxError) {
    index += 1
    skipBlanks()
    if current == closing {
      index += 1
      return
    }
    while true {
      try element(&self)
      skipBlanks()
      let byte = current
      guard byte == closing || byte == UInt8(ascii: ",") else {
        throw error("',' or '\(Character(Unicode.Scalar(closing)))' is expected")
      }
      index += 1
      if byte == closing { return }
      skipBlanks()
    }
  }

  private mutating func literal() throws(JSONSyntaxError) -> JSONValue {
    let start = index
    while let byte = current, byte > 0x20, byte < 0x7F, !",:[]{}\"".utf8.contains(byte) { index += 1 }
    let word = bytes[start..<index]
    switch String(decoding: word, as: UTF8.self) {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case let digits where Self.isNumber(word): return .number(digits)
    default: throw error("a JSON value is expected", at: start)
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

  private mutating func string() throws(JSONSyntaxError) -> String {
    let start = index
    index += 1
    var text: [UInt8] = []
    while let byte = current {
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("a control character must be written as an escape", at: index - 1)
      default: text.append(byte)
      }
    }
    throw error("the text ends within the quotes that begin here", at: start)
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
    let start = index - 1
    let byte = current
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[index - 1])
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      guard let scalar = scalar() else {
        throw error("'\\u' must be followed by the four hexadecimal digits of a character", at: start)
      }
      text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("JSON has no such escape", at: start)
    }
  }

  /// The character of an escape, whose digits begin here, or of a pair of escapes for a surrogate pair.
  private mutating func scalar() -> Unicode.Scalar? {
    guard let first = unit() else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard bytes[index...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else { return nil }
    index += 2
    guard let second = unit(), UTF16.isTrailSurrogate(second) else { return nil }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private mutating func unit() -> UInt16? {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = current, byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { return nil }
      value = value << 4 | UInt16(digit)
      index += 1
    }
    return value
  }

  private func error(_ message: String, at place: Int? = nil) -> JSONSyntaxError {
    let before = bytes[..<min(place ?? index, bytes.count)]
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return JSONSyntaxError(
      line: before.count { $0 == 0x0A } + 1,
      // Continuation bytes of UTF-8 are no characters of their own.
      column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1, message: message)
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
