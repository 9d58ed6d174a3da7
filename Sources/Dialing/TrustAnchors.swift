import COpenSSL
import Platform
import Synchronization

/// Certificates that are trusted: a server's certificate is good where its chain leads to one of them.
///
/// Any certificate can be one, as with kubectl and curl: a root's, an intermediate's, the server's own.
package struct TrustAnchors: Sendable {
  /// Certificates of libcrypto, which are freed with this. Nothing changes them, and libcrypto counts references to
  /// them atomically: so they may be read from any thread.
  private final class Certificates: @unchecked Sendable {
    // Only read after it was made; libcrypto counts the references of a certificate by itself.
    let all: [OpaquePointer]

    init(_ all: [OpaquePointer]) { self.all = all }
    deinit { for certificate in all { X509_free(certificate) } }
  }

  /// nil for the system's.
  private let certificates: Certificates?
  /// What has them, for messages: "the system", "caFile /etc/ca.pem".
  package let name: String

  private init(_ certificates: Certificates?, name: String) {
    self.certificates = certificates
    self.name = name
  }

  /// What the system trusts: the files of libcrypto, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
  package static let system = TrustAnchors(nil, name: "the system")

  /// The certificates of a PEM text. As with kubectl, other things in it, and certificates that can't be read,
  /// are left out as long as there is one that can.
  ///
  /// - Parameter name: what has the text, for messages.
  /// - Throws: ``TrustError``.
  package init(pem: [UInt8], name: String) throws(TrustError) {
    let blocks = PEMBlocks(pem)
    var certificates: [OpaquePointer] = []
    var found = 0
    for block in blocks.all where block.isCertificate {
      found += 1
      if let bytes = block.bytes, let certificate = Self.parse(bytes, block.label) {
        certificates.append(certificate)
      }
    }
    ERR_clear_error()
    guard !certificates.isEmpty else {
      throw TrustError(
        message: found > 0
          ? "\(name) has no certificate that can be read, of \(found) in PEM"
          : "\(name) has no certificate in PEM (-----BEGIN CERTIFICATE-----)\(blocks.hint)")
    }
    self.init(Certificates(certificates), name: name)
  }

  private static func parse(_ bytes: [UInt8], _ label: Substring) -> OpaquePointer? {
    bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return label.hasPrefix("TRUSTED")
        ? d2i_X509_AUX(nil, &start, buffer.count) : d2i_X509(nil, &start, buffer.count)
    }
  }

  /// Adds the certificates to `store`.
  ///
  /// - Returns: whether there are any.
  func add(to store: OpaquePointer) -> Bool {
    guard let certificates else { return X509_STORE_set_default_paths(store) == 1 }
    for certificate in certificates.all { X509_STORE_add_cert(store, certificate) }
    return true
  }
}

/// Why certificates can't be trusted: there are none.
package struct TrustError: Error, Hashable {
  package let message: String

  package init(message: String) { self.message = message }
}

/// The blocks of a PEM text, RFC 7468; what is between them is left out.
struct PEMBlocks {
  struct Block {
    /// "CERTIFICATE".
    let label: Substring
    /// nil where it isn't base64.
    let bytes: [UInt8]?

    var isCertificate: Bool {
      label == "CERTIFICATE" || label == "X509 CERTIFICATE" || label == "TRUSTED CERTIFICATE"
    }
  }

  private(set) var all: [Block] = []

  init(_ text: [UInt8]) {
    var label: Substring?
    var body = ""
    for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let line = line.trimmed
      if let begun = Self.label(of: line, "-----BEGIN ") {
        (label, body) = (begun, "")
      } else if let open = label {
        if Self.label(of: line, "-----END ") != nil {
          all.append(Block(label: open, bytes: Base64.decodeLeniently(body)))
          label = nil
        } else {
          body += line
        }
      }
    }
  }

  private static func label(of line: some StringProtocol, _ start: String) -> Substring? {
    // A mark of the order of bytes may stand before the first.
    guard let place = String(line).firstRange(of: start), line.hasSuffix("-----") else { return nil }
    return String(line)[place.upperBound...].dropLast(5)
  }

  /// What there is instead of certificates, for messages.
  var hint: String {
    guard let first = all.first else { return "" }
    return all.contains { $0.label.hasSuffix("PRIVATE KEY") }
      ? ", but a private key" : ", but '\(first.label.prefix(40))'"
  }
}
