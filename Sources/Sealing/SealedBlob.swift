import COpenSSL

/// Bytes that only who has the cluster's secret can read, and that nobody can change unnoticed: AES-256-GCM with a
/// key of its own for each purpose, so that what is sealed for one is nothing for another.
package enum SealedBlob {
  /// `plain`, sealed for `purpose`; nil where the system has no random bytes.
  package static func seal(_ plain: [UInt8], for purpose: String, with key: ClusterKey) -> [UInt8]? {
    guard let derived = derive(key, purpose), let nonce = BlockCipher.randomNonce() else { return nil }
    return BlockCipher(key: derived).encryptAuthenticated(plain, nonce: nonce)
  }

  /// What was sealed for `purpose`; nil where that was with another secret, or it was changed since.
  package static func open(_ sealed: [UInt8], for purpose: String, with key: ClusterKey) -> [UInt8]? {
    derive(key, purpose).flatMap { BlockCipher(key: $0).decryptAuthenticated(sealed) }
  }

  /// HMAC-SHA-256 of the purpose under the cluster's key, as one block of HKDF would have it (RFC 5869).
  private static func derive(_ key: ClusterKey, _ purpose: String) -> ClusterKey? {
    let text = Array(purpose.utf8)
    var derived = [UInt8](repeating: 0, count: ClusterKey.byteCount)
    defer { derived.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    var length: UInt32 = 0
    let isDone = key.withBytes { secret in
      HMAC(EVP_sha256(), secret, Int32(ClusterKey.byteCount), text, text.count, &derived, &length) == nil
        ? 0 : 1
    }
    guard isDone == 1, Int(length) == ClusterKey.byteCount else { return nil }
    return try? ClusterKey(bytes: derived)
  }

  /// The SHA-256 digest of `bytes`; nil where the library refuses.
  package static func digest(_ bytes: [UInt8]) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    guard EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil) == 1, length == 32 else {
      return nil
    }
    return digest
  }
}
