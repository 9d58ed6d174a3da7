import NIOCore
import NIOHTTP2

/// Lets bytes on to the HTTP/2 handler above as whole frames only.
///
/// The frame parser of swift-nio-http2 forgets what it has read only when its bytes end with a frame,
/// outside of a block of headers. From a service whose writes never do it keeps all that was ever received.
final class FrameGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var frames: WholeFrames

  /// - Parameter maximumFrameSize: the largest payload that the handler above takes.
  init(maximumFrameSize: Int) { frames = WholeFrames(maximumFrameSize: maximumFrameSize) }

  /// Puts a gate before the HTTP/2 handler of `channel`; on its event loop.
  static func install(in channel: any Channel, maximumFrameSize: Int) throws {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      FrameGate(maximumFrameSize: maximumFrameSize),
      position: .before(try pipeline.handler(type: NIOHTTP2Handler.self)))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let whole = frames.append(unwrapInboundIn(data)) else { return }
    context.fireChannelRead(wrapInboundOut(whole))
  }
}

/// Received bytes, cut where a frame ends and no block of headers is unfinished (RFC 9113, 4.1 and 4.3).
struct WholeFrames {
  private let maximumFrameSize: Int
  /// What doesn't go on yet; its start is where the last piece was cut.
  private var held = ByteBuffer()
  /// How many of the held bytes are whole frames, of an unfinished block of headers.
  private var scanned = 0
  private var isInHeaderBlock = false

  /// The most bytes that are held: more than any parser takes as a frame or as a block of headers.
  static let maximumHeld = 1 << 16
  private static let headerLength = 9

  /// - Parameter maximumFrameSize: the largest payload of a frame, less than ``maximumHeld``.
  init(maximumFrameSize: Int) { self.maximumFrameSize = maximumFrameSize }

  /// How many bytes are held.
  var heldCount: Int { held.readableBytes }

  /// Takes what was received, and gives what may go on; nil: nothing yet.
  ///
  /// What breaks a limit goes on at once, as it is: the parser refuses it.
  mutating func append(_ bytes: ByteBuffer) -> ByteBuffer? {
    var all = bytes
    let isOwn = held.readableBytes > 0
    if isOwn {
      // Moved, not copied: it has one owner while it grows.
      all = held
      held = ByteBuffer()
      all.writeImmutableBuffer(bytes)
    }
    let count = cut(in: all)
    if count == 0, isOwn {
      held = all
      return nil
    }
    let whole = all.readSlice(length: count)
    // A copy: what was received isn't kept for its rest.
    held = ByteBuffer(bytes: all.readableBytesView)
    return count > 0 ? whole : nil
  }

  /// How many bytes of `all`, which begins with what was scanned, may go on.
  private mutating func cut(in all: ByteBuffer) -> Int {
    var complete = 0
    while let frame = header(in: all, at: scanned) {
      guard frame.length <= maximumFrameSize else { return flush(all) }
      let end = scanned + Self.headerLength + frame.length
      guard end <= all.readableBytes else { break }
      scanned = end
      isInHeaderBlock = frame.beginsOrContinuesHeaderBlock
      if !isInHeaderBlock { complete = end }
    }
    guard all.readableBytes - complete <= Self.maximumHeld else { return flush(all) }
    scanned -= complete
    return complete
  }

  private mutating func flush(_ all: ByteBuffer) -> Int {
    scanned = 0
    isInHeaderBlock = false
    return all.readableBytes
  }

  private struct Header {
    var length: Int
    /// Whether a block of headers is unfinished after this frame.
    var beginsOrContinuesHeaderBlock: Bool
  }

  private func header(in all: ByteBuffer, at offset: Int) -> Header? {
    let start = all.readerIndex + offset
    guard all.writerIndex - start >= Self.headerLength,
      let high: UInt8 = all.getInteger(at: start), let low: UInt16 = all.getInteger(at: start + 1),
      let type: UInt8 = all.getInteger(at: start + 3), let flags: UInt8 = all.getInteger(at: start + 4)
    else { return nil }
    // HEADERS, PUSH_PROMISE, CONTINUATION without END_HEADERS.
    let hasHeaders = type == 1 || type == 5 || type == 9
    return Header(
      length: Int(high) << 16 | Int(low), beginsOrContinuesHeaderBlock: hasHeaders && flags & 0x4 == 0)
  }
}
