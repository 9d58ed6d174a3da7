/// Writes numbered fields as protocol buffers encode them (varint and length-delimited ones only), so that a later
/// version can add some and an earlier one skips them.
struct TaggedWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ field: Int, _ value: UInt64) {
    varint(UInt64(field) << 3)
    varint(value)
  }

  /// Small negative numbers stay small: ZigZag.
  mutating func write(_ field: Int, _ value: Int64) {
    write(field, UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  /// A false one is left out.
  mutating func write(_ field: Int, _ value: Bool) { if value { write(field, UInt64(1)) } }

  mutating func write(_ field: Int, _ text: String) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// An empty one is left out.
  mutating func writeText(_ field: Int, _ text: String) { if !text.isEmpty { write(field, text) } }

  mutating func write(_ field: Int, _ content: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(content.count))
    bytes.append(contentsOf: content)
  }

  /// Fields within a field.
  mutating func write(_ field: Int, _ body: (inout TaggedWriter) -> Void) {
    var inner = TaggedWriter()
    body(&inner)
    write(field, inner.bytes)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
