import NIOCore

/// How many bytes protobuf needs for what, so that a message is written once into a buffer of its size.
enum ProtobufSize {
  static func varint(_ value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }

  /// A length-delimited field with a number below 16.
  static func field(_ count: Int) -> Int { 1 + varint(UInt64(count)) + count }

  static func varintField(_ value: UInt64) -> Int { 1 + varint(value) }
}

extension ByteBuffer {
  mutating func writeVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    writeInteger(UInt8(truncatingIfNeeded: rest))
  }

  /// The tag and the length of a length-delimited field with a number below 16.
  mutating func writeFieldHead(_ field: UInt8, count: Int) {
    writeInteger(field << 3 | 2)
    writeVarint(UInt64(count))
  }

  mutating func writeField(_ field: UInt8, _ bytes: [UInt8]) {
    writeFieldHead(field, count: bytes.count)
    writeBytes(bytes)
  }

  mutating func writeVarintField(_ field: UInt8, _ value: UInt64) {
    writeInteger(field << 3)
    writeVarint(value)
  }

  /// A buffer with gRPC's head for an uncompressed message of `count` bytes, and room for it.
  static func message(count: Int) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: count + 5)
    buffer.writeInteger(0 as UInt8)
    buffer.writeInteger(UInt32(truncatingIfNeeded: count))
    return buffer
  }
}
