import COpenSSL

/// X25519 of OpenSSL's libcrypto (RFC 7748): the key pairs of WireGuard.
package enum Curve25519 {
  /// The number of bytes in a key of either kind.
  package static let byteCount = 32

  /// `privateKey` with the bits set and cleared that the function doesn't look at (RFC 7748, section 5): as devices keep
  /// it, so that what was given to one compares equal with what is read back.
  package static func clamped(_ privateKey: [UInt8]) -> [UInt8] {
    guard privateKey.count == byteCount else { return privateKey }
    var key = privateKey
    key[0] &= 0b1111_1000
    key[31] = key[31] & 0b0111_1111 | 0b0100_0000
    return key
  }

  /// A new private key, clamped; nil where the system has no random bytes.
  package static func randomPrivateKey() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    defer { bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    guard RAND_priv_bytes(&bytes, Int32(byteCount)) == 1 else { return nil }
    return clamped(bytes)
  }

  /// The public key of `privateKey`; nil where that hasn't 32 bytes.
  package static func publicKey(of privateKey: [UInt8]) -> [UInt8]? {
    guard privateKey.count == byteCount,
      let pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, privateKey, byteCount)
    else { return nil }
    defer { EVP_PKEY_free(pair) }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var length = byteCount
    guard EVP_PKEY_get_raw_public_key(pair, &bytes, &length) == 1, length == byteCount else { return nil }
    return bytes
  }
}
