package import ClusterModel

/// Names of machines.
package enum HostName {
  /// `text`, if it is one that a machine may have: read in configuration files, as generous as systems are.
  package static func check(_ text: String) throws(ModelError) -> String {
    guard text.utf8.allSatisfy({ isAlphanumeric($0) || ".-_".utf8.contains($0) }), text.utf8.count <= 253
    else {
      throw ModelError("\(quoted(text)) isn't a host name: at most 253 of letters, digits, '.', '-' and '_'")
    }
    return text
  }

  /// Why `text` must not stand where other programs look up names: in a hosts file, an inventory, an SSH
  /// configuration; nil where it may.
  ///
  /// RFC 1123 2.1, and '_', which resolvers take. What programs read as an address or as themselves isn't a name of
  /// another machine.
  package static func fault(of text: some StringProtocol) -> String? {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty, bytes.count <= 253 else { return "a host name has 1 to 253 characters" }
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for label in labels {
      guard let first = label.first, let last = label.last, label.count <= 63 else {
        return "the parts of a host name have 1 to 63 characters"
      }
      guard label.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
      else {
        return "a host name has letters, digits, '.', '-' and '_'"
      }
      guard first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else {
        return "no part of a host name begins or ends with '-'"
      }
    }
    if let last = labels.last, isNumber(last) { return "programs take it for an address" }
    return isOwn(text) ? "it means each machine itself" : nil
  }

  /// Whether `text` is what a machine calls itself, or the groups that it is in.
  package static func isOwn(_ text: some StringProtocol) -> Bool { isOwnName(text.lowercased()) }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39: true
    default: false
    }
  }

  /// Whether it is what inet_aton(3) takes for the end of an address: `10`, `0x7f`.
  private static func isNumber(_ label: some Collection<UInt8>) -> Bool {
    var digits = Array(label)
    let isHexadecimal =
      digits.count > 1 && digits[0] == UInt8(ascii: "0") && digits[1] | 0x20 == UInt8(ascii: "x")
    if isHexadecimal { digits.removeFirst(2) }
    return digits.allSatisfy {
      (0x30...0x39).contains($0)
        || isHexadecimal && (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
    }
  }

  /// RFC 6761 6.3, and what Debian's hosts file has for loopback and groups.
  private static func isOwnName(_ name: String) -> Bool {
    name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("localhost.")
      || name == "localhost4" || name == "localhost6" || name.hasPrefix("localhost4.")
      || name.hasPrefix("localhost6.") || name.hasPrefix("ip6-") || name == "broadcasthost"
  }
}
