import NIOCore

/// Cuts what a client sends into frames.
///
/// Keeps the beginning of one frame that isn't whole yet, and of frames that nobody looks at nothing at all: so
/// memory doesn't depend on how a client cuts its writes.
struct FrameReader {
  enum Step {
    /// A whole frame and its payload, which shares memory with what was read: what is kept of it is to be copied.
    case frame(FrameHead, ByteBuffer)
    /// A frame of a kind that we don't know; its payload is dropped as it comes.
    case ignored(FrameHead)
    /// All that was fed has been looked at.
    case incomplete
    case failed(FrameErrorCode)
  }

  /// What a client sends before its first frame.
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private var chunk = ByteBuffer()
  private var partial = ByteBuffer()
  private var skipping = 0
  private var prefaceBytes = 0
  private var hasFailed = false

  /// Bytes of memory that it holds between two reads.
  var keptBytes: Int { partial.readableBytes == 0 ? 0 : partial.storageCapacity }

  /// Takes what was read. To be called when ``next()`` has said that all before is looked at.
  mutating func feed(_ bytes: ByteBuffer) { chunk = bytes }

  /// The next frame. After a failure there is none.
  mutating func next() -> Step {
    if hasFailed { return .incomplete }
    guard readPreface() else { return fail(.protocolError) }
    if prefaceBytes < Self.preface.count || !skip() { return rest() }
    return partial.readableBytes > 0 ? complete() : nextOfChunk()
  }

  /// False where it isn't a client of HTTP/2.
  private mutating func readPreface() -> Bool {
    while prefaceBytes < Self.preface.count, let byte: UInt8 = chunk.readInteger() {
      guard byte == Self.preface[prefaceBytes] else { return false }
      prefaceBytes += 1
    }
    return true
  }

  /// Drops what is left of an ignored frame; false where there is more of it to come.
  private mutating func skip() -> Bool {
    let count = min(skipping, chunk.readableBytes)
    chunk.moveReaderIndex(forwardBy: count)
    skipping -= count
    return skipping == 0
  }

  private mutating func nextOfChunk() -> Step {
    guard let head = FrameHead(chunk) else { return keepRest() }
    guard head.length <= FrameHead.largestPayload else { return fail(.frameSizeError) }
    if head.kind > FrameHead.Kind.continuation {
      chunk.moveReaderIndex(forwardBy: FrameHead.count)
      return ignore(head)
    }
    guard chunk.readableBytes >= FrameHead.count + head.length else { return keepRest() }
    chunk.moveReaderIndex(forwardBy: FrameHead.count)
    guard let payload = chunk.readSlice(length: head.length) else { return fail(.internalError) }
    return .frame(head, payload)
  }

  /// The frame that began in an earlier read.
  private mutating func complete() -> Step {
    take(upTo: FrameHead.count)
    guard let head = FrameHead(partial) else { return rest() }
    guard head.length <= FrameHead.largestPayload else { return fail(.frameSizeError) }
    if head.kind > FrameHead.Kind.continuation {
      partial = ByteBuffer()
      return ignore(head)
    }
    take(upTo: FrameHead.count + head.length)
    guard partial.readableBytes == FrameHead.count + head.length else { return rest() }
    var payload = partial
    partial = ByteBuffer()
    payload.moveReaderIndex(forwardBy: FrameHead.count)
    return .frame(head, payload)
  }

  private mutating func ignore(_ head: FrameHead) -> Step {
    skipping = head.length
    _ = skip()
    return .ignored(head)
  }

  private mutating func take(upTo count: Int) {
    let missing = min(count - partial.readableBytes, chunk.readableBytes)
    if missing > 0, let part = chunk.readSlice(length: missing) { partial.writeImmutableBuffer(part) }
  }

  private mutating func keepRest() -> Step {
    if chunk.readableBytes > 0 { partial = ByteBuffer(bytes: chunk.readableBytesView) }
    return rest()
  }

  /// Lets go of what was read: its memory is used again.
  private mutating func rest() -> Step {
    chunk = ByteBuffer()
    return .incomplete
  }

  private mutating func fail(_ code: FrameErrorCode) -> Step {
    hasFailed = true
    chunk = ByteBuffer()
    partial = ByteBuffer()
    return .failed(code)
  }
}
