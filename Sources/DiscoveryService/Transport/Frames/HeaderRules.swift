import NIOHPACK

/// What RFC 9113 wants of a request's headers (sections 8.2 and 8.3), beyond what HPACK does.
enum HeaderRules {
  /// Whether these are the headers of a request.
  static func isRequest(_ headers: HPACKHeaders) -> Bool {
    var pseudo: (method: Int, scheme: Int, path: Int, authority: Int) = (0, 0, 0, 0)
    var sawRegular = false
    for (name, value, _) in headers {
      guard name.utf8.first == UInt8(ascii: ":") else {
        sawRegular = true
        guard isRegular(name, value) else { return false }
        continue
      }
      guard !sawRegular, isValid(value: value) else { return false }
      switch name {
      case ":method": pseudo.method += 1
      case ":scheme": pseudo.scheme += 1
      case ":path":
        pseudo.path += 1
        if value.isEmpty { return false }
      case ":authority": pseudo.authority += 1
      default: return false
      }
    }
    return pseudo.method == 1 && pseudo.scheme == 1 && pseudo.path == 1 && pseudo.authority <= 1
  }

  /// Whether these may stand behind a request's content.
  static func areTrailers(_ headers: HPACKHeaders) -> Bool {
    headers.allSatisfy { name, value, _ in name.utf8.first != UInt8(ascii: ":") && isRegular(name, value) }
  }

  /// The bytes of content that the headers announce.
  ///
  /// - Returns: Nil where they announce none; a negative number where what they say makes no sense.
  static func contentLength(_ headers: HPACKHeaders) -> Int? {
    var length: Int?
    for (name, value, _) in headers where name == "content-length" {
      let isNumber = !value.isEmpty && value.utf8.allSatisfy { (0x30...0x39).contains($0) }
      guard isNumber, let number = Int(value), length == nil || length == number else { return -1 }
      length = number
    }
    return length
  }

  private static func isRegular(_ name: String, _ value: String) -> Bool {
    guard isValid(name: name), isValid(value: value) else { return false }
    switch name {
    case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": return false
    case "te": return value == "trailers"
    default: return true
    }
  }

  /// Visible ASCII without upper case and colons.
  private static func isValid(name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: ":") && !(0x41...0x5A).contains(byte)
      }
  }

  private static func isValid(value: String) -> Bool {
    value.utf8.allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
  }
}
