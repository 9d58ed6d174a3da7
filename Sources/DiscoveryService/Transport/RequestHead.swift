import NIOCore
import NIOHPACK

/// Forwarded headers of a call; nil for the calls without any, which is nearly all of them.
struct ClientAddressHeaders {
  var realIP: String?
  var forwardedFor: String?
}

/// What a call's headers say, as far as the service looks at them.
struct RequestHead {
  var method = ""
  var path = ""
  var contentType = ""
  var timeout: TimeAmount?
  var timeoutIsMalformed = false
  var encoding: String?
  var authorization: String?
  var address: ClientAddressHeaders?

  init(_ headers: HPACKHeaders) {
    for (name, value, _) in headers {
      switch name {
      case ":method": method = value
      case ":path": path = value
      case "content-type": contentType = value
      case "grpc-timeout":
        timeout = Self.timeout(value)
        timeoutIsMalformed = timeout == nil
      case "grpc-encoding": encoding = value
      case "authorization": authorization = value
      case "x-real-ip":
        address = address ?? ClientAddressHeaders()
        address?.realIP = value
      case "x-forwarded-for":
        address = address ?? ClientAddressHeaders()
        let before = address?.forwardedFor.map { $0 + "," } ?? ""
        address?.forwardedFor = before + value
      default: break
      }
    }
  }

  /// Whether this is gRPC: `application/grpc`, alone or followed by `+` or `;`.
  var isGRPC: Bool {
    guard contentType.hasPrefix("application/grpc") else { return false }
    let rest = contentType.utf8.dropFirst("application/grpc".utf8.count)
    return rest.isEmpty || rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: ";")
  }

  /// A `grpc-timeout`: one to eight digits and a unit.
  static func timeout(_ text: String) -> TimeAmount? {
    let bytes = text.utf8
    guard (2...9).contains(bytes.count), let unit = bytes.last else { return nil }
    var value: Int64 = 0
    for byte in bytes.dropLast() {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    // Eight digits of hours are more than fit; nobody waits for longer than a hundred years.
    switch unit {
    case UInt8(ascii: "H"): return .hours(min(value, 876_000))
    case UInt8(ascii: "M"): return .minutes(min(value, 52_560_000))
    case UInt8(ascii: "S"): return .seconds(value)
    case UInt8(ascii: "m"): return .milliseconds(value)
    case UInt8(ascii: "u"): return .microseconds(value)
    case UInt8(ascii: "n"): return .nanoseconds(value)
    default: return nil
    }
  }
}
