import ClusterModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves the service's pages over plain HTTP/1.
struct PageServer: Sendable {
  let service: ServiceContext

  /// How long a page connection may do nothing.
  static let idle = TimeAmount.seconds(60)
  /// Page connections open at once.
  static let connections = 512
  /// Bytes of pages that clients haven't taken in yet, all together.
  static let unsentBytes = 64 << 20

  let openConnections = Gauge()
  let unsent = Gauge()

  func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard openConnections.add(1, upTo: Self.connections) else {
            throw ChannelError.operationUnsupported
          }
          channel.closeFuture.whenComplete { _ in openConnections.add(-1) }
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idle))
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(PageHandler(pages: Pages(service: service), unsent: unsent))
        }
      }
  }
}

/// One page connection: answers each request when it is whole. Bodies are ignored.
final class PageHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let pages: Pages
  private let unsent: Gauge
  private var head: HTTPRequestHead?

  init(pages: Pages, unsent: Gauge) {
    self.pages = pages
    self.unsent = unsent
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      respond(head, context)
    }
  }

  private func respond(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard request.method == .GET || request.method == .HEAD else {
      return send(Page(status: .methodNotAllowed, text: "GET and HEAD only\n"), request, context)
    }
    let client = PageClient(
      peer: IPAddress(context.remoteAddress), realIP: request.headers.first(name: "x-real-ip"),
      forwardedFor: request.headers[canonicalForm: "x-forwarded-for"].joined(separator: ","),
      authorization: request.headers.first(name: "authorization"))
    switch pages.page(PageTarget(request.uri), for: client) {
    case .ready(let page): send(page, request, context)
    case .later(let work):
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.makeFutureWithTask { await work() }.whenSuccess { page in
        let (handler, context) = bound.value
        handler.send(page, request, context)
      }
    }
  }

  private func send(_ whole: Page, _ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    var page = whole
    var body = context.channel.allocator.buffer(string: page.body)
    let isBooked = unsent.add(body.readableBytes, upTo: PageServer.unsentBytes)
    let booked = isBooked ? body.readableBytes : 0
    if !isBooked {
      page = Page(status: .serviceUnavailable, text: "too many pages wait for slow clients\n")
      body = context.channel.allocator.buffer(string: page.body)
    }
    var headers = HTTPHeaders([
      ("content-type", page.contentType), ("content-length", "\(body.readableBytes)"),
      ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
      ("referrer-policy", "no-referrer"),
    ])
    if page.status == .unauthorized { headers.add(name: "www-authenticate", value: "Bearer") }
    if let policy = page.securityPolicy { headers.add(name: "content-security-policy", value: policy) }
    let head = HTTPResponseHead(version: request.version, status: page.status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    }
    let done = context.eventLoop.makePromise(of: Void.self)
    done.futureResult.whenComplete { [unsent] _ in unsent.add(-booked) }
    if !request.isKeepAlive {
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      done.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
