import COpenSSL

/// AES-256 of OpenSSL's libcrypto, as the two ciphers of the discovery service and the state file use it.
package struct BlockCipher {
  /// The length of a block in bytes.
  package static let blockLength = 16
  package static let nonceLength = 12
  package static let tagLength = 16

  package let key: ClusterKey

  /// The cipher of `key`.
  package init(key: ClusterKey) { self.key = key }

  /// Encrypts each block of `plain`, whose length is a multiple of ``blockLength``, on its own.
  package func encryptBlocks(_ plain: [UInt8]) -> [UInt8]? { blocks(plain, encrypt: true) }

  /// Decrypts each block of `sealed`, whose length is a multiple of ``blockLength``, on its own.
  package func decryptBlocks(_ sealed: [UInt8]) -> [UInt8]? { blocks(sealed, encrypt: false) }

  private func blocks(_ input: [UInt8], encrypt: Bool) -> [UInt8]? {
    withContext { context in
      guard
        key.withBytes({
          EVP_CipherInit_ex(context, EVP_aes_256_ecb(), nil, $0, nil, encrypt ? 1 : 0)
        }) == 1,
        EVP_CIPHER_CTX_set_padding(context, 0) == 1,
        let (output, written) = update(context, input, room: input.count), written == input.count
      else { return nil }
      return output
    }
  }

  /// `nonce`, the ciphertext of `plain` and its tag.
  package func encryptAuthenticated(_ plain: [UInt8], nonce: [UInt8]) -> [UInt8]? {
    withContext { context in
      var tag = [UInt8](repeating: 0, count: Self.tagLength)
      guard
        nonce.count == Self.nonceLength,
        key.withBytes({ EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, $0, nonce) }) == 1,
        let (output, written) = update(context, plain, room: plain.count), written == plain.count,
        finish(context),
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagLength), &tag) == 1
      else { return nil }
      return nonce + output + tag
    }
  }

  /// What was encrypted to `sealed`, or nil where it wasn't made with the key or was changed since.
  package func decryptAuthenticated(_ sealed: [UInt8]) -> [UInt8]? {
    guard sealed.count >= Self.nonceLength + Self.tagLength else { return nil }
    let nonce = Array(sealed[..<Self.nonceLength])
    let body = Array(sealed[Self.nonceLength..<(sealed.count - Self.tagLength)])
    var tag = Array(sealed[(sealed.count - Self.tagLength)...])
    return withContext { context in
      guard
        key.withBytes({ EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, $0, nonce) }) == 1,
        let (output, written) = update(context, body, room: body.count), written == body.count,
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), &tag) == 1,
        finish(context)
      else { return nil }
      return output
    }
  }

  /// Random bytes for a nonce, or nil where the system has none.
  package static func randomNonce() -> [UInt8]? {
    var nonce = [UInt8](repeating: 0, count: nonceLength)
    return RAND_bytes(&nonce, Int32(nonceLength)) == 1 ? nonce : nil
  }

  /// Freeing the context also overwrites the key schedule in it.
  private func withContext<Result>(_ body: (OpaquePointer) -> Result?) -> Result? {
    guard let context = EVP_CIPHER_CTX_new() else { return nil }
    defer { EVP_CIPHER_CTX_free(context) }
    return body(context)
  }

  private func update(_ context: OpaquePointer, _ input: [UInt8], room: Int) -> ([UInt8], Int)? {
    guard let length = Int32(exactly: input.count) else { return nil }
    guard length > 0 else { return ([], 0) }
    var output = [UInt8](repeating: 0, count: room + Self.blockLength)
    var written: Int32 = 0
    guard EVP_CipherUpdate(context, &output, &written, input, length) == 1 else { return nil }
    return (Array(output.prefix(Int(written))), Int(written))
  }

  private func finish(_ context: OpaquePointer) -> Bool {
    var rest = [UInt8](repeating: 0, count: Self.blockLength)
    var written: Int32 = 0
    return EVP_CipherFinal_ex(context, &rest, &written) == 1 && written == 0
  }
}
