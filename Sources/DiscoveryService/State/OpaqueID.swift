/// A cluster's or an affiliate's id: bytes that mean nothing to the service.
///
/// Compared byte by byte. Text would not do: Swift holds `é` in its two Unicode spellings for equal, and
/// two nodes whose ids differ by that alone are two nodes.
public struct OpaqueID: Hashable, Sendable {
  /// The id as it came over the wire, valid UTF-8.
  public let bytes: [UInt8]

  /// The id of these bytes; the caller has seen to it that they are UTF-8.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The id that `text` writes.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The id as text, for people.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The bytes in one go: an array feeds the hasher byte by byte, which is slow for ids of 44 bytes.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
