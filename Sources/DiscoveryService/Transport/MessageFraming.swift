import NIOCore

/// gRPC's framing of requests: a flag byte, four bytes of length, the message.
enum MessageFraming {
  /// The one message that a whole request body holds.
  ///
  /// - Parameter encoding: The call's `grpc-encoding`.
  static func message(_ body: ByteBuffer?, encoding: String?) throws(ServiceError) -> ByteBuffer {
    guard var body, let flag: UInt8 = body.readInteger() else {
      throw .init(.internal, "the call ended without a request message", reason: "framing")
    }
    guard flag <= 1 else {
      throw .init(.internal, "a message's first byte is \(flag); it has to be 0 or 1", reason: "framing")
    }
    if flag == 1 {
      guard let encoding, encoding != "identity" else {
        throw .init(.internal, "a message is marked as compressed without a grpc-encoding", reason: "framing")
      }
      throw .init(.unimplemented, "compressed messages aren't supported", reason: "compressed")
    }
    guard let length: UInt32 = body.readInteger() else {
      throw .init(.internal, "the request ends within a message's head", reason: "framing")
    }
    guard body.readableBytes >= Int(length) else {
      throw .init(
        .internal, "the request ends after \(body.readableBytes) of a message's \(length) bytes",
        reason: "framing")
    }
    guard body.readableBytes == Int(length) else {
      throw .init(.internal, "the call has more than one request message", reason: "framing")
    }
    return body
  }
}
