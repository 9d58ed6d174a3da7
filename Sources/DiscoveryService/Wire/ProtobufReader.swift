/// Walks through the fields of a protobuf message without copying them.
///
/// Requests are read with this rather than with generated messages: they are five small messages, this is
/// the service's hottest path, and only what is asked for is copied. Unknown fields and groups are skipped.
struct ProtobufReader {
  /// A field's content. Fixed-width fields occur in none of our messages, so that they are only skipped.
  enum Value {
    case varint(UInt64)
    case bytes(UnsafeRawBufferPointer)
    case other
  }

  struct Malformed: Error {}

  private let base: UnsafeRawBufferPointer
  private var offset = 0

  /// A reader of `bytes`, which must outlive it.
  init(_ bytes: UnsafeRawBufferPointer) { base = bytes }

  /// The next field's number and content, or nil at the end.
  mutating func next() throws(Malformed) -> (field: Int, value: Value)? {
    guard offset < base.count else { return nil }
    let tag = try varint()
    let field = Int(truncatingIfNeeded: tag >> 3)
    guard field > 0, tag <= UInt64(UInt32.max) else { throw Malformed() }
    return (field, try value(wireType: tag & 7, field: field, depth: 0))
  }

  private mutating func value(wireType: UInt64, field: Int, depth: Int) throws(Malformed) -> Value {
    switch wireType {
    case 0: return .varint(try varint())
    case 1: try skip(8)
    case 2:
      let length = try varint()
      guard length <= UInt64(base.count - offset) else { throw Malformed() }
      let start = offset
      offset += Int(length)
      return .bytes(UnsafeRawBufferPointer(rebasing: base[start..<offset]))
    case 3: try skipGroup(field: field, depth: depth)
    case 5: try skip(4)
    default: throw Malformed()
    }
    return .other
  }

  private mutating func skipGroup(field: Int, depth: Int) throws(Malformed) {
    // Protobuf's own implementations stop at a hundred: without a bound nesting would eat the stack.
    guard depth < 100 else { throw Malformed() }
    while true {
      let tag = try varint()
      let inner = Int(truncatingIfNeeded: tag >> 3)
      guard inner > 0, tag <= UInt64(UInt32.max) else { throw Malformed() }
      if tag & 7 == 4 {
        guard inner == field else { throw Malformed() }
        return
      }
      _ = try value(wireType: tag & 7, field: inner, depth: depth + 1)
    }
  }

  private mutating func skip(_ count: Int) throws(Malformed) {
    guard count <= base.count - offset else { throw Malformed() }
    offset += count
  }

  private mutating func varint() throws(Malformed) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while offset < base.count, shift < 70 {
      let byte = base[offset]
      offset += 1
      // Of a tenth byte only the lowest bit has a place; the others are dropped, as everywhere.
      if shift < 64 { result |= UInt64(byte & 0x7F) << shift }
      if byte < 0x80 { return result }
      shift += 7
    }
    throw Malformed()
  }
}

extension ProtobufReader.Value {
  /// The content as bytes of its own.
  func copied() throws(ProtobufReader.Malformed) -> [UInt8] {
    guard case .bytes(let bytes) = self else { throw ProtobufReader.Malformed() }
    return Array(bytes)
  }

  /// The content as an id; proto3 wants text to be UTF-8.
  func id() throws(ProtobufReader.Malformed) -> OpaqueID {
    let bytes = try copied()
    guard bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil else {
      throw ProtobufReader.Malformed()
    }
    return OpaqueID(bytes)
  }

  func message() throws(ProtobufReader.Malformed) -> ProtobufReader {
    guard case .bytes(let bytes) = self else { throw ProtobufReader.Malformed() }
    return ProtobufReader(bytes)
  }

  /// A `google.protobuf.Duration` merged into what earlier occurrences of the field said.
  func merge(into duration: inout (seconds: Int64, nanoseconds: Int64)) throws(ProtobufReader.Malformed) {
    var reader = try message()
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .varint(let raw)): duration.seconds = Int64(bitPattern: raw)
      case (2, .varint(let raw)): duration.nanoseconds = Int64(Int32(truncatingIfNeeded: raw))
      case (1, _), (2, _): throw ProtobufReader.Malformed()
      default: break
      }
    }
  }
}
