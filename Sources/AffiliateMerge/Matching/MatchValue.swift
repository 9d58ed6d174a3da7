import ClusterModel

/// A field of which records are compared, by its position among all that the policy asks for.
typealias MatchColumn = UInt16

/// A value in the form in which it is compared.
struct MatchValue: Hashable, Sendable {
  let column: MatchColumn
  let form: Form

  enum Form: Hashable, Sendable {
    case text(String)
    case address(IPAddress)
  }

  init(_ column: MatchColumn, _ text: String) {
    self.column = column
    form = .text(text)
  }

  init(_ column: MatchColumn, _ address: IPAddress) {
    self.column = column
    form = .address(address)
  }

  /// Whether both, which are of one column, may be one machine's.
  func isCompatible(with other: MatchValue) -> Bool {
    if self == other { return true }
    guard column == MatchColumns.nodename || column == MatchColumns.hostname, case .text(let left) = form,
      case .text(let right) = other.form
    else { return false }
    return MatchName.areCompatible(left, right)
  }

  /// As a person reads it.
  var text: String {
    switch form {
    case .text(let text): text
    case .address(let address): address.description
    }
  }
}

/// Names in the form in which they are compared, and their parts.
enum MatchName {
  /// Names that say nothing of the machine.
  private static let meaningless: Set<String> = [
    "", "localhost", "localhost.localdomain", "localhost4", "localhost6", "localhost4.localdomain4",
    "localhost6.localdomain6", "ip6-localhost", "ip6-loopback", "(none)", "none", "unknown",
  ]

  /// ASCII letters folded, one trailing dot off; nil for what names no machine.
  static func normalized(_ name: String) -> String? {
    var name = name
    let isPlain = name.utf8.allSatisfy { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    if !isPlain {
      name = String(
        decoding: name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
        as: UTF8.self)
    }
    if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
    return name.utf8.count <= 23 && meaningless.contains(name) ? nil : name
  }

  /// Whether the name is an address, of which no part is a name.
  static func isAddress(_ name: String) -> Bool {
    let bytes = name.utf8
    guard bytes.contains(UInt8(ascii: ":")) || bytes.last.map(isDigit) == true else { return false }
    if (try? IPAddress(name)) != nil { return true }
    let withoutZone = name.prefix { $0 != "%" }
    return bytes.contains(UInt8(ascii: ":")) && (try? IPAddress(withoutZone)) != nil
  }

  /// Whether it has no domain.
  static func isBare(_ name: String) -> Bool { !name.utf8.contains(UInt8(ascii: ".")) && !isAddress(name) }

  /// What is before the first dot; an address as it is.
  static func firstLabel(_ name: String) -> String {
    guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), !isAddress(name) else { return name }
    return String(name[..<dot])
  }

  /// Whether both may be one machine's: equal, or one the other's leading labels.
  static func areCompatible(_ left: String, _ right: String) -> Bool {
    if left == right { return true }
    let (long, short) = left.utf8.count > right.utf8.count ? (left, right) : (right, left)
    guard long.utf8.starts(with: short.utf8),
      long.utf8.dropFirst(short.utf8.count).first == UInt8(ascii: ".")
    else { return false }
    return !isAddress(left) && !isAddress(right)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}

/// Machine ids and public keys in the form in which they are compared.
enum MatchText {
  /// 32 hexadecimal digits without dashes, lower case; nil for anything else, and for a constant one.
  static func machineID(_ text: String) -> String? {
    if text.isEmpty { return nil }
    var digits: [UInt8] = []
    digits.reserveCapacity(32)
    for byte in text.utf8 where byte != UInt8(ascii: "-") {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(byte)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(byte | 0x20)
      default: return nil
      }
      if digits.count > 32 { return nil }
    }
    guard digits.count == 32 else { return nil }
    for constant in [UInt8(ascii: "0"), UInt8(ascii: "f")] where digits.allSatisfy({ $0 == constant }) {
      return nil
    }
    return String(decoding: digits, as: UTF8.self)
  }

  /// Base64 text of 32 bytes, the bits that it doesn't need cleared; nil for anything else, and for zeros.
  static func publicKey(_ text: String) -> String? {
    guard text.utf8.count == 44, text.utf8.last == UInt8(ascii: "=") else { return nil }
    var text = text
    var isZero = true
    var last: UInt8 = 0
    for byte in text.utf8.dropLast() {
      guard let value = base64(byte) else { return nil }
      if value != 0 { isZero = false }
      last = value
    }
    if isZero { return nil }
    if last & 3 != 0 {
      text = String(text.dropLast(2)) + String(UnicodeScalar(digit(last & ~3))) + "="
      if MatchText.isZeroKey(text) { return nil }
    }
    return text
  }

  private static func isZeroKey(_ text: String) -> Bool {
    text.utf8.dropLast().allSatisfy { $0 == UInt8(ascii: "A") }
  }

  private static func base64(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: value + UInt8(ascii: "A")
    case 26..<52: value - 26 + UInt8(ascii: "a")
    case 52..<62: value - 52 + UInt8(ascii: "0")
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}
