import ClusterModel
import Platform

/// What a text option must look like.
package enum OptionFormat: String, CaseIterable, Sendable {
  case ip, cidr, endpoint, duration, uri, base64

  /// What a text of this form is, with an example.
  package var expectation: String {
    switch self {
    case .ip: "an IP address such as 10.5.0.2 or fd00::2"
    case .cidr: "a prefix such as 10.244.1.0/24 or fd00::/64"
    case .endpoint: "an endpoint such as 10.5.0.2:51820 or [fd00::2]:51820"
    case .duration: "a duration such as 30s, 5m or 1h30m"
    case .uri: "a URL such as https://discovery.example.org/"
    case .base64: "base64 text"
    }
  }

  /// What people call it.
  var name: String {
    switch self {
    case .ip: "IP address"
    case .cidr: "prefix"
    case .endpoint, .duration, .base64: rawValue
    case .uri: "URL"
    }
  }

  /// Whether a wrong text may stand in a message: base64 is mostly keys, and an address may hold a password.
  var isShown: Bool { self != .base64 && self != .uri }

  /// What is wrong with `text`; nil where it is of this form.
  ///
  /// - Parameter isShown: whether the text may stand in the message.
  func fault(in text: String, isShown: Bool) -> OptionProblem.Reason? {
    do throws(ModelError) {
      switch self {
      case .ip: _ = try IPAddress(text)
      case .cidr: _ = try IPPrefix(text)
      case .endpoint: _ = try IPEndpoint(text)
      case .duration: _ = try DurationText.parse(text)
      case .uri: if !Self.isURI(text) { return .wrong("isn't \(expectation)") }
      case .base64: if Base64.decodeLines(text) == nil { return .wrong("isn't \(expectation)") }
      }
      return nil
    } catch {
      return isShown ? .invalid(error.message) : .wrong("isn't \(expectation)")
    }
  }

  /// RFC 3986: a scheme, a colon, and something of the characters that may be in one.
  private static func isURI(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon + 1 < bytes.count,
      bytes[..<colon].first.map(isLetter) == true,
      bytes[..<colon].allSatisfy({ isLetter($0) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0) })
    else { return false }
    var rest = bytes[(colon + 1)...]
    if rest.starts(with: "//".utf8) {
      rest = rest.dropFirst(2)
      // `https:///` has nobody to talk to; `unix:///run/x.sock` and `file:///x` need none.
      if String(decoding: bytes[..<colon], as: UTF8.self).lowercased().hasPrefix("http"),
        rest.first.map({ "/?#:".utf8.contains($0) }) ?? true
      {
        return false
      }
    }
    return !rest.isEmpty && rest.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
