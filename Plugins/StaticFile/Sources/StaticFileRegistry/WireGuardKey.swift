import ClusterModel
import Platform

/// The text form of a WireGuard public key: base64 of 32 bytes, 44 characters with one `=` at the end.
enum WireGuardKey {
  /// `text` itself, where it is a key.
  static func parse(_ text: String) throws(ModelError) -> String {
    guard Base64.decode(text)?.count == 32 else {
      throw ModelError(
        "\(quoted(text)) isn't a WireGuard key: 32 bytes in base64, 44 characters with a '=' at the end")
    }
    return text
  }
}
