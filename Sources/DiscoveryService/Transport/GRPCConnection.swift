import ClusterModel
import NIOCore
import NIOHTTP2

/// The server's side of one gRPC connection, straight on the frames of `NIOHTTP2Handler`: no channel and no
/// task per call, which is what makes it several times cheaper than a general gRPC server.
///
/// The price is that flow control is done here. What is written to the handler below never exceeds the
/// client's windows, as it would queue there without a bound and unseen.
final class GRPCConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  static let receiveWindow = 1 << 20

  let loop: FanOutLoop
  let service: ServiceContext
  private(set) var context: ChannelHandlerContext?
  private(set) var peer: IPAddress?
  var streams: [HTTP2StreamID: ServerStream] = [:]
  /// Streams that aren't simply open watches: what the sweep has to look at.
  var unsettled = 0
  /// Streams with something to send and no room for it.
  var blocked = 0
  var resumeTurn: UInt = 0
  var lastStream = HTTP2StreamID.rootStream

  /// The stream window that the client starts with, by its SETTINGS.
  var initialWindow = 65_535
  /// How many bytes the client takes on the whole connection now.
  var window = 65_535
  /// A stream was cut short: what it had queued was counted and never sent, so the window is to be read anew.
  private var windowIsUncertain = false
  private var reportedWindow: Int?
  private enum State { case idle, open, closed }
  private var state = State.idle
  private var isReading = false
  private var isFlushPlanned = false
  private var isReadHeldBack = false
  private(set) var isWritable = true
  /// Request bytes that are dealt with and not yet given back to the client as credit.
  private var uncredited = 0
  /// Request bytes that are kept for calls that aren't whole yet.
  var buffered = 0
  /// Bytes written since the last flush.
  private var unflushed = 0
  /// Whether frames are being handed to the handler below.
  private var isWriting = false
  /// Whether all was written and flushed that will ever be.
  var isFinished = false

  var controlFrames: ControlFrameBudget
  var lastFrame = NIODeadline.now()
  var lastProgress = NIODeadline.now()
  var lastCall = NIODeadline.now()
  var hasReceived = false
  var pingSent: NIODeadline?
  var isDraining = false

  init(loop: FanOutLoop, service: ServiceContext) {
    self.loop = loop
    self.service = service
    controlFrames = ControlFrameBudget(capacity: service.options.controlFrames, now: .now())
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { open() }
  }

  func channelActive(context: ChannelHandlerContext) { open() }

  private func open() {
    guard let context, state == .idle else { return }
    state = .open
    peer = IPAddress(context.remoteAddress)
    guard service.metrics.connections.add(1, upTo: service.options.connections) else {
      state = .closed
      service.metrics.reject("connections")
      return context.close(promise: nil)
    }
    service.metrics.connectionsTotal.add()
    loop.add(self)
    send(.rootStream, .windowUpdate(windowSizeIncrement: Self.receiveWindow - 65_535))
    context.flush()
    if service.isDraining { drain() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    close()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    close()
    self.context = nil
  }

  private func close() {
    guard state == .open else { return }
    state = .closed
    loop.remove(self)
    service.metrics.connections.add(-1)
    for stream in Array(streams.values) { forget(stream, code: .cancelled) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Of a stream's error the handler below has told the client by RST_STREAM.
    if error is NIOHTTP2Errors.StreamError { return }
    // All is answered and on its way, and for the handler below the connection has ended with that. What the client
    // still sends, credit for the answers, must not cut them off.
    if isDraining, streams.isEmpty,
      error is NIOHTTP2Errors.IOOnClosedConnection || error is NIOHTTP2Errors.RaisedGoawayLastStreamID
    {
      return
    }
    // A frame of ours that waited below for a channel that could be written to, of a stream that the client has
    // reset meanwhile. The same error for a frame of the client's comes while frames are read.
    if let missing = error as? NIOHTTP2Errors.NoSuchStream, missing.streamID <= lastStream,
      isWriting || !isWritable
    {
      return
    }
    service.metrics.connectionErrors.add()
    service.logger.debug("a connection ends", metadata: ["peer": "\(text(peer))", "error": "\(error)"])
    context.close(promise: nil)
  }

  private func text(_ peer: IPAddress?) -> String { peer.map { "\($0)" } ?? "unknown" }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    lastProgress = .now()
    guard isWritable else { return }
    resumeBlocked()
    flushAfterEvent()
    if isReadHeldBack {
      isReadHeldBack = false
      context.read()
    }
  }

  /// A client that doesn't take in answers isn't read from: or answers would pile up here.
  func read(context: ChannelHandlerContext) {
    if isWritable { context.read() } else { isReadHeldBack = true }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    flushNow()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let closed = event as? StreamClosedEvent {
      if closed.reason != nil { windowIsUncertain = true }
      if let stream = streams[closed.streamID] {
        windowIsUncertain = true
        forget(stream, code: .cancelled)
      }
    } else if let update = event as? NIOHTTP2WindowUpdatedEvent, update.streamID == .rootStream {
      if windowIsUncertain, let size = update.outboundWindowSize { reportedWindow = size }
      if let size = update.inboundWindowSize { creditUnseen(inboundWindow: size) }
    }
  }

  /// Gives credit for request bytes that the handler below has swallowed: those of calls that were refused before
  /// they had come in.
  private func creditUnseen(inboundWindow: Int) {
    let unseen = Self.receiveWindow - inboundWindow - uncredited - buffered
    if state == .open, hasReceived, unseen > 0 { credit(unseen) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    lastFrame = .now()
    pingSent = nil
    hasReceived = true
    let frame = unwrapInboundIn(data)
    let id = frame.streamID
    switch frame.payload {
    case .headers(let headers): begin(id, headers)
    case .data(let data): receive(id, data)
    case .rstStream: if let stream = streams[id] { forget(stream, code: .cancelled) }
    case .windowUpdate(let increment): grow(id, by: increment)
    case .settings(.settings(let settings)):
      spendControlFrame()
      adopt(settings)
    case .ping(_, let ack): if !ack { spendControlFrame() }
    default: break
    }
  }

  // MARK: Windows

  private func grow(_ id: HTTP2StreamID, by increment: Int) {
    if id == .rootStream {
      window += increment
      resumeBlocked()
    } else if let stream = streams[id] {
      stream.window += increment
      if stream.isWaiting { pump(stream) }
    }
  }

  private func adopt(_ settings: HTTP2Settings) {
    for setting in settings where setting.parameter == .initialWindowSize {
      let difference = Int(setting.value) - initialWindow
      initialWindow = Int(setting.value)
      for stream in streams.values { stream.window += difference }
      if difference > 0 { resumeBlocked() }
    }
  }

  private func spendControlFrame() {
    guard !controlFrames.spend(lastFrame) else { return }
    service.metrics.reject("control_frames")
    goAway(.enhanceYourCalm)
  }

  /// Gives the client credit for request bytes that take no room here any more.
  func credit(_ count: Int) {
    uncredited += count
    guard uncredited >= Self.receiveWindow / 4 else { return }
    send(.rootStream, .windowUpdate(windowSizeIncrement: uncredited))
    uncredited = 0
  }

  // MARK: Writing

  func send(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
    let wasWriting = isWriting
    isWriting = true
    context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
    isWriting = wasWriting
  }

  /// Sees to it that what was written goes out: at the end of the read or of the loop's turn, or at once where it
  /// is much: only what was flushed shows in whether the channel can be written to.
  func flushSoon(_ written: Int = 0) {
    unflushed += written
    if unflushed > 65_536 { return flushNow() }
    guard !isReading, !isFlushPlanned else { return }
    isFlushPlanned = true
    loop.flushLater(self)
  }

  func flushNow() {
    isFlushPlanned = false
    unflushed = 0
    let wasWriting = isWriting
    isWriting = true
    context?.flush()
    isWriting = wasWriting
    if windowIsUncertain, isWritable, let reportedWindow {
      // All that was written is either sent or dropped now, so the handler's figure is the true one.
      windowIsUncertain = false
      window = reportedWindow
      self.reportedWindow = nil
    }
  }

  /// Writes what fell due outside a read or a turn of the loop.
  func flushAfterEvent() { if !isReading { flushNow() } }

  func goAway(_ code: HTTP2ErrorCode) {
    send(.rootStream, .goAway(lastStreamID: lastStream, errorCode: code, opaqueData: nil))
    context?.flush()
    context?.close(promise: nil)
  }
}
