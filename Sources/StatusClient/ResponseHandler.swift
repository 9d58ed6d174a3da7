import NIOCore
import NIOHTTP1

/// Sends one request as soon as the connection stands, and gives the answer's head to a promise and its bytes to who
/// reads the channel. Where the answer ends, so does the channel.
final class ResponseHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = HTTPClientRequestPart

  private let request: HTTPRequestHead
  private let body: [UInt8]
  private let head: EventLoopPromise<HTTPResponseHead>
  private var isHeadKnown = false
  private var hasEnded = false

  init(request: HTTPRequestHead, body: [UInt8], head: EventLoopPromise<HTTPResponseHead>) {
    self.request = request
    self.body = body
    self.head = head
  }

  func channelActive(context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(request)), promise: nil)
    if !body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let response):
      // An interim answer is followed by the one that counts.
      guard response.status.code >= 200 else { return }
      isHeadKnown = true
      head.succeed(response)
    case .body(let bytes): context.fireChannelRead(wrapInboundOut(bytes))
    case .end where isHeadKnown:
      hasEnded = true
      context.close(promise: nil)
    case .end: break
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent {
      fail(ResponseEnd.idle, context)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error, context) }

  func channelInactive(context: ChannelHandlerContext) {
    if !hasEnded { fail(ResponseEnd.early, context) }
    context.fireChannelInactive()
  }

  private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
    if !isHeadKnown {
      isHeadKnown = true
      head.fail(error)
    }
    guard !hasEnded else { return }
    hasEnded = true
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }
}

/// Why there is no whole answer.
enum ResponseEnd: Error {
  /// The connection ended first.
  case early
  /// Nothing came for too long, not even a sign of life.
  case idle
  /// The time for it is over.
  case late
}
