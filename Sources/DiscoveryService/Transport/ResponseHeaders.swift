import NIOCore

/// The header blocks that answers are made of, in HPACK without any table: the same bytes for every connection.
enum ResponseHeaders {
  static let ok = block([(":status", "200"), ("content-type", "application/grpc")])
  static let okTrailers = block([("grpc-status", "0")])

  /// What ends a call: trailers, or headers and trailers in one where nothing was sent before.
  static func ending(_ error: ServiceError?, headersSent: Bool) -> ByteBuffer {
    guard let error else { return okTrailers }
    var fields = headersSent ? [] : [(":status", "200"), ("content-type", "application/grpc")]
    fields.append(("grpc-status", "\(error.code.rawValue)"))
    if !error.message.isEmpty { fields.append(("grpc-message", encoded(error.message))) }
    if error.reason == "compressed" { fields.append(("grpc-accept-encoding", "identity")) }
    return block(fields)
  }

  /// What isn't gRPC gets an HTTP status.
  static func plain(_ status: Int) -> ByteBuffer { block([(":status", "\(status)")]) }

  /// gRPC's percent-encoding: all but printable ASCII, and the percent sign itself.
  private static func encoded(_ message: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in message.utf8 {
      if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Literals without indexing (RFC 7541, section 6.2.2), names from the static table where it has them.
  private static func block(_ fields: [(String, String)]) -> ByteBuffer {
    var buffer = ByteBuffer()
    for (name, value) in fields {
      switch (name, value) {
      case (":status", "200"):
        buffer.writeInteger(0x88 as UInt8)
        continue
      case (":status", _): buffer.writeInteger(0x08 as UInt8)
      case ("content-type", _): buffer.writeBytes([0x0F, 0x10])
      default:
        buffer.writeInteger(0 as UInt8)
        write(name, to: &buffer)
      }
      write(value, to: &buffer)
    }
    return buffer
  }

  /// A string without Huffman's code: its length with a prefix of seven bits, then its bytes.
  private static func write(_ text: String, to buffer: inout ByteBuffer) {
    let count = text.utf8.count
    if count < 127 {
      buffer.writeInteger(UInt8(count))
    } else {
      buffer.writeInteger(127 as UInt8)
      buffer.writeVarint(UInt64(count - 127))
    }
    buffer.writeString(text)
  }
}
