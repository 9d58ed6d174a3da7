/// The parts of a URL with a host. Strict: what isn't surely a URL is none.
package struct URLParts: Hashable, Sendable {
  /// In lower case.
  package let scheme: String
  /// `user:password` as written, percent signs and all.
  package let user: String?
  /// A name or an address, IPv6 without brackets.
  package let host: String
  package let port: Int?
  /// Empty, or begins with a slash.
  package let path: String

  package init?(_ text: String) {
    guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      let mark = text.range(of: "://"), !text.contains("?"), !text.contains("#")
    else { return nil }
    scheme = text[..<mark.lowerBound].lowercased()
    let rest = text[mark.upperBound...]
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var authority = rest[..<slash]
    path = String(rest[slash...])
    if let at = authority.lastIndex(of: "@") {
      user = String(authority[..<at])
      authority = authority[authority.index(after: at)...]
    } else {
      user = nil
    }
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      authority = authority[authority.index(after: end)...]
    } else {
      let end = authority.firstIndex(of: ":") ?? authority.endIndex
      host = String(authority[..<end])
      authority = authority[end...]
    }
    guard !host.isEmpty else { return nil }
    if authority.isEmpty {
      port = nil
    } else {
      guard authority.first == ":", let number = UInt16(authority.dropFirst()), number != 0 else {
        return nil
      }
      port = Int(number)
    }
  }
}

extension String {
  /// The first place of `text` in this one.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
