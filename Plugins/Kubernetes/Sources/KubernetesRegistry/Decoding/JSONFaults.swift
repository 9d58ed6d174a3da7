extension JSONScanner.State {
  /// What would be right at this place, for a message.
  var expectation: String {
    switch self {
    case .value: "a value"
    case .valueOrEnd: "a value or ']'"
    case .keyOrEnd: "a key or '}'"
    case .key: "a key"
    case .colon: "':'"
    case .commaOrEnd: "',' or the end of the object or array"
    case .withinKey, .withinString: "the rest of a string"
    case .withinNumber: "the rest of a number"
    case .withinLiteral: "the rest of true, false or null"
    case .end: "the end"
    }
  }
}

extension JSONString.Fault {
  /// The error for `byte` at `offset`.
  func error(_ byte: UInt8, at offset: Int) -> NodeDecodeError {
    switch self {
    case .controlCharacter:
      NodeDecodeError(
        .malformed, "\(byteText(byte)) within a string, where it has to be escaped", at: offset)
    case .escape: NodeDecodeError(.malformed, "\(byteText(byte)) doesn't continue an escape", at: offset)
    case .utf8: NodeDecodeError(.invalidUTF8, "\(byteText(byte)) within a string isn't UTF-8", at: offset)
    }
  }
}

/// `byte` for a person: as a character where it is a visible one of ASCII.
func byteText(_ byte: UInt8) -> String {
  if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
  let digits = String(byte, radix: 16, uppercase: true)
  return "byte 0x\(byte < 0x10 ? "0" : "")\(digits)"
}
