import NIOCore

/// `HelloResponse` in bytes.
enum HelloMessage {
  /// - Parameters:
  ///   - redirect: Where the client shall go instead; it does so at once.
  ///   - address: The client's address as seen from here, 4 or 16 bytes; empty where it isn't known.
  static func make(redirect: String?, address: [UInt8]) -> EncodedMessage {
    let endpoint = redirect.map { Array($0.utf8) }
    var count = address.isEmpty ? 0 : ProtobufSize.field(address.count)
    let inner = endpoint.map { ProtobufSize.field($0.count) }
    if let inner { count += ProtobufSize.field(inner) }
    var buffer = ByteBuffer.message(count: count)
    if let endpoint, let inner {
      buffer.writeFieldHead(1, count: inner)
      buffer.writeField(1, endpoint)
    }
    if !address.isEmpty { buffer.writeField(2, address) }
    return buffer
  }
}
