import DiscoveryGRPC
import DiscoveryProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOSSL
import RegistryKit

/// Makes connections by gRPC over HTTP/2.
struct GRPCDialer: ServiceDialer {
  let tls: ServiceSettings.TLSFiles
  /// A file with a bearer token.
  let tokenFile: String?
  /// The time between two pings where nothing else is heard.
  let keepAlive: Duration

  func withConnection<Result: Sendable>(
    to url: ServiceURL, _ body: @escaping @Sendable (any ServiceConnection) async throws -> Result
  ) async throws -> Result {
    let verdict = CertificateVerdict()
    var metadata = Metadata()
    if let token = try token() { metadata.addString("Bearer \(token)", forKey: "authorization") }
    let credentials = metadata
    let transport = try HTTP2ClientTransport.Posix(
      target: Self.target(url), transportSecurity: try security(url, verdict),
      config: .defaults { config in
        config.connection.keepalive = .init(time: keepAlive, timeout: .seconds(20), allowWithoutCalls: false)
        // A name only: an address is no server name in TLS, and the default authority is the address.
        if url.address == nil { config.http2.authority = url.authority }
      })
    return try await withGRPCClient(transport: transport) { client in
      try await body(
        GRPCConnection(
          client: WireCluster.Client(wrapping: client), metadata: credentials, url: url, verdict: verdict))
    }
  }

  private static func target(_ url: ServiceURL) -> any ResolvableTarget {
    switch url.address?.family {
    case .v4: .ipv4(address: url.host, port: Int(url.port))
    case .v6: .ipv6(address: url.host, port: Int(url.port))
    case nil: .dns(host: url.host, port: Int(url.port))
    }
  }

  private func token() throws(RegistryError) -> String? {
    guard let tokenFile else { return nil }
    let text = try SmallFile.read(tokenFile, "tokenFile")
    let token = text.split(whereSeparator: \.isWhitespace)
    guard token.count == 1, token[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw RegistryError(.invalidArgument, "tokenFile \(tokenFile) doesn't have exactly one token in it")
    }
    return String(token[0])
  }

  private func security(
    _ url: ServiceURL, _ verdict: CertificateVerdict
  ) throws(RegistryError) -> HTTP2ClientTransport.Posix.TransportSecurity {
    guard url.isSecure else { return .plaintext }
    if let caFile = tls.caFile { _ = try SmallFile.read(caFile, "caFile") }
    var certificates: [TLSConfig.CertificateSource] = []
    var key: TLSConfig.PrivateKeySource?
    if let certFile = tls.clientCertFile, let keyFile = tls.clientKeyFile {
      certificates = [try loaded(certFile, "clientCertFile") { _ = try NIOSSLCertificate.fromPEMFile($0) }]
        .map { .file(path: $0, format: .pem) }
      key = .file(
        path: try loaded(keyFile, "clientKeyFile") { _ = try NIOSSLPrivateKey(file: $0, format: .pem) },
        format: .pem)
    }
    let check = CertificateCheck(url: url, caFile: tls.caFile)
    return .tls { tls in
      tls.certificateChain = certificates
      tls.privateKey = key
      // Nothing is trusted but by the callback.
      tls.trustRoots = .certificates([])
      tls.serverCertificateVerification = .fullVerification
      tls.customVerificationCallback = { chain, promise in
        let problem: String?
        do {
          problem = check.problem(with: try chain.map { try $0.toDERBytes() })
        } catch {
          problem = "the certificate of \(check.url) can't be read"
        }
        verdict.set(problem)
        promise.succeed(problem == nil ? .certificateVerified(.init(nil)) : .failed)
      }
    }
  }

  /// `path`, once `load` has read it.
  private func loaded(
    _ path: String, _ what: String, _ load: (String) throws -> Void
  ) throws(RegistryError) -> String {
    _ = try SmallFile.read(path, what)
    do {
      try load(path)
      return path
    } catch {
      throw RegistryError(.invalidArgument, "\(what) \(path) isn't what it should be, in PEM")
    }
  }
}
