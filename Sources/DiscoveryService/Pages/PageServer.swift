import ClusterModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves the service's pages over plain HTTP/1.
struct PageServer: Sendable {
  let service: ServiceContext
  /// How long a connection may take for a request and its answer, and between two.
  let patience: TimeAmount
  /// Bytes of pages that clients haven't taken in yet, all together.
  let unsentBytes: Int
  private let connections: PageConnections

  /// - Parameter connections: How many may be open at once. People and Prometheus need few.
  init(
    service: ServiceContext, patience: TimeAmount = .seconds(60), connections: Int = 1000,
    unsentBytes: Int = 32 << 20
  ) {
    self.service = service
    self.patience = patience
    self.unsentBytes = unsentBytes
    self.connections = PageConnections(limit: connections, gauge: service.metrics.pageConnections)
  }

  func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .pausesAccepting(metrics: service.metrics)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 4096)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(
            PageHandler(
              pages: Pages(service: service), connections: connections, patience: patience,
              unsentBytes: unsentBytes))
        }
      }
  }
}

/// One page connection: answers each request when it is whole. Bodies are ignored.
final class PageHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let pages: Pages
  private let connections: PageConnections
  private let patience: TimeAmount
  private let unsentBytes: Int
  private var head: HTTPRequestHead?
  private var end: Scheduled<Void>?

  init(pages: Pages, connections: PageConnections, patience: TimeAmount, unsentBytes: Int) {
    self.pages = pages
    self.connections = connections
    self.unsentBytes = unsentBytes
    self.patience = patience
  }

  func channelActive(context: ChannelHandlerContext) {
    connections.add(context.channel, client: IPAddress(context.remoteAddress)?.client)
    beginPatience(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end?.cancel()
    connections.remove(context.channel)
    context.fireChannelInactive()
  }

  /// A whole request, not some bytes now and then, earns a connection more time.
  private func beginPatience(_ context: ChannelHandlerContext) {
    end?.cancel()
    end = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      connections.touch(context.channel)
      beginPatience(context)
      respond(head, context)
    }
  }

  private func respond(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard request.method == .GET || request.method == .HEAD else {
      return send(Page(status: .methodNotAllowed, text: "GET and HEAD only\n"), request, context)
    }
    let target = PageTarget(request.uri)
    let forwardedFor = request.headers["x-forwarded-for"].joined(separator: ",")
    let peer = pages.service.addresses.resolve(
      peer: IPAddress(context.remoteAddress), realIP: request.headers.first(name: "x-real-ip"),
      forwardedFor: forwardedFor.isEmpty ? nil : forwardedFor)
    switch pages.page(target, authorization: request.headers.first(name: "authorization"), peer: peer) {
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
    let unsent = pages.service.metrics.unsentPageBytes
    var booked = body.readableBytes
    if !unsent.add(booked, upTo: unsentBytes) {
      booked = 0
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
    done.futureResult.whenComplete { [booked] _ in unsent.add(-booked) }
    if !request.isKeepAlive {
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      done.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
