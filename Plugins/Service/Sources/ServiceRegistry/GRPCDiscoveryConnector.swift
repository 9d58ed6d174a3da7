import Dialing
import DiscoveryGRPC
import DiscoveryProtocol
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOHPACK
import NIOHTTP2
import Platform
import RegistryKit
import Synchronization

/// Makes connections by gRPC over HTTP/2.
struct GRPCDiscoveryConnector: DiscoveryConnector {
  private let tls: ServiceSettings.TLSFiles
  /// A file with a bearer token.
  private let tokenFile: String?
  /// The services that a person named. Only they get the token: where a redirect points is the word of who
  /// answered.
  private let configured: Set<ServiceURL>
  private let pace: PingPace
  private let proxies: ProxyEnvironment

  /// - Parameters:
  ///   - keepAlive: the time between two pings where nothing else comes; nil: the settings'.
  ///   - environment: names the proxies.
  init(
    _ settings: ServiceSettings, keepAlive: Duration? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    tls = settings.tls
    tokenFile = settings.tokenFile
    configured = Set(settings.services.map(\.url))
    pace = PingPace(keepAlive ?? settings.keepAlive)
    proxies = ProxyEnvironment(environment)
  }

  func withClient<Result: Sendable>(
    of url: ServiceURL, time: TimeSource,
    _ body: @escaping @Sendable (any DiscoveryClient) async throws -> Result
  ) async throws -> Result {
    let (metadata, security, proxy) = try prepare(url)
    let failure = ConnectionFailure()
    let wrapped = try await wrap(url, security, proxy, failure, Dialer(time: time))
    do {
      let result = try await withGRPCClient(transport: wrapped.transport) { client in
        try await body(
          GRPCDiscoveryClient(
            client: WireCluster.Client(wrapping: client), metadata: metadata, url: url, proxy: proxy,
            failure: failure, withholdsToken: withholdsToken(from: url)))
      }
      await wrapped.close()
      return result
    } catch {
      await wrapped.close()
      if failure.hasPingedTooOften { pace.slow(url) }
      throw error
    }
  }

  /// A transport and its connection, which has to be closed before both are let go of: one that was never run,
  /// as all was cancelled first, stops the process else.
  private struct Wrapped: Sendable {
    let transport: HTTP2ClientTransport.WrappedChannel
    let channel: any Channel

    func close() async {
      channel.close(promise: nil)
      try? await channel.closeFuture.get()
      withExtendedLifetime(transport) {}
    }
  }

  private func wrap(
    _ url: ServiceURL, _ security: ClientTLS?, _ proxy: ProxyURL?, _ failure: ConnectionFailure,
    _ dialer: Dialer
  ) async throws -> Wrapped {
    let config = HTTP2ClientTransport.WrappedChannel.Config.defaults { config in
      config.connection.keepalive = .init(
        time: pace.interval(url), timeout: .seconds(20), allowWithoutCalls: false)
      config.http2.authority = url.authority
      if url.isSecure {
        config.channelDebuggingCallbacks.onCreateHTTP2Stream = { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(SecureScheme(), position: .first)
          }
        }
      }
    }
    let maximumFrameSize = config.http2.maxFrameSize
    let connection = Mutex<(any Channel)?>(nil)
    let target = HostPort(host: url.host, port: Int(url.port))
    do {
      let transport = try await HTTP2ClientTransport.WrappedChannel.wrapping(config: config) { configure in
        let configured = try await dialer.connect(to: target, through: proxy, tls: security) { channel in
          // On its event loop it is done when it returns.
          let configured = configure(channel)
          configured.whenFailure { _ in channel.close(promise: nil) }
          try FrameGate.install(in: channel, maximumFrameSize: maximumFrameSize)
          try failure.install(in: channel)
          return configured
        }
        let result = try await configured.get()
        connection.withLock { $0 = result.channel }
        return result
      }
      guard let channel = connection.withLock({ $0 }) else { throw ChannelError.alreadyClosed }
      return Wrapped(transport: transport, channel: channel)
    } catch let error as DialError {
      throw CallError(url, error)
    }
  }

  private func withholdsToken(from url: ServiceURL) -> Bool { tokenFile != nil && !configured.contains(url) }

  /// What goes with each call, the connection's security, and the proxy; all files are read anew.
  private func prepare(_ url: ServiceURL) throws -> (Metadata, ClientTLS?, ProxyURL?) {
    do throws(RegistryError) {
      var metadata = Metadata()
      if !withholdsToken(from: url), let token = try token() {
        metadata.addString("Bearer \(token)", forKey: "authorization")
      }
      return (metadata, url.isSecure ? try security(url) : nil, try proxy(url))
    } catch {
      throw UnusableCredentials(error: error)
    }
  }

  private func proxy(_ url: ServiceURL) throws(RegistryError) -> ProxyURL? {
    do throws(ProxyError) {
      return try proxies.proxy(to: HostPort(host: url.host, port: Int(url.port)), isSecure: url.isSecure)
    } catch {
      throw RegistryError(.invalidArgument, error.message)
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

  private func security(_ url: ServiceURL) throws(RegistryError) -> ClientTLS {
    do throws(TrustError) {
      var anchors = TrustAnchors.system
      if let file = tls.caFile {
        anchors = try TrustAnchors(pem: try Self.bytes(file, "caFile"), name: "caFile \(file)")
      }
      var identity: ClientTLS.Identity?
      if let certificate = tls.clientCertFile, let key = tls.clientKeyFile {
        identity = try ClientTLS.Identity(
          certificate: try Self.bytes(certificate, "clientCertFile"), named: "clientCertFile \(certificate)",
          key: try Self.bytes(key, "clientKeyFile"), named: "clientKeyFile \(key)")
      }
      return ClientTLS(
        peer: "\(url)", serverName: url.host, anchors: anchors, identity: identity, protocols: ["h2"])
    } catch {
      throw RegistryError(.invalidArgument, error.message)
    }
  }

  private static func bytes(_ path: String, _ option: String) throws(TrustError) -> [UInt8] {
    do throws(RegistryError) {
      return try ServiceSettings.bytes(of: path, option)
    } catch {
      throw TrustError(message: error.message)
    }
  }
}

/// How often services are pinged: half as often each time that one of them objects, as gRPC asks of clients (A8).
final class PingPace: Sendable {
  private let initial: Duration
  private let slowed = Mutex<[ServiceURL: Duration]>([:])

  /// The longest time between two pings, and the most services that are remembered.
  private static let maximum = Duration.seconds(600)
  private static let maximumCount = 64

  init(_ initial: Duration) { self.initial = initial }

  func interval(_ url: ServiceURL) -> Duration { slowed.withLock { $0[url] ?? initial } }

  func slow(_ url: ServiceURL) {
    slowed.withLock { slowed in
      guard slowed[url] != nil || slowed.count < Self.maximumCount else { return }
      slowed[url] = min((slowed[url] ?? initial) * 2, Self.maximum)
    }
  }
}

/// Why a connection failed, for calls that are given only that it is closed.
final class ConnectionFailure: Sendable {
  private let found = Mutex<(any Error)?>(nil)
  private let objection = Mutex(false)

  /// What failed first.
  var error: (any Error)? { found.withLock { $0 } }
  /// Whether the service ended the connection as it was pinged too often.
  var hasPingedTooOften: Bool { objection.withLock { $0 } }

  /// Notices the errors of `channel`, on whose event loop this is.
  func install(in channel: any Channel) throws {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      Recorder(self), position: .after(try pipeline.handler(type: NIOHTTP2Handler.self)))
  }

  private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame

    private let failure: ConnectionFailure

    init(_ failure: ConnectionFailure) { self.failure = failure }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .goAway(_, .enhanceYourCalm, let text) = unwrapInboundIn(data).payload,
        text.map({ String(buffer: $0) }) == "too_many_pings"
      {
        failure.objection.withLock { $0 = true }
      }
      context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      // Those of one call are the call's.
      if !(error is NIOHTTP2Errors.StreamError) {
        failure.found.withLock { $0 = $0 ?? error }
      }
      context.fireErrorCaught(error)
    }
  }
}

/// Says in each request over TLS that it is one (RFC 9113 §8.3.1): a transport that was given its connection
/// doesn't know.
private final class SecureScheme: ChannelOutboundHandler {
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var payload = unwrapOutboundIn(data)
    if case .headers(var headers) = payload, headers.headers.contains(name: ":scheme") {
      var fields = HPACKHeaders()
      for (name, value, indexing) in headers.headers {
        fields.add(name: name, value: name == ":scheme" ? "https" : value, indexing: indexing)
      }
      headers.headers = fields
      payload = .headers(headers)
    }
    context.write(wrapOutboundOut(payload), promise: promise)
  }
}
