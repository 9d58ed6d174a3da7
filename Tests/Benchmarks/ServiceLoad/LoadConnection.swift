import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// One HTTP/2 connection of the load: a writer or a watcher, as cheap as can be.
final class LoadConnection: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  static let window = 1 << 30

  var context: ChannelHandlerContext?
  var watcher: WatcherRole?
  var writer: WriterRole?
  private let pings: Bool
  private var received = 0
  private var sawData = false
  private var pingIsOut = false
  private(set) var isClosed = false

  init(pings: Bool) { self.pings = pings }

  static func configuration() -> NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [.init(parameter: .initialWindowSize, value: window)]
    configuration.controlFrameRateLimit.windowLength = .milliseconds(1)
    configuration.headerBlockValidation = .disabled
    configuration.contentLengthValidation = .disabled
    return configuration
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    send(.rootStream, .windowUpdate(windowSizeIncrement: Self.window))
    context.flush()
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosed = true
    writer?.closed()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func send(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
    context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
  }

  func flush() { context?.flush() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .data(let content):
      guard case .byteBuffer(let bytes) = content.data else { return }
      received += bytes.readableBytes
      sawData = true
      watcher?.receive(bytes)
    case .headers(let headers):
      guard headers.endStream else { return }
      let status = headers.headers.first(name: "grpc-status")
      if let watcher { watcher.isEnded = true } else { writer?.answered(frame.streamID, ok: status == "0") }
    case .rstStream:
      if let watcher { watcher.isEnded = true } else { writer?.answered(frame.streamID, ok: false) }
    case .ping(_, let ack): if ack { pingIsOut = false }
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if received >= Self.window / 2 {
      let id: HTTP2StreamID = 1
      for target in watcher == nil ? [.rootStream] : [.rootStream, id] {
        send(target, .windowUpdate(windowSizeIncrement: received))
      }
      received = 0
    }
    if pings, sawData, !pingIsOut {
      pingIsOut = true
      send(.rootStream, .ping(HTTP2PingData(withInteger: 1), ack: false))
    }
    sawData = false
    context.flush()
  }
}

/// What a call begins with.
enum LoadHeaders {
  static func make(_ method: String, address: String) -> HPACKHeaders {
    HPACKHeaders([
      (":method", "POST"), (":scheme", "http"), (":path", "/sidero.discovery.server.Cluster/\(method)"),
      (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
      ("x-real-ip", address),
    ])
  }
}
