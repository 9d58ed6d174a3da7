import NIOCore

/// Has what is written to a connection during one turn of its event loop go out at the turn's end, in one piece.
///
/// In a turn a watcher's connection may get the acknowledgement of a PING, an answer and changes, each of them
/// several small buffers. A system call costs more than all the rest, so there is one for all of them. Nothing
/// waits for longer than the turn lasts.
///
/// Stands below the HTTP/2 handler, which flushes whenever it answers a frame by itself.
final class TurnFlush: ChannelOutboundHandler {
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  /// What is larger is handed on as it is: copying would cost more than another buffer.
  private static let copied = 2048
  /// As much may wait here, where the channel's own bound on what is unsent doesn't see it.
  private static let collected = 16_384

  private let loop: FanOutLoop
  private var context: ChannelHandlerContext?
  private var pending = ByteBuffer()
  private var isPlanned = false

  init(loop: FanOutLoop) { self.loop = loop }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    pending = ByteBuffer()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard promise == nil, case .byteBuffer(var bytes) = unwrapOutboundIn(data),
      bytes.readableBytes <= Self.copied
    else {
      handOn(context)
      return context.write(data, promise: promise)
    }
    if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
    if pending.readableBytes > Self.collected { handOn(context) }
  }

  func flush(context: ChannelHandlerContext) {
    guard !isPlanned else { return }
    isPlanned = true
    loop.flushAtTurnEnd(self)
  }

  /// The turn ends.
  func flushNow() {
    isPlanned = false
    guard let context else { return }
    handOn(context)
    context.flush()
  }

  /// What was to be flushed before the end still is.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if isPlanned { flushNow() }
    context.close(mode: mode, promise: promise)
  }

  private func handOn(_ context: ChannelHandlerContext) {
    guard pending.readableBytes > 0 else { return }
    let bytes = pending
    pending = ByteBuffer()
    context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
  }
}
