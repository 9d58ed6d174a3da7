/// HTTP/2 frames as bytes (RFC 9113, section 4.1): length, type, flags, stream, payload.
enum FrameType {
  static let data: UInt8 = 0
  static let headers: UInt8 = 1
  static let rstStream: UInt8 = 3
  static let settings: UInt8 = 4
  static let ping: UInt8 = 6
  static let goAway: UInt8 = 7
  static let windowUpdate: UInt8 = 8
}

/// One frame that came in.
struct Frame {
  static let headLength = 9
  static let endStream: UInt8 = 1
  static let ack: UInt8 = 1
  static let endHeaders: UInt8 = 4
  static let padded: UInt8 = 8

  let type: UInt8
  let flags: UInt8
  let stream: UInt32
  let payload: UnsafeRawBufferPointer

  /// The frame that `bytes` begin with; nil where it isn't whole.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headLength else { return nil }
    let length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
    guard bytes.count >= Self.headLength + length else { return nil }
    type = bytes[3]
    flags = bytes[4]
    stream = bytes.loadUnaligned(fromByteOffset: 5, as: UInt32.self).bigEndian & 0x7FFF_FFFF
    payload = UnsafeRawBufferPointer(rebasing: bytes[Self.headLength..<Self.headLength + length])
  }
}

extension [UInt8] {
  mutating func appendBigEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  mutating func appendFrame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: some Collection<UInt8>
  ) {
    append(contentsOf: [
      UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255),
    ])
    append(type)
    append(flags)
    appendBigEndian(stream)
    append(contentsOf: payload)
  }

  mutating func appendWindowUpdate(stream: UInt32, _ bytes: Int) {
    var payload: [UInt8] = []
    payload.appendBigEndian(UInt32(bytes))
    appendFrame(FrameType.windowUpdate, stream: stream, payload)
  }

  mutating func appendVarint(_ value: Int) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// A length-delimited Protobuf field.
  mutating func appendField(_ field: UInt8, _ bytes: some Collection<UInt8>) {
    append(field << 3 | 2)
    appendVarint(bytes.count)
    append(contentsOf: bytes)
  }

  /// `message` behind gRPC's prefix.
  static func framed(_ message: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0]
    bytes.appendBigEndian(UInt32(message.count))
    return bytes + message
  }
}
