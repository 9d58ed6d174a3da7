import Platform

/// A text that is never shown: its descriptions are `<redacted>`.
public struct Secret: Hashable, Sendable {
  /// The secret itself: hand it only to whom needs it.
  public let revealed: String

  /// The secret `text`.
  public init(_ text: String) { revealed = text }
}

/// Bytes that are never shown, written as base64: its descriptions are `<redacted>`.
public struct SecretBytes: Hashable, Sendable {
  /// The bytes themselves: hand them only to whom needs them.
  public let revealed: [UInt8]

  /// The secret `bytes`.
  public init(_ bytes: some Sequence<UInt8>) { revealed = Array(bytes) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// What is shown in the place of a secret.
  package static let redacted = "<redacted>"

  public var description: String { Self.redacted }
  public var debugDescription: String { Self.redacted }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { Secret.redacted }
  public var debugDescription: String { Secret.redacted }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Decodable {
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }
}

extension SecretBytes: Decodable {
  /// The bytes of base64 text.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let bytes = Base64.decodeLines(text) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "it isn't base64 text"))
    }
    self.init(bytes)
  }
}

/// Whether the value of an option that is called `name` is likely a secret.
package func looksSecret(_ name: String) -> Bool {
  let name = name.lowercased()
  // A file that holds a secret is no secret, and neither is a public key.
  if name.hasSuffix("file") || name.hasSuffix("path") || name.hasPrefix("public") { return false }
  return ["secret", "token", "passw", "passphrase", "credential"].contains { name.contains($0) }
    || name.hasSuffix("key") || name.hasSuffix("keys") || name == "psk"
}
