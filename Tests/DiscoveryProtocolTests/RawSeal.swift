import COpenSSL

/// AES-256 with the key 0, 1, 2, … 31 for what no client would write.
enum RawSeal {
  static let key = [UInt8](0..<32)

  /// `plain` as affiliate data is sealed.
  static func seal(_ plain: [UInt8]) throws -> [UInt8] {
    let nonce = [UInt8](repeating: 9, count: 12)
    var tag = [UInt8](repeating: 0, count: 16)
    let body = try run(EVP_aes_256_gcm(), nonce, plain) { context in
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
    }
    return nonce + body + tag
  }

  /// `plain`, whole blocks, as endpoints are sealed.
  static func blocks(_ plain: [UInt8]) throws -> [UInt8] { try run(EVP_aes_256_ecb(), nil, plain) { _ in 1 } }

  private static func run(
    _ cipher: OpaquePointer?, _ nonce: [UInt8]?, _ plain: [UInt8], _ last: (OpaquePointer?) -> Int32
  ) throws -> [UInt8] {
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    var output = [UInt8](repeating: 0, count: plain.count + 32)
    var written: Int32 = 0
    var rest: Int32 = 0
    guard EVP_EncryptInit_ex(context, cipher, nil, key, nonce) == 1,
      EVP_CIPHER_CTX_set_padding(context, 0) == 1,
      EVP_EncryptUpdate(context, &output, &written, plain, Int32(plain.count)) == 1,
      EVP_EncryptFinal_ex(context, &output, &rest) == 1, last(context) == 1
    else { throw RawSealError() }
    return Array(output.prefix(Int(written)))
  }
}

struct RawSealError: Error {}
