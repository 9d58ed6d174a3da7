package import Dialing

/// What makes a connection to a server; equal ones can share connections.
package struct HTTPEndpoint: Hashable, Sendable {
  package var server: ServerURL
  /// PEM; nil for the system's authorities.
  package var certificateAuthority: [UInt8]?
  /// The name that the server's certificate must have, instead of the URL's host.
  package var serverName: String?
  /// Whether the server's certificate isn't checked at all.
  package var isInsecure: Bool
  package var proxy: ProxyURL?
  /// PEM, the certificate and its chain.
  package var clientCertificate: [UInt8]?
  /// PEM.
  package var clientKey: [UInt8]?

  package init(
    server: ServerURL, certificateAuthority: [UInt8]? = nil, serverName: String? = nil,
    isInsecure: Bool = false,
    proxy: ProxyURL? = nil, clientCertificate: [UInt8]? = nil, clientKey: [UInt8]? = nil
  ) {
    self.server = server
    self.certificateAuthority = certificateAuthority
    self.serverName = serverName
    self.isInsecure = isInsecure
    self.proxy = proxy
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
  }

  /// TLS as it asks for it, to speak HTTP/1.1 within.
  ///
  /// - Throws: ``Dialing/TrustError`` where a certificate or the key can't be read.
  func tls() throws(TrustError) -> ClientTLS {
    var anchors: TrustAnchors? = .system
    if let bytes = certificateAuthority {
      anchors = try TrustAnchors(pem: bytes, name: "the certificate authority")
    }
    var identity: ClientTLS.Identity?
    if let certificate = clientCertificate, let key = clientKey {
      identity = try ClientTLS.Identity(
        certificate: certificate, named: "the client certificate", key: key, named: "the client key")
    }
    return ClientTLS(
      peer: "\(server)", serverName: serverName ?? server.host, anchors: isInsecure ? nil : anchors,
      identity: identity, protocols: ["http/1.1"])
  }
}
