import NIOCore

/// Paces the acknowledgements of PINGs: ten at once, then one a second.
///
/// A grpc-go client sends a PING with the first message it reads while none is outstanding; acknowledging late
/// bounds those PINGs and with them half of the cost of telling watchers. A keep-alive PING comes alone and
/// is answered at once, and so is every PING while a stream waits for its window, as then the client measures
/// in earnest.
///
/// Stands below the HTTP/2 handler, where an acknowledgement is a frame of 17 bytes written on its own.
final class PingAckPacing: ChannelOutboundHandler {
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  private static let burst = 10
  private static let gap = TimeAmount.seconds(1)

  private let isBlocked: () -> Bool
  private var tokens = burst
  private var refilled = NIODeadline.now()
  private var held: [ByteBuffer] = []
  private var timer: Scheduled<Void>?
  private var wrote = false
  private var contentFollows = false

  /// - Parameter isBlocked: Whether a stream of the connection waits for its window.
  init(isBlocked: @escaping () -> Bool) { self.isBlocked = isBlocked }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .byteBuffer(let bytes) = unwrapOutboundIn(data) {
      // The content of DATA comes by itself behind its head, and may look like anything.
      let isContent = contentFollows
      contentFollows = !isContent && Self.isDataHead(bytes)
      if !isContent, Self.isPingAck(bytes), !isBlocked(), !takeToken() {
        held.append(bytes)
        promise?.succeed(())
        startTimer(context)
        return
      }
    }
    wrote = true
    context.write(data, promise: promise)
  }

  func flush(context: ChannelHandlerContext) {
    // A turn that only held back an acknowledgement has nothing to flush.
    guard wrote else { return }
    wrote = false
    context.flush()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    held = []
  }

  /// The nine bytes before the content of a DATA frame that has any.
  private static func isDataHead(_ bytes: ByteBuffer) -> Bool {
    let start = bytes.readerIndex
    return bytes.readableBytes == 9 && bytes.getInteger(at: start + 3, as: UInt8.self) == 0
      && bytes.getInteger(at: start, as: UInt32.self).map { $0 >> 8 > 0 } == true
  }

  private static func isPingAck(_ bytes: ByteBuffer) -> Bool {
    bytes.readableBytes == 17 && bytes.getInteger(at: bytes.readerIndex + 3, as: UInt16.self) == 0x0601
  }

  private func takeToken() -> Bool {
    let earned = Int((NIODeadline.now() - refilled).nanoseconds / Self.gap.nanoseconds)
    if earned > 0 {
      tokens = min(Self.burst, tokens + earned)
      refilled = refilled + .seconds(Int64(earned))
    }
    guard tokens > 0, held.isEmpty else { return false }
    tokens -= 1
    return true
  }

  private func startTimer(_ context: ChannelHandlerContext) {
    guard timer == nil else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.gap) {
      self.timer = nil
      for bytes in self.held { context.write(self.wrapOutboundOut(.byteBuffer(bytes)), promise: nil) }
      self.held.removeAll(keepingCapacity: true)
      context.flush()
    }
  }
}
