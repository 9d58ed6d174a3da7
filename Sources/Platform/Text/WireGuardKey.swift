package import ClusterModel

/// The text form of a WireGuard public key: base64 of 32 bytes, 44 characters with one `=` at the end.
package enum WireGuardKey {
  /// `text` itself, where it is a key.
  package static func parse(_ text: some StringProtocol) throws(ModelError) -> String {
    guard Base64.decode(text)?.count == 32 else {
      throw ModelError(
        "\(quoted(text)) isn't a WireGuard key: 32 bytes in base64, 44 characters with a '=' at the end")
    }
    return String(text)
  }
}
