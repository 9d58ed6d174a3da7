extension IPAddress {
  /// The address written as `text`: dotted IPv4 without leading zeros, or any form of RFC 4291.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    let bytes = Array(text.utf8)
    guard let address = Self.parse(bytes[...]) else {
      if bytes.contains(UInt8(ascii: "%")) {
        throw ModelError(
          "\(quoted(text)) has a zone, which means nothing on another machine; write the address without it")
      }
      throw ModelError("\(quoted(text)) isn't an IP address such as 10.5.0.2 or fd00::2")
    }
    self = address
  }

  static func parse(_ text: ArraySlice<UInt8>) -> IPAddress? {
    text.contains(UInt8(ascii: ":")) ? parseV6(text) : parseV4(text).map(IPAddress.init(v4:))
  }

  private static func parseV4(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      // A leading zero is octal to some programs and decimal to others: so to nobody here.
      guard let octet = decimal(part, maximum: 255), part.count == 1 || part.first != UInt8(ascii: "0")
      else { return nil }
      bits = bits << 8 | UInt32(octet)
    }
    return bits
  }

  private static func parseV6(_ text: ArraySlice<UInt8>) -> IPAddress? {
    let colon = UInt8(ascii: ":")
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var seenGap = false
    var rest = text
    if rest.starts(with: [colon, colon]) {
      seenGap = true
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let end = rest.firstIndex(of: colon) ?? rest.endIndex
      let group = rest[rest.startIndex..<end]
      var groups: [UInt16]
      if end == rest.endIndex, group.contains(UInt8(ascii: ".")) {
        guard let bits = parseV4(group) else { return nil }
        groups = [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
      } else {
        guard let value = hexadecimal(group) else { return nil }
        groups = [value]
      }
      if seenGap { tail += groups } else { head += groups }
      guard head.count + tail.count <= 8 else { return nil }
      rest = rest[end...]
      guard !rest.isEmpty else { break }
      rest = rest.dropFirst()
      if rest.first == colon {
        guard !seenGap else { return nil }
        seenGap = true
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    let missing = 8 - head.count - tail.count
    guard seenGap ? missing >= 1 : missing == 0 else { return nil }
    let groups = head + [UInt16](repeating: 0, count: missing) + tail
    return IPAddress(
      v6High: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
      low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var value: UInt16 = 0
    for digit in digits {
      guard let nibble = Character(Unicode.Scalar(digit)).hexDigitValue, digit < 0x80 else { return nil }
      value = value << 4 | UInt16(nibble)
    }
    return value
  }
}

/// The number that `digits` write in decimal, if it is one and not above `maximum`.
func decimal(_ digits: ArraySlice<UInt8>, maximum: Int) -> Int? {
  guard (1...5).contains(digits.count) else { return nil }
  var value = 0
  for digit in digits {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
    value = value * 10 + Int(digit - UInt8(ascii: "0"))
  }
  return value <= maximum ? value : nil
}

extension IPAddress: CustomStringConvertible {
  /// Dotted IPv4, or IPv6 as RFC 5952 wants it: lower case, no leading zeros, the longest run of zero
  /// groups (the first of equals, never a single one) as `::`, a mapped IPv4 address dotted.
  public var description: String {
    switch family {
    case .v4: return Self.dotted(UInt32(truncatingIfNeeded: low))
    case .v6:
      if high == 0, low >> 32 == 0xFFFF {
        return "::ffff:" + Self.dotted(UInt32(truncatingIfNeeded: low))
      }
      return colonHex
    }
  }

  private static func dotted(_ bits: UInt32) -> String {
    "\(bits >> 24).\(bits >> 16 & 0xFF).\(bits >> 8 & 0xFF).\(bits & 0xFF)"
  }

  private var colonHex: String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * ($0 % 4))) }
    var gap = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(gap.count, 1) { gap = start..<end }
      start = max(end, start + 1)
    }
    func joined(_ range: Range<Int>) -> String {
      range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
    }
    return gap.isEmpty ? joined(0..<8) : joined(0..<gap.lowerBound) + "::" + joined(gap.upperBound..<8)
  }
}
