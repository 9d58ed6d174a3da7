import NIOCore
import NIOTLS
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
    } else if let io = error as? IOError, [ECONNRESET, EPIPE].contains(io.errnoCode),
      case .tls? = stages.first
    {
      // As where it closes: what was sent decides which of the two the system tells.
      fail(Failure(kind: .closed, message: TLSFailure.brokenOff, isProxy: isProxy))
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
