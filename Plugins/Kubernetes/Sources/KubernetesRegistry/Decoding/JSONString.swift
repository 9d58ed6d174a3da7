/// A JSON string that arrives in pieces: checked always, kept only where it is wanted.
///
/// A string that lies within one piece and has no escape is never copied.
struct JSONString {
  /// What makes a string wrong.
  enum Fault {
    case controlCharacter, escape, utf8
  }

  /// What came of a piece.
  enum Step {
    /// The string goes on in the next piece.
    case open
    /// It ended; the index is that of the byte after the closing quote.
    case ended(Int)
    case wrong(Fault, at: Int)
  }

  private var isWanted = false
  private var limit = 0
  private var isTooLong = false
  /// What came before `segment`: of earlier pieces, or up to the last escape.
  private var text: [UInt8] = []
  /// The last stretch without an escape, in the piece in which the string ended.
  private var segment = 0..<0
  private var check = UTF8Check()
  private var escape = JSONEscape()

  /// An opening quote was seen. `limit`: the most bytes that are kept.
  mutating func begin(isWanted: Bool, limit: Int) {
    self.isWanted = isWanted
    self.limit = limit
    isTooLong = false
    segment = 0..<0
    if !text.isEmpty { text.removeAll(keepingCapacity: text.capacity <= Self.keptCapacity) }
    check = UTF8Check()
    escape = JSONEscape()
  }

  /// Takes the piece's bytes from `start` up to `end` or the closing quote.
  mutating func take(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Step {
    var index = start
    var kept = start
    while index < end {
      if escape.isOpen {
        let byte = base.load(fromByteOffset: index, as: UInt8.self)
        guard escape.take(byte, adding: &text) else { return .wrong(.escape, at: index) }
        index += 1
        kept = index
        continue
      }
      if !check.isWithinCharacter, !escape.isHalf {
        index = ByteSearch.endOfPlainText(base, from: index, to: end)
        guard index < end else { break }
      }
      let byte = base.load(fromByteOffset: index, as: UInt8.self)
      if escape.isHalf, byte != UInt8(ascii: "\\") { escape.endHalf(adding: &text) }
      if byte >= 0x80 || check.isWithinCharacter {
        guard check.take(byte) else { return .wrong(.utf8, at: index) }
      } else if byte == UInt8(ascii: "\"") {
        segment = kept..<index
        return .ended(index + 1)
      } else if byte == UInt8(ascii: "\\") {
        keep(base, kept..<index)
        escape.begin()
      } else if byte < 0x20 {
        return .wrong(.controlCharacter, at: index)
      }
      index += 1
    }
    if !escape.isOpen { keep(base, kept..<end) }
    return .open
  }

  /// Adds a stretch without an escape to what is kept.
  private mutating func keep(_ base: UnsafeRawPointer, _ stretch: Range<Int>) {
    // Escapes add to the text whether it is wanted or not, as they are rare.
    guard isWanted, !isTooLong, text.count + stretch.count <= limit else {
      isTooLong = isTooLong || isWanted
      return text.removeAll(keepingCapacity: false)
    }
    text.append(contentsOf: UnsafeRawBufferPointer(start: base + stretch.lowerBound, count: stretch.count))
  }

  /// Calls `body` with the whole string, nil if it is too long. Only right after ``Step/ended(_:)``, with the
  /// same piece.
  mutating func finish<Result>(
    _ base: UnsafeRawPointer, _ body: (UnsafeRawBufferPointer?) -> Result
  ) -> Result {
    if text.isEmpty, !isTooLong, segment.count <= limit {
      return body(UnsafeRawBufferPointer(start: base + segment.lowerBound, count: segment.count))
    }
    keep(base, segment)
    return isTooLong ? body(nil) : text.withUnsafeBytes(body)
  }

  /// How much of the buffer is kept from one string to the next.
  private static var keptCapacity: Int { 4096 }
}
