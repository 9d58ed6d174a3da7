/// Reads JSON (RFC 8259), one value or several objects and lists behind each other, into the same nodes.
struct JSONReader {
  private let bytes: [UInt8]
  private var index = 0
  private var mark = YAMLMark(line: 1, column: 1)
  private var budget: NodeBudget

  static func read(_ bytes: [UInt8], file: String, limits: YAMLLimits) throws(YAMLError) -> YAMLStream {
    var reader = JSONReader(bytes: bytes, budget: NodeBudget(file: file, limits: limits))
    var documents: [YAMLNode] = []
    reader.skipBlanks()
    while let byte = reader.current {
      // Texts or numbers behind each other are no stream that anybody prints: YAML shall say what it is.
      if !documents.isEmpty, byte != UInt8(ascii: "{"), byte != UInt8(ascii: "[") {
        throw reader.error("a JSON value is followed by something else")
      }
      documents.append(try reader.value(depth: 0))
      reader.skipBlanks()
    }
    return YAMLStream(documents: documents, duplicateKeys: reader.budget.duplicateKeys)
  }

  private init(bytes: [UInt8], budget: NodeBudget) {
    self.bytes = bytes
    self.budget = budget
  }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func advance() {
    guard let byte = current else { return }
    index += 1
    if byte == 0x0A || byte == 0x0D && current != 0x0A {
      mark = YAMLMark(line: mark.line + 1, column: 1)
    } else if byte & 0xC0 != 0x80, byte != 0x0D {
      mark = YAMLMark(line: mark.line, column: mark.column + 1)
    }
  }

  private mutating func skipBlanks() {
    while let byte = current, isBlank(byte) { advance() }
  }

  private mutating func value(depth: Int) throws(YAMLError) -> YAMLNode {
    let start = mark
    try budget.addNode(at: start)
    switch current {
    case UInt8(ascii: "{"):
      try budget.check(depth: depth + 1, at: start)
      return YAMLNode(.mapping(try object(depth: depth + 1)), mark: start)
    case UInt8(ascii: "["):
      try budget.check(depth: depth + 1, at: start)
      return YAMLNode(.sequence(try array(depth: depth + 1)), mark: start)
    case UInt8(ascii: "\""): return YAMLNode(.scalar(YAMLScalar(try string(), isPlain: false)), mark: start)
    default: return YAMLNode(.scalar(YAMLScalar(try literal(), isPlain: true)), mark: start)
    }
  }

  private mutating func object(depth: Int) throws(YAMLError) -> [YAMLPair] {
    var pairs: [YAMLPair] = []
    try elements(closing: UInt8(ascii: "}"), name: "object") { (reader) throws(YAMLError) in
      let keyMark = reader.mark
      guard reader.current == UInt8(ascii: "\"") else { throw reader.error("a key in quotes is expected") }
      try reader.budget.addNode(at: keyMark)
      let key = try reader.string()
      reader.skipBlanks()
      guard reader.current == UInt8(ascii: ":") else { throw reader.error("':' is expected after a key") }
      reader.advance()
      reader.skipBlanks()
      pairs.append(YAMLPair(key: key, keyMark: keyMark, value: try reader.value(depth: depth)))
    }
    return budget.unique(pairs)
  }

  private mutating func array(depth: Int) throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    try elements(closing: UInt8(ascii: "]"), name: "list") { (reader) throws(YAMLError) in
      items.append(try reader.value(depth: depth))
    }
    return items
  }

  private mutating func elements(
    closing: UInt8, name: String, _ element: (inout JSONReader) throws(YAMLError) -> Void
  ) throws(YAMLError) {
    let start = mark
    advance()
    skipBlanks()
    if current == closing { return advance() }
    while true {
      try element(&self)
      skipBlanks()
      switch current {
      case closing: return advance()
      case UInt8(ascii: ","):
        advance()
        skipBlanks()
      case nil:
        throw error(
          "the text ends within the \(name) that begins at line \(start.line), column \(start.column)")
      default: throw error("',' or '\(Character(Unicode.Scalar(closing)))' is expected")
      }
    }
  }

  /// `true`, `false`, `null` or a number.
  private mutating func literal() throws(YAMLError) -> String {
    let start = index
    let startMark = mark
    while let byte = current, byte > 0x20, byte < 0x7F, !",:[]{}\"".utf8.contains(byte) { advance() }
    let word = bytes[start..<index]
    let text = String(decoding: word, as: UTF8.self)
    if ["true", "false", "null"].contains(text) || Self.isNumber(word) { return text }
    throw YAMLError(file: budget.file, mark: startMark, message: "a JSON value is expected")
  }

  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    let unsigned = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
    let digits = unsigned.prefix { (0x30...0x39).contains($0) }
    guard !digits.isEmpty, digits.count == 1 || digits.first != 0x30 else { return false }
    let rest = unsigned.dropFirst(digits.count)
    if rest.first == UInt8(ascii: "."), rest.dropFirst().first.map({ (0x30...0x39).contains($0) }) != true {
      return false
    }
    let kind = YAMLScalar.plainKind(String(decoding: text, as: UTF8.self))
    return kind == .integer || kind == .number
  }

  func error(_ message: String) -> YAMLError { YAMLError(file: budget.file, mark: mark, message: message) }
}

extension JSONReader {
  private mutating func string() throws(YAMLError) -> String {
    let start = mark
    advance()
    var text: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        advance()
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("a control character must be written as an escape in JSON text")
      default:
        text.append(byte)
        advance()
      }
    }
    throw error("the text ends within the quotes that begin at line \(start.line), column \(start.column)")
  }

  private mutating func escape(into text: inout [UInt8]) throws(YAMLError) {
    let start = mark
    advance()
    let plain: UInt8
    switch current {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = bytes[index]
    case UInt8(ascii: "b"): plain = 0x08
    case UInt8(ascii: "f"): plain = 0x0C
    case UInt8(ascii: "n"): plain = 0x0A
    case UInt8(ascii: "r"): plain = 0x0D
    case UInt8(ascii: "t"): plain = 0x09
    case UInt8(ascii: "u"):
      guard let scalar = unicode() else {
        throw error(
          "'\\u' must be followed by four hexadecimal digits; characters above U+FFFF are two such "
            + "escapes, a high surrogate and a low one")
      }
      return text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw YAMLError(file: budget.file, mark: start, message: "JSON has no such escape")
    }
    text.append(plain)
    advance()
  }

  /// The scalar of the escape whose `u` is the current byte, or of the pair of escapes.
  private mutating func unicode() -> Unicode.Scalar? {
    guard let first = unit() else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard current == UInt8(ascii: "\\") else { return nil }
    advance()
    guard current == UInt8(ascii: "u"), let second = unit(), UTF16.isTrailSurrogate(second) else {
      return nil
    }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private mutating func unit() -> UInt16? {
    advance()
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = current, byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { return nil }
      value = value << 4 | UInt16(digit)
      advance()
    }
    return value
  }
}
