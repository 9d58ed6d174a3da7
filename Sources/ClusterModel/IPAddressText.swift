extension IPAddress {
  /// The address written as `text`: dotted IPv4 without leading zeros, or any form of RFC 4291.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    var string = String(text)
    guard let address = string.withUTF8({ Self.parse($0) }) else {
      if string.utf8.contains(UInt8(ascii: "%")) {
        throw ModelError(
          "\(quoted(text)) has a zone, which means nothing on another machine; write the address without it")
      }
      throw ModelError("\(quoted(text)) isn't an IP address such as 10.5.0.2 or fd00::2")
    }
    self = address
  }

  static func parse(_ text: ArraySlice<UInt8>) -> IPAddress? { text.withUnsafeBufferPointer { parse($0) } }

  static func parse(_ text: UnsafeBufferPointer<UInt8>) -> IPAddress? {
    text.contains(UInt8(ascii: ":")) ? parseV6(text) : parseV4(text[...]).map(IPAddress.init(v4:))
  }

  private static func parseV4(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> UInt32? {
    var bits: UInt32 = 0
    var octets = 0
    var octet: UInt32 = 0
    var digits = 0
    for byte in text {
      if byte == UInt8(ascii: ".") {
        guard digits > 0, octets < 3 else { return nil }
        bits = bits << 8 | octet
        octets += 1
        (octet, digits) = (0, 0)
        continue
      }
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      // A leading zero is octal to some programs and decimal to others: so to nobody here.
      if digits > 0, octet == 0 { return nil }
      octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
      digits += 1
      guard octet <= 255 else { return nil }
    }
    return octets == 3 && digits > 0 ? bits << 8 | octet : nil
  }

  /// Groups are counted from the left; those after the gap are moved to the right at the end.
  private static func parseV6(_ text: UnsafeBufferPointer<UInt8>) -> IPAddress? {
    let colon = UInt8(ascii: ":")
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0
    var gap: Int?
    func append(_ group: UInt16) {
      high = high << 16 | low >> 48
      low = low << 16 | UInt64(group)
      count += 1
    }
    var index = 0
    if text.count >= 2, text[0] == colon, text[1] == colon {
      gap = 0
      index = 2
    }
    while index < text.count {
      var end = index
      var isDotted = false
      while end < text.count, text[end] != colon {
        if text[end] == UInt8(ascii: ".") { isDotted = true }
        end += 1
      }
      if isDotted, end == text.count {
        guard count <= 6, let bits = parseV4(text[index..<end]) else { return nil }
        append(UInt16(bits >> 16))
        append(UInt16(truncatingIfNeeded: bits))
      } else {
        guard count < 8, let group = hexadecimal(text[index..<end]) else { return nil }
        append(group)
      }
      index = end
      guard index < text.count else { break }
      index += 1
      if index < text.count, text[index] == colon {
        guard gap == nil else { return nil }
        gap = count
        index += 1
      } else if index == text.count {
        return nil
      }
    }
    guard let gap else { return count == 8 ? IPAddress(v6High: high, low: low) : nil }
    guard count < 8 else { return nil }
    // What came before the gap goes to the left: the groups after it stay where they are.
    let tail = 16 * (count - gap)
    let all = (high, low)
    let mask = Self.lowest(tail)
    let head = Self.shifted((all.0 & ~mask.0, all.1 & ~mask.1), by: 16 * (8 - count))
    return IPAddress(v6High: head.0 | all.0 & mask.0, low: head.1 | all.1 & mask.1)
  }

  /// The `bits` lowest of 128 bits.
  private static func lowest(_ bits: Int) -> (UInt64, UInt64) {
    bits >= 64 ? (bits >= 128 ? .max : (1 << UInt64(bits - 64)) - 1, .max) : (0, (1 << UInt64(bits)) - 1)
  }

  private static func shifted(_ value: (UInt64, UInt64), by bits: Int) -> (UInt64, UInt64) {
    if bits == 0 { return value }
    if bits >= 128 { return (0, 0) }
    if bits >= 64 { return (value.1 << UInt64(bits - 64), 0) }
    return (value.0 << UInt64(bits) | value.1 >> UInt64(64 - bits), value.1 << UInt64(bits))
  }

  private static func hexadecimal(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var value: UInt16 = 0
    for digit in digits {
      let nibble: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): nibble = digit - UInt8(ascii: "A") + 10
      default: return nil
      }
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
    String(unsafeUninitializedCapacity: Self.maximumLength) { buffer in
      var count = 0
      write { byte in
        buffer[count] = byte
        count += 1
      }
      return count
    }
  }

  /// The most bytes of a description.
  private static let maximumLength = 48

  /// Hands the bytes of ``description`` to `append`, one after the other.
  package func write(_ append: (UInt8) -> Void) {
    switch family {
    case .v4: Self.writeDotted(UInt32(truncatingIfNeeded: low), append)
    case .v6:
      if high == 0, low >> 32 == 0xFFFF {
        for byte in "::ffff:".utf8 { append(byte) }
        Self.writeDotted(UInt32(truncatingIfNeeded: low), append)
      } else {
        writeGroups(append)
      }
    }
  }

  private static func writeDotted(_ bits: UInt32, _ append: (UInt8) -> Void) {
    for index in 0..<4 {
      if index > 0 { append(UInt8(ascii: ".")) }
      let octet = UInt8(truncatingIfNeeded: bits >> (24 - 8 * UInt32(index)))
      if octet >= 100 { append(UInt8(ascii: "0") + octet / 100) }
      if octet >= 10 { append(UInt8(ascii: "0") + octet / 10 % 10) }
      append(UInt8(ascii: "0") + octet % 10)
    }
  }

  private func group(_ index: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index % 4)))
  }

  private func writeGroups(_ append: (UInt8) -> Void) {
    let colon = UInt8(ascii: ":")
    var gap = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, group(end) == 0 { end += 1 }
      if end - start > max(gap.count, 1) { gap = start..<end }
      start = max(end, start + 1)
    }
    var index = 0
    while index < 8 {
      if index == gap.lowerBound, !gap.isEmpty {
        append(colon)
        append(colon)
        index = gap.upperBound
        continue
      }
      if index > 0, index != gap.upperBound || gap.isEmpty { append(colon) }
      Self.writeHexadecimal(group(index), append)
      index += 1
    }
  }

  private static func writeHexadecimal(_ value: UInt16, _ append: (UInt8) -> Void) {
    var hasBegun = false
    for shift in [12, 8, 4, 0] as [UInt16] {
      let nibble = UInt8(truncatingIfNeeded: value >> shift & 0xF)
      guard hasBegun || nibble != 0 || shift == 0 else { continue }
      hasBegun = true
      append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
    }
  }
}
