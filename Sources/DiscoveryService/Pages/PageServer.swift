import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves the service's pages over plain HTTP/1.
struct PageServer: Sendable {
  let service: ServiceContext

  /// How long a page connection may do nothing.
  static let idle = TimeAmount.seconds(60)

  func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idle))
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(PageHandler(pages: Pages(service: service)))
        }
      }
  }
}

/// One page connection: answers each request when it is whole. Bodies are ignored.
final class PageHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let pages: Pages
  private var head: HTTPRequestHead?

  init(pages: Pages) { self.pages = pages }

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
    let target = PageTarget(request.uri)
    switch pages.page(target, authorization: request.headers.first(name: "authorization")) {
    case .ready(let page): send(page, request, context)
    case .later(let work):
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.makeFutureWithTask { await work() }.whenSuccess { page in
        let (handler, context) = bound.value
        handler.send(page, request, context)
      }
    }
  }

  private func send(_ page: Page, _ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let body = context.channel.allocator.buffer(string: page.body)
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
