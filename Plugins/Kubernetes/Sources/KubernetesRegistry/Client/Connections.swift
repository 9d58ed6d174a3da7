import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import RegistryKit

/// HTTP clients for what they are connected to: a certificate that was replaced leads to a new client, and
/// the old one is ended when its last request is.
actor Connections {
  private struct Entry {
    let client: HTTPClient
    var uses = 0
  }

  private var entries: [Access.Endpoint: Entry] = [:]
  private var newest: Access.Endpoint?
  private let connectTimeout: Duration

  init(connectTimeout: Duration) { self.connectTimeout = connectTimeout }

  /// Lends a client to `body`.
  func with<Value: Sendable>(
    _ endpoint: Access.Endpoint, _ body: @Sendable (HTTPClient) async throws -> Value
  ) async throws -> Value {
    let client = try acquire(endpoint)
    do {
      let value = try await body(client)
      await release(endpoint)
      return value
    } catch {
      await release(endpoint)
      throw error
    }
  }

  /// Ends all clients. No request may be under way.
  func close() async {
    let clients = entries.values.map(\.client)
    entries = [:]
    for client in clients { try? await client.shutdown() }
  }

  private func acquire(_ endpoint: Access.Endpoint) throws(APIError) -> HTTPClient {
    var entry: Entry
    if let known = entries[endpoint] {
      entry = known
    } else {
      let configuration: HTTPClient.Configuration
      do throws(RegistryError) {
        configuration = try Self.configuration(endpoint, connectTimeout: connectTimeout)
      } catch {
        throw APIError(.access, error)
      }
      entry = Entry(
        client: HTTPClient(
          eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
          configuration: configuration))
    }
    entry.uses += 1
    entries[endpoint] = entry
    newest = endpoint
    return entry.client
  }

  private func release(_ endpoint: Access.Endpoint) async {
    guard var entry = entries[endpoint] else { return }
    entry.uses -= 1
    entries[endpoint] = entry
    let idle = entries.filter { $0.value.uses == 0 && $0.key != newest }
    for key in idle.keys { entries[key] = nil }
    for entry in idle.values { try? await entry.client.shutdown() }
  }

  private static func configuration(
    _ endpoint: Access.Endpoint, connectTimeout: Duration
  ) throws(RegistryError) -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: endpoint.server.isSecure ? try TLSSetup.configuration(endpoint) : nil,
      redirectConfiguration: .disallow,
      timeout: .init(connect: TimeAmount(connectTimeout)),
      // Compression isn't asked for, but something on the way may do it all the same. What is read is bounded
      // by its readers.
      decompression: .enabled(limit: .none))
    // One connection for the watch and one for all else, each with a buffer of its own.
    configuration.httpVersion = .http1Only
    // Failures end the request at once, which is tried again by who asked.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.connectionPool.idleTimeout = .seconds(60)
    if let name = endpoint.serverName { configuration.dnsOverride = [name: endpoint.server.host] }
    configuration.proxy = endpoint.proxy.map { proxy in
      switch proxy.kind {
      case .http:
        .server(
          host: proxy.host, port: proxy.port,
          authorization: proxy.credentials.map { .basic(credentials: $0) })
      case .socks: .socksServer(host: proxy.host, port: proxy.port)
      }
    }
    configuration.http1_1ConnectionDebugInitializer = { KeepAlive.enable(on: $0) }
    return configuration
  }
}

/// Lets the system find out that the other end is gone, where it sent no notice: a watch may be silent for
/// minutes.
enum KeepAlive {
  /// After 30 s of silence, 3 questions 10 s apart.
  static func enable(on channel: any Channel) -> EventLoopFuture<Void> {
    channel.setOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
      .flatMap { channel.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30) }
      .flatMap { channel.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10) }
      .flatMap { channel.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3) }
      .flatMapError { _ in channel.eventLoop.makeSucceededVoidFuture() }
  }
}

/// TLS as an endpoint asks for it.
enum TLSSetup {
  static func configuration(_ endpoint: Access.Endpoint) throws(RegistryError) -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    if endpoint.isInsecure { configuration.certificateVerification = .none }
    if let bytes = endpoint.certificateAuthority {
      configuration.trustRoots = .certificates(try certificates(bytes, "the certificate authority"))
    }
    if let bytes = endpoint.clientCertificate, let key = endpoint.clientKey {
      configuration.certificateChain = try certificates(bytes, "the client certificate").map {
        .certificate($0)
      }
      do {
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
      } catch {
        // Why it can't be read is no secret, but what it says might be.
        throw RegistryError(.invalidArgument, "the client key isn't a private key in PEM without a password")
      }
    }
    return configuration
  }

  private static func certificates(_ bytes: [UInt8], _ what: String) throws(RegistryError)
    -> [NIOSSLCertificate]
  {
    let certificates: [NIOSSLCertificate]
    do {
      certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
    } catch {
      throw RegistryError(.invalidArgument, "\(what) isn't a certificate in PEM")
    }
    guard !certificates.isEmpty else {
      throw RegistryError(.invalidArgument, "\(what) has no certificate in PEM")
    }
    return certificates
  }
}
