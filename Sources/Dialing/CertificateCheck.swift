import COpenSSL
import ClusterModel
import Synchronization

/// Checks a server's certificate by libcrypto, and says what is wrong with which certificate.
///
/// What kubectl and curl accept is accepted: a chain may end at any certificate that is trusted, not only at one that
/// signed itself. NIOSSL's own check doesn't do that, and only says that verification failed.
package struct CertificateCheck: Sendable {
  /// Whose certificate it is, for messages: the server's URL.
  let peer: String
  /// The name or address that the certificate has to have.
  let host: String
  let anchors: TrustAnchors

  /// The most certificates of a chain that are looked at.
  static let maximumChainLength = 32

  package init(peer: String, host: String, anchors: TrustAnchors) {
    self.peer = peer
    self.host = host
    self.anchors = anchors
  }

  /// What is wrong with `chain`, the server's own certificate first, each in DER; nil: it is good.
  package func problem(with chain: [[UInt8]]) -> CertificateProblem? {
    func unusable(_ reason: String) -> CertificateProblem {
      CertificateProblem(kind: .other, message: reason)
    }
    guard !chain.isEmpty, chain.count <= Self.maximumChainLength else {
      return unusable("\(peer) showed \(chain.count) certificates")
    }
    guard let store = X509_STORE_new(), let context = X509_STORE_CTX_new(), let others = OPENSSL_sk_new_null()
    else { return unusable("libcrypto has no memory") }
    var certificates: [OpaquePointer] = []
    defer {
      X509_STORE_CTX_free(context)
      OPENSSL_sk_free(others)
      for certificate in certificates { X509_free(certificate) }
      X509_STORE_free(store)
      ERR_clear_error()
    }
    for (index, der) in chain.enumerated() {
      guard let certificate = Self.parse(der) else {
        return unusable("certificate \(index + 1) of \(chain.count) of \(peer) can't be read")
      }
      certificates.append(certificate)
      if index > 0 { OPENSSL_sk_push(others, UnsafeRawPointer(certificate)) }
    }
    guard anchors.add(to: store) else {
      return unusable("the certificates that \(anchors.name) trusts can't be read")
    }
    X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    guard X509_STORE_CTX_init(context, store, certificates[0], others) == 1, expectHost(context),
      X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER) == 1
    else { return unusable("libcrypto can't check the certificate of \(peer)") }
    guard X509_verify_cert(context) != 1 else { return nil }
    return describe(context, leaf: certificates[0])
  }

  private static func parse(_ der: [UInt8]) -> OpaquePointer? {
    der.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_X509(nil, &start, buffer.count)
    }
  }

  private func expectHost(_ context: OpaquePointer) -> Bool {
    guard let parameters = X509_STORE_CTX_get0_param(context) else { return false }
    X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    return (try? IPAddress(host)) == nil
      ? X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1
      : X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
  }

  private func describe(_ context: OpaquePointer, leaf: OpaquePointer) -> CertificateProblem {
    let code = X509_STORE_CTX_get_error(context)
    let certificate = X509_STORE_CTX_get_current_cert(context) ?? leaf
    var kind = CertificateProblem.Kind.other
    var reason = String(cString: X509_verify_cert_error_string(Int(code)))
    switch code {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      reason +=
        Self.print { ASN1_TIME_print($0, X509_get0_notAfter(certificate)) }.map { ", on \($0)" } ?? ""
    case X509_V_ERR_CERT_NOT_YET_VALID:
      reason +=
        Self.print { ASN1_TIME_print($0, X509_get0_notBefore(certificate)) }.map { ", but from \($0)" } ?? ""
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      kind = .name
      if !peer.contains(host) { reason += " for '\(host)'" }
      reason += Self.names(leaf).map { ", it is for \($0)" } ?? ", it names none"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_CERT_UNTRUSTED:
      kind = .untrusted
      reason += ", signed by '\(Self.issuer(certificate))', which \(anchors.name) doesn't trust"
      if let names = Self.names(leaf) { reason += "; it is for \(names)" }
    default: break
    }
    return CertificateProblem(
      kind: kind, message: "the certificate '\(Self.subject(certificate))' of \(peer) is refused: \(reason)")
  }

  private static func subject(_ certificate: OpaquePointer) -> String {
    name(X509_get_subject_name(certificate))
  }

  private static func issuer(_ certificate: OpaquePointer) -> String {
    name(X509_get_issuer_name(certificate))
  }

  private static func name(_ name: OpaquePointer?) -> String {
    // One line as RFC 2253 writes it, control characters and others than ASCII escaped.
    print { X509_NAME_print_ex($0, name, 0, UInt(0x111_0317)) } ?? "?"
  }

  private static func names(_ certificate: OpaquePointer) -> String? {
    let place = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)
    guard place >= 0, let names = X509_get_ext(certificate, place) else { return nil }
    return print { X509V3_EXT_print($0, names, 0, 0) }
  }

  /// The start of what `write` writes, in printable ASCII; nil where it is nothing.
  private static func print(_ write: (OpaquePointer) -> Int32) -> String? {
    guard let output = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(output) }
    guard write(output) >= 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 400)
    let count = Int(BIO_read(output, &bytes, Int32(bytes.count)))
    guard count > 0 else { return nil }
    let text = String(decoding: bytes[..<count].map { (0x20..<0x7F).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    return count == bytes.count ? "\(text)…" : text
  }
}

/// Why a certificate is refused.
package struct CertificateProblem: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Nobody who is trusted has signed it.
    case untrusted
    /// It is for others.
    case name
    case other
  }

  package let kind: Kind
  /// Which certificate of whom, why, whom it is for, and who signed it.
  package let message: String
}

/// What a certificate check found, for whoever is given only that the handshake failed.
final class CertificateVerdict: Sendable {
  private let found = Mutex<CertificateProblem?>(nil)

  var problem: CertificateProblem? { found.withLock { $0 } }

  func set(_ problem: CertificateProblem?) { found.withLock { $0 = problem } }
}
