import ClusterModel

/// The text form of a WireGuard public key: base64 of 32 bytes, 44 characters with one `=` at the end.
enum WireGuardKey {
  /// `text` itself, where it is a key.
  static func parse(_ text: String) throws(ModelError) -> String {
    let characters = Array(text.utf8)
    guard characters.count == 44, characters.last == UInt8(ascii: "="),
      characters.dropLast().allSatisfy({ value($0) != nil }),
      // 32 bytes leave the last character with two bits that mean nothing: zero in the one right form.
      let last = value(characters[42]), last & 0x3 == 0
    else {
      throw ModelError(
        "\(quoted(text)) isn't a WireGuard key: 32 bytes in base64, 44 characters with a '=' at the end")
    }
    return text
  }

  private static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
