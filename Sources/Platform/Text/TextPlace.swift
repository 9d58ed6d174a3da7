/// A place in a text as people count it.
package struct TextPlace: Hashable, Sendable {
  /// Counted from 1. Lines end with "\n", "\r\n" or a "\r" of its own.
  package private(set) var line = 1
  /// In characters (Unicode scalars) from the line's beginning, counted from 1.
  package private(set) var column = 1

  /// The beginning of a text.
  package init() {}

  /// The place of the byte at `offset` of `bytes`, UTF-8, or of their end. Goes through all bytes before it.
  package init(of offset: Int, in bytes: [UInt8]) {
    for index in 0..<min(offset, bytes.count) { advance(past: index, of: bytes) }
  }

  /// Goes on past the byte at `index` of `bytes`.
  package mutating func advance(past index: Int, of bytes: [UInt8]) {
    let byte = bytes[index]
    if byte == 0x0A || byte == 0x0D && (index + 1 >= bytes.count || bytes[index + 1] != 0x0A) {
      line += 1
      column = 1
    } else if byte & 0xC0 != 0x80, byte != 0x0D {
      column += 1
    }
  }
}
