/// The unique name of a node: what every registry's facts are keyed by.
///
/// A node makes its identity once, from 32 random bytes written in ``Base62``, and keeps it across
/// reboots and upgrades. Peers treat it as opaque text, and so does this type: any text of 1 to 256
/// bytes (the discovery service's limit for an affiliate id) of printable ASCII without a slash, which
/// separates a raw affiliate's prefix from the identity.
///
/// Ordered as text, byte by byte.
public struct NodeIdentity: Hashable, Sendable {
  /// The identity as it is written everywhere.
  public let text: String

  /// The most bytes that an identity may have.
  public static let maximumLength = 256

  /// The identity written as `text`.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    var text = String(text)
    text.makeContiguousUTF8()
    let count = text.utf8.count
    guard count > 0 else {
      throw ModelError("a node identity can't be empty")
    }
    guard count <= Self.maximumLength else {
      throw ModelError(
        "a node identity has at most \(Self.maximumLength) bytes, this one has \(count)")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
      throw ModelError(
        "node identity \(quoted(text)) may only have printable ASCII without spaces and '/'")
    }
    self.text = text
  }

  /// The identity that `bytes` are the text of; nil where they aren't one.
  package init?(printable bytes: UnsafeRawBufferPointer) {
    guard (1...Self.maximumLength).contains(bytes.count) else { return nil }
    for byte in bytes where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "/") { return nil }
    self.init(unchecked: String(decoding: bytes, as: UTF8.self))
  }

  /// The identity of 32 random bytes, as existing nodes write theirs.
  public init(bytes: [UInt8]) throws(ModelError) {
    guard bytes.count == Self.byteCount else {
      throw ModelError("a node identity is made of \(Self.byteCount) bytes, not of \(bytes.count)")
    }
    text = Base62.encode(bytes)
  }

  /// The number of random bytes that an identity is made of.
  public static let byteCount = 32

  /// A new identity from `generator`'s randomness.
  public static func random(using generator: inout some RandomNumberGenerator) -> NodeIdentity {
    let bytes = (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    return NodeIdentity(unchecked: Base62.encode(bytes))
  }

  /// A new identity from the system's randomness.
  public static func random() -> NodeIdentity {
    var generator = SystemRandomNumberGenerator()
    return random(using: &generator)
  }

  /// The 32 bytes that the identity was made of, or nil where it is other text.
  public var bytes: [UInt8]? { Base62.decode(text, byteCount: Self.byteCount) }

  private init(unchecked text: String) { self.text = text }

  /// What a node is called that only one registry knows, by a local id: `inventory/17`, the text of the record's
  /// raw id. No node's own identity is ever the same, as that has no slash.
  ///
  /// - Parameter rawPrefix: what the raw ids of the registry's source start with, without the slash.
  package init(localID: NodeIdentity, rawPrefix: String) { text = "\(rawPrefix)/\(localID.text)" }

  /// Whether this is the name of a node that only one registry knows, by a local id.
  package var isLocal: Bool { text.utf8.contains(UInt8(ascii: "/")) }

  /// The local id in the name of a node that only one registry knows; nil for a node's own identity.
  package var localID: NodeIdentity? {
    text.utf8.lastIndex(of: UInt8(ascii: "/")).map {
      NodeIdentity(unchecked: String(text[text.utf8.index(after: $0)...]))
    }
  }
}

extension NodeIdentity: Comparable {
  public static func < (left: NodeIdentity, right: NodeIdentity) -> Bool { left.text < right.text }
}

extension NodeIdentity: CustomStringConvertible {
  public var description: String { text }
}
