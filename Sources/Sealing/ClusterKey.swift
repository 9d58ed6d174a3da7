import COpenSSL
import Platform
import Synchronization

/// The 256-bit key that the nodes of a cluster share, which the discovery service never sees.
///
/// The bytes stay in one place, are never printed, and are overwritten when the key is dropped.
public final class ClusterKey: Sendable {
  /// The number of bytes in a key.
  public static let byteCount = 32

  private let bytes: Mutex<InlineArray<32, UInt8>>

  /// The key of `bytes`. The caller's copy is the caller's to overwrite.
  ///
  /// - Throws: ``KeyError`` where there are not exactly ``byteCount`` bytes.
  public init(bytes: some Collection<UInt8>) throws(KeyError) {
    guard bytes.count == Self.byteCount else {
      throw KeyError("a cluster secret has \(Self.byteCount) bytes, this one has \(bytes.count)")
    }
    var key = InlineArray<32, UInt8>(repeating: 0)
    var index = 0
    for byte in bytes {
      key[index] = byte
      index += 1
    }
    self.bytes = Mutex(key)
    Self.overwrite(&key)
  }

  /// The key written as `base64`, in either alphabet; white space around it is ignored.
  ///
  /// - Throws: ``KeyError``, whose message never has the text.
  public convenience init(base64 text: some StringProtocol) throws(KeyError) {
    guard var decoded = Base64.decodeLeniently(text) else {
      throw KeyError("the cluster secret isn't base64 text of \(Self.byteCount) bytes")
    }
    defer { decoded.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    try self.init(bytes: decoded)
  }

  deinit {
    bytes.withLock { Self.overwrite(&$0) }
  }

  /// What `body` makes of the key's 32 bytes, which are only good until it returns. OpenSSL's functions say 1
  /// where all is well.
  package func withBytes(_ body: (UnsafePointer<UInt8>) -> Int32) -> Int32 {
    bytes.withLock { bytes in
      withUnsafeBytes(of: &bytes) { $0.bindMemory(to: UInt8.self).baseAddress.map(body) ?? 0 }
    }
  }

  private static func overwrite(_ key: inout InlineArray<32, UInt8>) {
    withUnsafeMutableBytes(of: &key) { OPENSSL_cleanse($0.baseAddress, $0.count) }
  }
}

extension ClusterKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Never the key.
  public var description: String { "cluster key (secret)" }
  /// Never the key.
  public var debugDescription: String { description }
  /// Nothing: a key isn't for looking into.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text or bytes aren't a key. Never has any of them.
public struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person.
  public let message: String

  package init(_ message: String) { self.message = message }

  public var description: String { message }
}
