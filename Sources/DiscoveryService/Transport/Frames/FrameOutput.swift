import NIOCore

/// The frames that a connection has to send, put together so that a turn of the loop sends them by one write.
struct FrameOutput {
  /// Content up to this size is copied behind its head, larger one is a buffer of its own. Within TLS all is
  /// copied: each buffer would be a record of its own.
  private let copied: Int
  private var buffer = ByteBuffer()
  private var finished: [ByteBuffer] = []
  private var owesTableUpdate = true

  init(copied: Int) { self.copied = copied }

  /// Bytes to be sent.
  private(set) var count = 0

  /// Takes out what is to be sent, in order.
  mutating func take() -> [ByteBuffer] {
    var all = finished
    if buffer.readableBytes > 0 { all.append(buffer) }
    finished = []
    buffer = ByteBuffer()
    count = 0
    return all
  }

  /// Takes out what is to be sent where it is one buffer, which is nearly always.
  mutating func takeOne() -> ByteBuffer? {
    guard finished.isEmpty, count > 0 else { return nil }
    defer {
      buffer = ByteBuffer()
      count = 0
    }
    return buffer
  }

  mutating func settings(maximumStreams: Int, headerBytes: Int) {
    head(FrameHead(length: 12, kind: FrameHead.Kind.settings))
    buffer.writeMultipleIntegers(
      UInt16(3), UInt32(clamping: maximumStreams), UInt16(6), UInt32(clamping: headerBytes))
    count += 12
  }

  mutating func settingsAcknowledgement() {
    head(FrameHead(length: 0, kind: FrameHead.Kind.settings, flags: FrameHead.Flag.acknowledgement))
  }

  mutating func ping(_ number: UInt64, isAcknowledgement: Bool) {
    head(
      FrameHead(
        length: 8, kind: FrameHead.Kind.ping,
        flags: isAcknowledgement ? FrameHead.Flag.acknowledgement : 0))
    buffer.writeInteger(number)
    count += 8
  }

  mutating func windowUpdate(_ stream: UInt32, _ increment: Int) {
    head(FrameHead(length: 4, kind: FrameHead.Kind.windowUpdate, stream: stream))
    buffer.writeInteger(UInt32(clamping: increment))
    count += 4
  }

  mutating func reset(_ stream: UInt32, _ code: FrameErrorCode) {
    head(FrameHead(length: 4, kind: FrameHead.Kind.reset, stream: stream))
    buffer.writeInteger(code.rawValue)
    count += 4
  }

  /// - Parameter reason: What people who look at the client's log read.
  mutating func goAway(lastStream: UInt32, _ code: FrameErrorCode, reason: String = "") {
    head(FrameHead(length: 8 + reason.utf8.count, kind: FrameHead.Kind.goAway))
    buffer.writeMultipleIntegers(lastStream, code.rawValue)
    buffer.writeString(reason)
    count += 8 + reason.utf8.count
  }

  mutating func headers(_ stream: UInt32, _ block: ByteBuffer, endsStream: Bool) {
    // The first block says that we use no table: a client that makes its own smaller need not be told again.
    let update = owesTableUpdate ? 1 : 0
    let flags = FrameHead.Flag.endHeaders | (endsStream ? FrameHead.Flag.endStream : 0)
    head(
      FrameHead(
        length: block.readableBytes + update, kind: FrameHead.Kind.headers, flags: flags, stream: stream))
    if owesTableUpdate { buffer.writeInteger(0x20 as UInt8) }
    owesTableUpdate = false
    buffer.writeImmutableBuffer(block)
    count += block.readableBytes + update
  }

  /// Content of a stream, in frames as large as everybody takes.
  mutating func data(_ stream: UInt32, _ content: ByteBuffer) {
    var rest = content
    while rest.readableBytes > 0 {
      let length = min(rest.readableBytes, FrameHead.largestPayload)
      guard let part = rest.readSlice(length: length) else { return }
      head(FrameHead(length: length, kind: FrameHead.Kind.data, stream: stream))
      count += length
      if length <= copied {
        buffer.writeImmutableBuffer(part)
      } else {
        finished.append(buffer)
        finished.append(part)
        buffer = ByteBuffer()
      }
    }
  }

  /// The whole answer of a call whose message is empty, which most are: one copy of 60 bytes.
  mutating func emptyAnswer(_ stream: UInt32) {
    guard !owesTableUpdate else {
      headers(stream, ResponseHeaders.ok, endsStream: false)
      data(stream, WatchMessage.empty)
      return headers(stream, ResponseHeaders.okTrailers, endsStream: true)
    }
    let start = buffer.writerIndex
    buffer.writeImmutableBuffer(Self.emptyAnswer)
    for offset in Self.streamOffsets { buffer.setInteger(stream, at: start + offset) }
    count += Self.emptyAnswer.readableBytes
  }

  private static let emptyAnswer: ByteBuffer = {
    var output = FrameOutput(copied: 64)
    output.owesTableUpdate = false
    output.headers(0, ResponseHeaders.ok, endsStream: false)
    output.data(0, WatchMessage.empty)
    output.headers(0, ResponseHeaders.okTrailers, endsStream: true)
    return output.buffer
  }()

  /// Where the stream's number stands in each of its three heads.
  private static let streamOffsets: [Int] = {
    let second = FrameHead.count + ResponseHeaders.ok.readableBytes
    return [5, second + 5, second + FrameHead.count + WatchMessage.empty.readableBytes + 5]
  }()

  private mutating func head(_ head: FrameHead) {
    buffer.writeFrameHead(head)
    count += FrameHead.count
  }
}
