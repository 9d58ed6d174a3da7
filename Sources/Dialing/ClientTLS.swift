import ClusterModel
import NIOCore
import NIOSSL

/// TLS as a client speaks it.
package struct ClientTLS: Sendable {
  /// A client's own certificate with its chain, and the key.
  package struct Identity: Sendable {
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// - Parameters:
    ///   - certificate: PEM, the certificate and its chain; `certificateName` is how messages call it.
    ///   - key: PEM, without a password.
    /// - Throws: ``TrustError``, which has nothing of the key.
    package init(
      certificate: [UInt8], named certificateName: String, key: [UInt8], named keyName: String
    ) throws(TrustError) {
      // As with kubectl, other things may stand beside the certificates: the key, a text of each.
      chain = PEMBlocks(certificate).all.filter(\.isCertificate).compactMap { block in
        block.bytes.flatMap { try? NIOSSLCertificate(bytes: $0, format: .der) }
      }
      guard !chain.isEmpty else {
        throw TrustError(message: "\(certificateName) has no certificate in PEM that can be read")
      }
      do {
        self.key = try NIOSSLPrivateKey(bytes: key, format: .pem)
      } catch {
        // What the error says may have a part of it.
        throw TrustError(message: "\(keyName) isn't a private key in PEM without a password")
      }
    }
  }

  /// How messages call the server: its URL.
  package let peer: String
  /// The name or address that the server's certificate has to have.
  package let serverName: String
  /// nil: the server's certificate isn't checked at all.
  package let anchors: TrustAnchors?
  package let identity: Identity?
  /// What is spoken within, by the names of ALPN.
  package let protocols: [String]

  package init(
    peer: String, serverName: String, anchors: TrustAnchors?, identity: Identity? = nil, protocols: [String]
  ) {
    self.peer = peer
    self.serverName = serverName
    self.anchors = anchors
    self.identity = identity
    self.protocols = protocols
  }

  /// A handler that speaks TLS.
  ///
  /// - Parameter verdict: is given what is wrong with the server's certificate.
  func handler(_ verdict: CertificateVerdict) throws -> NIOSSLClientHandler {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = protocols
    if let identity {
      configuration.certificateChain = identity.chain.map { .certificate($0) }
      configuration.privateKey = .privateKey(identity.key)
    }
    // An address is no name that a server could be asked for, RFC 6066 §3; neither is a dot at the end part of one.
    var name: String? = serverName.last == "." ? String(serverName.dropLast()) : serverName
    if (try? IPAddress(serverName)) != nil { name = nil }
    guard let anchors else {
      configuration.certificateVerification = .none
      return try NIOSSLClientHandler(
        context: try NIOSSLContext(configuration: configuration), serverHostname: name)
    }
    // Nothing is trusted but by the callback, which sees to the name too.
    configuration.trustRoots = .certificates([])
    configuration.certificateVerification = .noHostnameVerification
    let check = CertificateCheck(peer: peer, host: name ?? serverName, anchors: anchors)
    return try NIOSSLClientHandler(
      context: try NIOSSLContext(configuration: configuration), serverHostname: name,
      customVerificationCallback: { chain, promise in
        let problem: CertificateProblem?
        do {
          problem = check.problem(with: try chain.map { try $0.toDERBytes() })
        } catch {
          problem = CertificateProblem(
            kind: .other, message: "the certificate of \(check.peer) can't be read")
        }
        verdict.set(problem)
        promise.succeed(problem == nil ? .certificateVerified : .failed)
      })
  }
}

/// What is wrong where a TLS connection fails, without the places in the library's source that its errors have.
package enum TLSFailure {
  /// nil where `error` isn't one of TLS.
  package static func text(of error: any Error) -> String? {
    guard error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError else { return nil }
    let raw = String(describing: error)
    for (mark, text) in known where raw.contains(mark) { return text }
    return reason(in: raw) ?? String(raw.prefix(200))
  }

  package static let notSpoken = "it doesn't speak TLS"
  package static let brokenOff = "it broke off the TLS handshake"
  package static let cutOff = "it closed the connection without the end that TLS has"

  private static let known = [
    ("WRONG_VERSION_NUMBER", notSpoken), ("HTTP_REQUEST", notSpoken), ("EOF during handshake", brokenOff),
    ("uncleanShutdown", cutOff),
    ("ALERT_CERTIFICATE_REQUIRED", "it wants a client certificate"),
    ("ALERT_UNKNOWN_CA", "it doesn't trust the client certificate's authority"),
    ("ALERT_BAD_CERTIFICATE", "it refuses the client certificate"),
    ("ALERT_CERTIFICATE_EXPIRED", "the client certificate has expired"),
    ("ALERT_CERTIFICATE_REVOKED", "the client certificate was revoked"),
    ("ALERT_CERTIFICATE_UNKNOWN", "it refuses the client certificate"),
    ("ALERT_UNSUPPORTED_CERTIFICATE", "it refuses the kind of the client certificate"),
    ("KEY_VALUES_MISMATCH", "the client key isn't that of the client certificate"),
    ("ALERT_PROTOCOL_VERSION", "it speaks no version of TLS that is still good (1.2 and 1.3 are)"),
    ("UNSUPPORTED_PROTOCOL", "it speaks no version of TLS that is still good (1.2 and 1.3 are)"),
    ("ALERT_HANDSHAKE_FAILURE", "it has no cipher in common, or wants a client certificate"),
    ("ALERT_UNRECOGNIZED_NAME", "it has no certificate for this name"),
    ("ALERT_NO_APPLICATION_PROTOCOL", "it doesn't speak what it was asked for over TLS"),
  ]

  /// `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at /…/handshake.cc:297` as
  /// "certificate verify failed".
  private static func reason(in raw: String) -> String? {
    guard let start = raw.firstRange(of: "OPENSSL_internal:") else { return nil }
    let name = raw[start.upperBound...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    guard !name.isEmpty else { return nil }
    return name.lowercased().map { $0 == "_" ? " " : String($0) }.joined()
  }
}
