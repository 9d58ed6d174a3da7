import NIOCore

/// The nine bytes in front of each HTTP/2 frame (RFC 9113, section 4.1).
struct FrameHead: Equatable {
  static let count = 9
  /// Bytes of a payload that everybody takes; we ask nobody for more.
  static let largestPayload = 16_384

  enum Kind {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
  }

  enum Flag {
    static let endStream: UInt8 = 1
    static let acknowledgement: UInt8 = 1
    static let endHeaders: UInt8 = 4
    static let padded: UInt8 = 8
    static let priority: UInt8 = 32
  }

  /// Bytes of the payload.
  var length: Int
  var kind: UInt8
  var flags: UInt8
  /// The stream, or 0 for the connection.
  var stream: UInt32

  init(length: Int, kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0) {
    self.length = length
    self.kind = kind
    self.flags = flags
    self.stream = stream
  }

  /// The head that `bytes` begin with; nil where it isn't whole.
  init?(_ bytes: ByteBuffer) {
    guard
      let (first, flags, stream) = bytes.getMultipleIntegers(
        at: bytes.readerIndex, as: (UInt32, UInt8, UInt32).self)
    else { return nil }
    self.init(
      length: Int(first >> 8), kind: UInt8(truncatingIfNeeded: first), flags: flags,
      stream: stream & 0x7FFF_FFFF)
  }

  func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

extension ByteBuffer {
  mutating func writeFrameHead(_ head: FrameHead) {
    writeMultipleIntegers(
      UInt32(truncatingIfNeeded: head.length) << 8 | UInt32(head.kind), head.flags, head.stream)
  }
}

/// Why a stream or a connection ends, by the numbers of RFC 9113, section 7.
enum FrameErrorCode: UInt32, Sendable {
  case noError = 0
  case protocolError = 1
  case internalError = 2
  case flowControlError = 3
  case settingsTimeout = 4
  case streamClosed = 5
  case frameSizeError = 6
  case refusedStream = 7
  case cancel = 8
  case compressionError = 9
  case connectError = 10
  case enhanceYourCalm = 11
}
