import Glibc
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOSSL
import Platform
public import Rollcall
public import ServiceLifecycle
import Synchronization

/// Lets others ask a running daemon: HTTP on a Unix socket, and on TCP where that is configured.
public final class StatusServer: Service {
  /// Why it can't serve.
  public struct Failure: Error, Hashable, CustomStringConvertible, Sendable {
    /// Names the thing, the value and what would be right.
    public let description: String
  }

  private let aggregator: Aggregator
  private let options: StatusServerOptions
  private let logger: Logger
  let table: ResourceTable
  let time: TimeSource
  let ticker: WatchTicker
  private let pace: Duration
  /// Where it listens; nil before it does.
  private let listening = Mutex<[String: SocketAddress]?>(nil)
  private let hasBegun = ChangeSignal()

  /// A server of what `aggregator` knows.
  public convenience init(
    _ aggregator: Aggregator, options: StatusServerOptions, logger: Logger = Logger(label: "rollcall.http")
  ) {
    self.init(aggregator, options: options, logger: logger, time: TimeSource())
  }

  init(
    _ aggregator: Aggregator, options: StatusServerOptions, logger: Logger, time: TimeSource,
    table: ResourceTable? = nil, pace: Duration = TableFollower.pace
  ) {
    self.pace = pace
    self.aggregator = aggregator
    self.options = options
    self.logger = logger
    self.time = time
    self.table = table ?? ResourceTable(epoch: options.epoch)
    ticker = WatchTicker(time: time)
  }

  /// What revisions of this start begin with.
  public var epoch: String { table.epoch }
  /// All operations, as the socket has them.
  var routes: RouteTable {
    StatusAPI.routes(
      APIContext(aggregator, table: table, ticker: ticker, options: options), access: nil, logger: logger)
  }

  /// The aggregator's revision up to which lists and watches have everything.
  var followed: UInt64 { table.followed }
  /// How many watch now.
  public var watcherCount: Int { ticker.watcherCount }

  /// The port on which TCP is listened on, once it is; nil: it isn't to be.
  public func port() async -> Int? {
    await waitUntilListening()
    return listening.withLock { $0?["tcp"]?.port }
  }

  /// Returns once it answers, when it has ended, or when the task is cancelled.
  public func waitUntilListening() async {
    while !Task.isCancelled {
      let seen = hasBegun.value
      if listening.withLock({ $0 != nil }) { return }
      await hasBegun.wait(after: seen)
    }
  }

  /// Serves until the task is cancelled or the `ServiceGroup` that runs this shuts down; what is being answered then
  /// ends within a second.
  ///
  /// - Throws: ``Failure`` where it can't listen.
  public func run() async throws {
    defer {
      listening.withLock { $0 = $0 ?? [:] }
      hasBegun.notify()
    }
    // Everything is made, and every error told, before anybody is answered.
    let context = APIContext(aggregator, table: table, ticker: ticker, options: options)
    var follower = TableFollower(
      aggregator, table: table, time: time, reports: options.meshReports, pace: pace)
    _ = follower.step()
    let socket = try options.socket.map(Self.open)
    defer { socket?.file?.remove() }
    var listeners: [any RunnableListener] = []
    var addresses: [String: SocketAddress] = [:]
    if let socket {
      let responder = responder(context, access: nil, name: "socket")
      let listener = try await HTTPListener(
        child(responder), descriptor: socket.descriptor, logger: logger)
      listeners.append(listener)
    }
    if let http = options.http {
      let (listener, address) = try await listen(http, context)
      listeners.append(listener)
      addresses["tcp"] = address
    }
    let known = addresses
    listening.withLock { $0 = known }
    hasBegun.notify()
    let (all, begun) = (listeners, follower)
    // A task of its own, waited for: cancelling it would cut off answers in the middle.
    let serving = Task { await self.serve(all, begun) }
    let stop: @Sendable () -> Void = {
      self.ticker.end()
      for listener in all { listener.stop() }
    }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await serving.value
      } onGracefulShutdown: {
        stop()
      }
    } onCancel: {
      stop()
    }
  }

  private func serve(_ listeners: [any RunnableListener], _ follower: TableFollower) async {
    await withTaskGroup(of: Void.self) { background in
      background.addTask {
        var follower = follower
        await follower.run()
      }
      background.addTask { [ticker] in await ticker.run() }
      background.addTask { [ticker, table] in await ticker.follow(table) }
      await withTaskGroup(of: Void.self) { group in
        for listener in listeners {
          group.addTask { [logger] in
            do { try await listener.run() } catch {
              logger.error("the listener ended", metadata: ["error": "\(error)"])
            }
          }
        }
      }
      background.cancelAll()
    }
  }

  // MARK: Listening

  private static func open(
    _ socket: StatusServerOptions.Socket
  ) throws -> (descriptor: Int32, file: UnixSocketFile?) {
    switch socket {
    case .inherited(let descriptor): return (descriptor, nil)
    case .path(let path, let mode, let group):
      do {
        let file = try UnixSocketFile(path, mode: mode, group: group)
        return (file.descriptor, file)
      } catch {
        throw Failure(description: "\(error)")
      }
    }
  }

  private func responder(_ context: APIContext, access: AccessRules?, name: String) -> APIResponder {
    APIResponder(
      routes: StatusAPI.routes(context, access: access, logger: logger), access: access, listener: name,
      server: "rollcall/\(options.version)", options: options, logger: logger)
  }

  private func child(_ responder: APIResponder) -> HTTP1Channel {
    HTTP1Channel(
      responder: { request, writer, channel in
        try await responder.respond(to: request, writer, on: channel)
      },
      configuration: HTTP1Channel.Configuration(
        idleTimeout: HTTPListener<HTTP1Channel>.idleTimeout,
        httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024)))
  }

  private func listen(
    _ http: StatusServerOptions.HTTP, _ context: APIContext
  ) async throws -> (any RunnableListener, SocketAddress?) {
    do {
      let access = AccessRules(
        hosts: Set(http.hosts.map { $0.lowercased() }), listen: http.listen.address,
        tokens: try http.tokensFile.map { (path) throws(ReaderTokens.Failure) in
          try ReaderTokens(path) { [logger] in logger.warning("\($0)") }
        },
        takesCertificates: http.tls?.clientCAFile != nil, sessions: Sessions(time: time),
        isEncrypted: http.tls != nil)
      let child = child(responder(context, access: access, name: "tcp"))
      let address = try SocketAddress(
        ipAddress: http.listen.address.description, port: Int(http.listen.port))
      if let tls = http.tls {
        let channel = try TLSChannel(child, tlsConfiguration: try Self.configuration(of: tls))
        let listener = try await HTTPListener(channel, at: address, logger: logger)
        return (listener, listener.address)
      }
      let listener = try await HTTPListener(child, at: address, logger: logger)
      return (listener, listener.address)
    } catch {
      throw Failure(description: "http.listen \(http.listen): \(error)")
    }
  }

  private static func configuration(of tls: StatusServerOptions.TLS) throws -> TLSConfiguration {
    let chain = try NIOSSLCertificate.fromPEMFile(tls.certificateFile).map {
      NIOSSLCertificateSource.certificate($0)
    }
    let key = try NIOSSLPrivateKey(file: tls.keyFile, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    if let file = tls.clientCAFile {
      // Optional, as health is for everybody.
      configuration.certificateVerification = .optionalVerification
      configuration.trustRoots = .file(file)
    }
    return configuration
  }
}

/// A listener of any kind.
protocol RunnableListener: Sendable {
  func run() async throws
  func stop()
}

extension HTTPListener: RunnableListener {}
