/// Reads what a ``TaggedWriter`` wrote, field by field. What is malformed ends in an error, never in a trap.
struct TaggedReader {
  /// The content isn't what it should be.
  struct Malformed: Error, Hashable {
    let what: String
  }

  /// One field.
  struct Field {
    let number: Int
    fileprivate let value: UInt64
    fileprivate let content: ArraySlice<UInt8>?
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// The next field; nil at the end.
  mutating func next() throws(Malformed) -> Field? {
    guard !rest.isEmpty else { return nil }
    let tag = try varint()
    guard let number = Int(exactly: tag >> 3), number > 0 else { throw Malformed(what: "a field's number") }
    switch tag & 7 {
    case 0: return Field(number: number, value: try varint(), content: nil)
    case 2:
      guard let length = Int(exactly: try varint()), length <= rest.count else {
        throw Malformed(what: "a field's length")
      }
      let end = rest.startIndex + length
      defer { rest = rest[end...] }
      return Field(number: number, value: 0, content: rest[rest.startIndex..<end])
    default: throw Malformed(what: "a field's type")
    }
  }

  private mutating func varint() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      guard shift < 64 else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Malformed(what: "a number")
  }
}

extension TaggedReader.Field {
  func unsigned() throws(TaggedReader.Malformed) -> UInt64 {
    guard content == nil else { throw TaggedReader.Malformed(what: "field \(number)") }
    return value
  }

  func signed() throws(TaggedReader.Malformed) -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  func bool() throws(TaggedReader.Malformed) -> Bool { try unsigned() != 0 }

  func bytes() throws(TaggedReader.Malformed) -> ArraySlice<UInt8> {
    guard let content else { throw TaggedReader.Malformed(what: "field \(number)") }
    return content
  }

  func text() throws(TaggedReader.Malformed) -> String {
    guard let text = String(validating: try bytes(), as: UTF8.self) else {
      throw TaggedReader.Malformed(what: "the text of field \(number)")
    }
    return text
  }

  func fields() throws(TaggedReader.Malformed) -> TaggedReader { TaggedReader(try bytes()) }
}
