import FoundationEssentials

/// Base64, RFC 4648 §4.
package enum Base64 {
  /// `bytes` in the standard alphabet, padded.
  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    Data(bytes).base64EncodedString()
  }

  /// The bytes that `text` stands for, in the standard alphabet, padded; nil where it is anything but their one
  /// right form, which white space and bits too many aren't.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    // Foundation lets bits through that no byte has place for; what is written back tells.
    guard let data = Data(base64Encoded: String(text)),
      data.base64EncodedString().utf8.elementsEqual(text.utf8)
    else { return nil }
    return Array(data)
  }

  /// As ``decode(_:)``, with line breaks left out of account: base64 is often written in lines.
  package static func decodeLines(_ text: some StringProtocol) -> [UInt8]? { decode(joined(text)) }

  /// The bytes that `text` stands for, in the standard alphabet or that for URLs (§5), with or without padding;
  /// nil where it is something else. Line breaks, white space around it and bits too many are left out of account.
  package static func decodeLeniently(_ text: some StringProtocol) -> [UInt8]? {
    var standard = joined(text.trimmed).utf8.map { byte in
      switch byte {
      case UInt8(ascii: "-"): UInt8(ascii: "+")
      case UInt8(ascii: "_"): UInt8(ascii: "/")
      default: byte
      }
    }
    if standard.last != UInt8(ascii: "=") {
      standard += Array(repeating: UInt8(ascii: "="), count: (4 - standard.count % 4) % 4)
    }
    guard standard.count % 4 == 0 else { return nil }
    return String(validating: standard, as: UTF8.self).flatMap { Data(base64Encoded: $0) }.map { Array($0) }
  }

  private static func joined(_ text: some StringProtocol) -> String {
    String(decoding: text.utf8.filter { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
  }
}
