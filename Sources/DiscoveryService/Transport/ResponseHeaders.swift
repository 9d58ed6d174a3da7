import NIOHPACK
import NIOHTTP2

/// The header blocks that answers are made of; those without a message in them are made once.
enum ResponseHeaders {
  static let ok = HTTP2Frame.FramePayload.headers(
    .init(headers: [":status": "200", "content-type": "application/grpc"]))
  static let okTrailers = HTTP2Frame.FramePayload.headers(
    .init(headers: ["grpc-status": "0"], endStream: true))

  /// What ends a call: trailers, or headers and trailers in one where nothing was sent before.
  static func ending(_ error: ServiceError?, headersSent: Bool) -> HTTP2Frame.FramePayload {
    guard let error else { return okTrailers }
    var headers: HPACKHeaders =
      headersSent ? [:] : [":status": "200", "content-type": "application/grpc"]
    headers.add(name: "grpc-status", value: "\(error.code.rawValue)")
    if !error.message.isEmpty { headers.add(name: "grpc-message", value: encoded(error.message)) }
    if error.reason == "compressed" { headers.add(name: "grpc-accept-encoding", value: "identity") }
    return .headers(.init(headers: headers, endStream: true))
  }

  /// What isn't gRPC gets an HTTP status.
  static func plain(_ status: Int) -> HTTP2Frame.FramePayload {
    .headers(.init(headers: [":status": "\(status)"], endStream: true))
  }

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
}
