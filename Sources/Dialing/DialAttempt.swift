import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Platform
import Synchronization

/// One attempt to connect, which is run once.
final class DialAttempt<Output: Sendable>: Sendable {
  private struct State {
    var promise: EventLoopPromise<Void>?
    var channel: (any Channel)?
    /// What the connection became, until somebody takes it.
    var output: Output?
    var isCancelled = false
  }

  private let target: HostPort
  private let proxy: ProxyURL?
  private let tls: ClientTLS?
  private let configure: @Sendable (any Channel) throws -> Output
  private let state = Mutex(State())

  init(
    target: HostPort, proxy: ProxyURL?, tls: ClientTLS?,
    configure: @escaping @Sendable (any Channel) throws -> Output
  ) {
    self.target = target
    self.proxy = proxy
    self.tls = tls
    self.configure = configure
  }

  /// Connects.
  ///
  /// - Parameter limit: after which the system's attempts end even if nobody cancels.
  func run(limit: Duration, _ resolver: (any Resolver & Sendable)?) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let promise = loop.makePromise(of: Void.self)
    let isCancelled = state.withLock { state in
      if !state.isCancelled { state.promise = promise }
      return state.isCancelled
    }
    guard !isCancelled else {
      promise.fail(CancellationError())
      return try await promise.futureResult.get()
    }
    let first = proxy.map { HostPort(host: $0.host, port: $0.port) } ?? target
    return try await withTaskCancellationHandler {
      ClientBootstrap(group: loop)
        .resolver(resolver)
        .connectTimeout(TimeAmount(limit) + .seconds(1))
        // What the other end says before somebody listens would be lost.
        .channelOption(.autoRead, value: false)
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .connect(host: first.host, port: first.port)
        .whenComplete { result in
          switch result {
          case .success(let channel): self.connected(channel)
          case .failure(let error): self.fail(self.explain(error, connectingTo: first))
          }
        }
      return try await promise.futureResult.get()
    } onCancel: {
      cancel()
    }
  }

  /// What the connection became; once.
  func take() -> Output? {
    state.withLock { state in
      defer { (state.output, state.channel) = (nil, nil) }
      return state.output
    }
  }

  /// Closes what nobody took.
  func discard() {
    let (channel, output) = state.withLock { state in
      defer { (state.output, state.channel) = (nil, nil) }
      return (state.channel, state.output)
    }
    channel?.closeFuture.whenComplete { _ in withExtendedLifetime(output) {} }
    channel?.close(promise: nil)
  }

  private func cancel() {
    let promise = state.withLock { state in
      defer { (state.promise, state.isCancelled) = (nil, true) }
      return state.promise
    }
    discard()
    promise?.fail(CancellationError())
  }

  private func fail(_ error: any Error) {
    let promise = state.withLock { state in
      defer { (state.promise, state.channel) = (nil, nil) }
      return state.promise
    }
    promise?.fail(error)
  }

  private func connected(_ channel: any Channel) {
    let goesOn = state.withLock { state in
      if state.promise != nil { state.channel = channel }
      return state.promise != nil
    }
    guard goesOn else { return channel.close(promise: nil) }
    var stages: [DialStage] = []
    if let proxy {
      if proxy.kind == .https {
        stages.append(
          .tls(
            ClientTLS(
              peer: "\(proxy)", serverName: proxy.host, anchors: .system, protocols: ["http/1.1"]),
            isProxy: true))
      }
      stages.append(.proxy(proxy.handshake(to: target)))
    }
    if let tls { stages.append(.tls(tls, isProxy: false)) }
    let handler = DialHandler(stages) { result in
      switch result {
      case .success: self.hand(channel)
      case .failure(let failure):
        channel.close(promise: nil)
        self.fail(self.error(failure.kind, failure.message, ofProxy: failure.isProxy))
      }
    }
    do {
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      fail(self.error(.closed, "the connection was closed at once"))
      return
    }
    channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
    handler.begin()
  }

  /// Has what speaks with the server added, and gives that to who waits.
  private func hand(_ channel: any Channel) {
    let output: Output
    do {
      output = try configure(channel)
    } catch {
      channel.close(promise: nil)
      fail(error)
      return
    }
    let promise = state.withLock { state in
      defer { state.promise = nil }
      // Also where nobody waits any more: it is discarded then.
      (state.channel, state.output) = (channel, output)
      return state.promise
    }
    guard let promise else { return discard() }
    promise.succeed()
  }

  // MARK: Errors

  func error(_ kind: DialError.Kind, _ message: String, ofProxy: Bool = false) -> DialError {
    guard let proxy else { return DialError(kind: kind, message: message) }
    return DialError(
      kind: kind,
      message: ofProxy ? "the proxy \(proxy) \(message)" : "\(message), through the proxy \(proxy)")
  }

  private func explain(_ error: any Error, connectingTo host: HostPort) -> DialError {
    let (kind, reason) = Self.reason(error, host)
    guard let proxy else { return DialError(kind: kind, message: reason) }
    return DialError(kind: kind, message: "the proxy \(proxy) can't be reached: \(reason)")
  }

  private static func reason(_ error: any Error, _ host: HostPort) -> (DialError.Kind, String) {
    switch error {
    case let error as NIOConnectionError where error.connectionErrors.isEmpty:
      return (.unknownName, "the name '\(host.host)' isn't known")
    case let error as NIOConnectionError:
      // One line for all addresses that fail for one reason.
      var reasons: [(text: String, addresses: [String])] = []
      for failure in error.connectionErrors {
        let text = (failure.error as? IOError).map { errnoText($0.errnoCode) } ?? Self.text(failure.error)
        let address = failure.target.ipAddress ?? host.host
        if let index = reasons.firstIndex(where: { $0.text == text }) {
          reasons[index].addresses.append(address)
        } else {
          reasons.append((text, [address]))
        }
      }
      let isPlain =
        error.connectionErrors.count == 1 && error.connectionErrors[0].target.ipAddress == host.host
      guard !isPlain else { return (.unreachable, reasons[0].text) }
      let shown = reasons.prefix(4).map { "\($0.text) (\($0.addresses.prefix(8).joined(separator: ", ")))" }
      return (.unreachable, shown.joined(separator: "; "))
    case let error as IOError: return (.unreachable, errnoText(error.errnoCode))
    default: return (.unreachable, text(error))
    }
  }

  private static func text(_ error: any Error) -> String {
    if case ChannelError.connectTimeout? = error as? ChannelError { return "no connection in time" }
    return String(String(describing: error).prefix(200))
  }
}

/// What has to be gone through on a connection before it leads to the server.
enum DialStage {
  case tls(ClientTLS, isProxy: Bool)
  case proxy(any ProxyHandshake)
}

/// Goes through stages, at the end of a channel's pipeline, and removes itself.
final class DialHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  struct Failure: Error {
    var kind: DialError.Kind
    var message: String
    /// Whether the message goes on after the proxy's name.
    var isProxy = false
  }

  private var stages: ArraySlice<DialStage>
  private var verdict = CertificateVerdict()
  /// What the proxy sent and wasn't understood yet.
  private var received: [UInt8] = []
  private var context: ChannelHandlerContext?
  private var done: ((Result<Void, Failure>) -> Void)?

  /// - Parameter done: called once, on the event loop; before what follows is read, where it succeeds.
  init(_ stages: [DialStage], done: @escaping (Result<Void, Failure>) -> Void) {
    self.stages = stages[...]
    self.done = done
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    fail(Failure(kind: .closed, message: "the connection was closed"))
  }

  /// Begins the first stage.
  func begin() {
    guard let context else { return }
    switch stages.first {
    case nil: finish(context)
    case .tls(let tls, _):
      do {
        verdict = CertificateVerdict()
        try context.pipeline.syncOperations.addHandler(try tls.handler(verdict), position: .before(self))
      } catch {
        fail(
          Failure(kind: .tls, message: TLSFailure.text(of: error) ?? "TLS can't be spoken with \(tls.peer)"))
      }
    case .proxy(var handshake):
      let bytes = handshake.start()
      stages[stages.startIndex] = .proxy(handshake)
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    guard case .proxy(var handshake)? = stages.first else { return context.fireChannelRead(data) }
    received += bytes.readableBytesView
    do throws(ProxyError) {
      while true {
        let step = try handshake.receive(&received)
        stages[stages.startIndex] = .proxy(handshake)
        switch step {
        case .waitForMore: return
        case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .done: return advance()
        }
      }
    } catch {
      fail(Failure(kind: .proxy, message: error.message, isProxy: true))
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent, case .tls? = stages.first {
      advance()
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let isProxy = isAtProxy
    if let problem = verdict.problem {
      fail(Failure(kind: .certificate(problem.kind), message: problem.message))
    } else if let text = TLSFailure.text(of: error) {
      fail(Failure(kind: .tls, message: text, isProxy: isProxy))
    } else {
      let text =
        (error as? IOError).map { errnoText($0.errnoCode) } ?? String(String(describing: error).prefix(200))
      fail(
        Failure(
          kind: .closed, message: isProxy ? "broke the connection off: \(text)" : text, isProxy: isProxy))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    let isProxy = isAtProxy
    let text =
      switch stages.first {
      case .tls: TLSFailure.brokenOff
      default: isProxy ? "closed the connection without an answer" : "it closed the connection"
      }
    fail(
      verdict.problem.map { Failure(kind: .certificate($0.kind), message: $0.message) }
        ?? Failure(kind: .closed, message: text, isProxy: isProxy))
    context.fireChannelInactive()
  }

  /// Whether it is the proxy that is spoken with.
  private var isAtProxy: Bool {
    switch stages.first {
    case .proxy: true
    case .tls(_, let isProxy): isProxy
    case nil: false
    }
  }

  private func advance() {
    stages = stages.dropFirst()
    if case .tls? = stages.first, !received.isEmpty {
      return fail(Failure(kind: .proxy, message: "sends more than it was asked for", isProxy: true))
    }
    begin()
  }

  private func finish(_ context: ChannelHandlerContext) {
    guard let done else { return }
    self.done = nil
    done(.success(()))
    if !received.isEmpty {
      context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: received)))
      context.fireChannelReadComplete()
    }
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  private func fail(_ failure: Failure) {
    guard let done else { return }
    self.done = nil
    done(.failure(failure))
  }
}
