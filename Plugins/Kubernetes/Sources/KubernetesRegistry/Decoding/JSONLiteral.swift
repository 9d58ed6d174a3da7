/// `true`, `false` or `null` that arrives byte by byte.
struct JSONLiteral {
  /// What it stands for.
  let value: JSONScalar
  private let text: StaticString
  private var seen = 1

  static let null = JSONLiteral(value: .null, text: "null")

  private init(value: JSONScalar, text: StaticString) {
    self.value = value
    self.text = text
  }

  /// The literal that begins with `first`; nil if none does.
  init?(_ first: UInt8) {
    switch first {
    case UInt8(ascii: "n"): self = .null
    case UInt8(ascii: "t"): self.init(value: .bool, text: "true")
    case UInt8(ascii: "f"): self.init(value: .bool, text: "false")
    default: return nil
    }
  }

  var isComplete: Bool { seen == text.utf8CodeUnitCount }

  /// Takes the next byte, unless complete. False: it isn't the next one of this literal.
  mutating func take(_ byte: UInt8) -> Bool {
    guard seen < text.utf8CodeUnitCount, text.utf8Start[seen] == byte else { return false }
    seen += 1
    return true
  }
}
