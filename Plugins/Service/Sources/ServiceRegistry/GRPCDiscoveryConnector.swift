import DiscoveryGRPC
import DiscoveryProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOSSL
import RegistryKit

/// Makes connections by gRPC over HTTP/2.
struct GRPCDiscoveryConnector: DiscoveryConnector {
  let tls: ServiceSettings.TLSFiles
  /// A file with a bearer token.
  let tokenFile: String?
  /// The services that a person named. Only they get the token: where a redirect points is the word of who
  /// answered.
  let configured: Set<ServiceURL>
  /// The time between two pings where nothing else comes.
  let keepAlive: Duration

  init(_ settings: ServiceSettings, keepAlive: Duration? = nil) {
    tls = settings.tls
    tokenFile = settings.tokenFile
    configured = Set(settings.services.map(\.url))
    self.keepAlive = keepAlive ?? settings.keepAlive
  }

  func withClient<Result: Sendable>(
    of url: ServiceURL, _ body: @escaping @Sendable (any DiscoveryClient) async throws -> Result
  ) async throws -> Result {
    let verdict = CertificateVerdict()
    let (metadata, security) = try credentials(url, verdict)
    let transport = try HTTP2ClientTransport.Posix(
      target: Self.target(url), transportSecurity: security,
      config: .defaults { config in
        config.connection.keepalive = .init(time: keepAlive, timeout: .seconds(20), allowWithoutCalls: false)
        let maximumFrameSize = config.http2.maxFrameSize
        config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
          channel.eventLoop.makeCompletedFuture {
            try FrameGate.install(in: channel, maximumFrameSize: maximumFrameSize)
          }
        }
        // A name only: an address is no server name in TLS, and the default authority is the address.
        if url.address == nil { config.http2.authority = url.authority }
      })
    return try await withGRPCClient(transport: transport) { client in
      try await body(
        GRPCDiscoveryClient(
          client: WireCluster.Client(wrapping: client), metadata: metadata, url: url, verdict: verdict,
          withholdsToken: withholdsToken(from: url)))
    }
  }

  private func withholdsToken(from url: ServiceURL) -> Bool { tokenFile != nil && !configured.contains(url) }

  private static func target(_ url: ServiceURL) -> any ResolvableTarget {
    switch url.address?.family {
    case .v4: .ipv4(address: url.host, port: Int(url.port))
    case .v6: .ipv6(address: url.host, port: Int(url.port))
    case nil: .dns(host: url.host, port: Int(url.port))
    }
  }

  /// What goes with each call, and the connection's security; all files are read anew.
  private func credentials(
    _ url: ServiceURL, _ verdict: CertificateVerdict
  ) throws -> (Metadata, HTTP2ClientTransport.Posix.TransportSecurity) {
    do throws(RegistryError) {
      var metadata = Metadata()
      if !withholdsToken(from: url), let token = try token() {
        metadata.addString("Bearer \(token)", forKey: "authorization")
      }
      return (metadata, try security(url, verdict))
    } catch {
      throw UnusableCredentials(error: error)
    }
  }

  private func token() throws(RegistryError) -> String? {
    guard let tokenFile else { return nil }
    let text = try ServiceSettings.text(of: tokenFile, "tokenFile")
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
    if let caFile = tls.caFile { try ServiceSettings.checkReadable(caFile, "caFile") }
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
    try ServiceSettings.checkReadable(path, what)
    do {
      try load(path)
      return path
    } catch {
      throw RegistryError(.invalidArgument, "\(what) \(path) isn't what it should be, in PEM")
    }
  }
}
