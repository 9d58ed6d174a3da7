import Platform

/// A text before it is read: whether it is UTF-8 of an acceptable size, and where its bytes stand.
struct SourceText {
  let bytes: [UInt8]
  let file: String
  let limits: YAMLLimits

  init(_ bytes: [UInt8], file: String, limits: YAMLLimits) {
    self.bytes = bytes
    self.file = file
    self.limits = limits
  }

  /// The text without a byte-order mark, and not with more directives than libyaml is good at.
  func checked() throws(YAMLError) -> [UInt8] {
    let text = try checkedText()
    try checkDirectives()
    return text
  }

  /// The text without a byte-order mark.
  func checkedText() throws(YAMLError) -> [UInt8] {
    guard bytes.count <= limits.size else {
      throw error(at: 0, "the text has \(bytes.count) bytes; at most \(limits.size) are read")
    }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw error(at: 0, "the text is UTF-16; save it as UTF-8")
    }
    // libyaml takes a NUL for the end, and would drop what follows in silence.
    if let zero = bytes.firstIndex(of: 0) {
      let advice = zero < 2 ? "; if the text is UTF-16, save it as UTF-8" : ""
      throw error(at: zero, "a NUL character isn't allowed\(advice)")
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      throw error(at: firstInvalid, "the text isn't UTF-8")
    }
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes[3...]) : bytes
  }

  /// libyaml compares each directive with all before it: few are needed, and many would take for ever.
  private func checkDirectives() throws(YAMLError) {
    var count = 0
    var isLineStart = true
    for (index, byte) in bytes.enumerated() {
      if isLineStart, byte == UInt8(ascii: "%") {
        count += 1
        if count > 64 { throw error(at: index, "more than 64 lines begin with '%'") }
      }
      isLineStart = byte == 0x0A || byte == 0x0D
    }
  }

  private var firstInvalid: Int {
    var decoder = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .valid(let scalar) = decoder.parseScalar(from: &iterator) { offset += scalar.count }
    return offset
  }

  func error(at offset: Int, _ message: String) -> YAMLError {
    YAMLError(file: file, mark: Self.mark(of: offset, in: bytes), message: message)
  }

  /// The place of the byte at `offset`. Goes through all bytes before it: for errors alone.
  static func mark(of offset: Int, in bytes: [UInt8]) -> YAMLMark {
    YAMLMark(TextPlace(of: offset, in: bytes))
  }
}
