import NIOCore
import NIOHPACK
import Platform

/// The receiving side of HTTP/2 on one connection (RFC 9113): which frames may come when, and what they mean.
///
/// A state machine without any I/O: bytes in, events out. It knows nothing of gRPC. Its owner tells it which
/// streams it has ended, how much of what came is dealt with, and what it sent that earns a client more frames.
struct FrameSession {
  enum Event {
    /// A stream begins.
    case headers(UInt32, HPACKHeaders, endsStream: Bool)
    /// A request is over, by trailers.
    case trailers(UInt32)
    /// Content. It shares memory with what was read: what is kept of it is to be copied. `windowBytes` of the
    /// windows are used by it, to be credited once they are dealt with.
    case data(UInt32, ByteBuffer, windowBytes: Int, endsStream: Bool)
    /// A stream is over: its client has reset it.
    case reset(UInt32)
    /// A stream is over: its client broke the rules on it, and is to be told so by RST_STREAM.
    case streamFailed(UInt32, FrameErrorCode)
    /// The client takes so many bytes more on a stream, or on the connection (0).
    case windowGrew(UInt32, Int)
    /// SETTINGS, to be acknowledged; the difference that it makes to every stream's window.
    case settings(windowDifference: Int)
    case ping(UInt64)
    /// The client has acknowledged a PING of ours.
    case pong
    /// Content of a stream that is over has used up this much of the connection's window.
    case unwanted(Int)
    /// The connection is over; nothing more comes.
    case failed(FrameFailure)
  }

  static let connectionWindow = 1 << 20
  static let streamWindow = 65_535
  private static let mostCredits = 100_000

  /// What is still to come on a stream.
  private struct Inbound {
    var window = ReceiveWindow(FrameSession.streamWindow)
    /// Bytes of content that were announced and haven't come.
    var missing: Int?
    var hasEnded = false
  }

  private let maximumStreams: Int
  private var reader = FrameReader()
  private var block: HeaderBlock
  private var decoder: HPACKDecoder
  private var streams: [UInt32: Inbound] = [:]
  private var window = ReceiveWindow(FrameSession.connectionWindow)
  private var hasSettings = false
  private var hasFailed = false
  private var initialWindow = 65_535
  /// Streams that were ended here before their client had: frames of theirs may still be on their way.
  private var cutShort = RecentStreams(capacity: 250)
  /// Streams that the client left out when it last did; they can't be begun any more.
  private var leftOut: Range<UInt32> = 0..<0
  /// PING and SETTINGS.
  private var controlFrames: TokenBucket
  /// Frames that ask for nothing.
  private var quietFrames = TokenBucket(burst: 1000, perSecond: 100)
  /// Of these the ones that answer what was sent: a client that reads late may send many of them at once.
  private var credits = 0
  /// Streams that either side resets.
  private var resets = TokenBucket(burst: 250, perSecond: 20)
  private var now: Duration

  /// The last stream that the client began.
  private(set) var lastStream: UInt32 = 0
  /// From which stream on none are taken any more; what comes on them is dropped.
  private var firstRefused = UInt32.max

  /// - Parameters:
  ///   - headerBytes: Bytes of all headers of one stream.
  ///   - controlFrames: PING and SETTINGS frames that may come at once without our having sent anything.
  init(maximumStreams: Int, headerBytes: Int, controlFrames: Int, now: NIODeadline) {
    self.maximumStreams = maximumStreams
    self.now = now.uptime
    block = HeaderBlock(largest: headerBytes)
    decoder = HPACKDecoder(
      allocator: ByteBufferAllocator(), maxDynamicTableSize: HPACKDecoder.maxDynamicTableSize,
      maxHeaderListSize: headerBytes)
    self.controlFrames = TokenBucket(burst: controlFrames, perSecond: 1)
  }

  /// Whether the client has sent its preface and SETTINGS.
  var hasBegun: Bool { hasSettings }

  /// Whether a header block has begun and isn't whole.
  var isWithinHeaders: Bool { block.isOpen }

  /// Bytes that it keeps between two reads.
  var keptBytes: Int { reader.keptBytes + block.keptBytes }

  /// Takes what was read at `now`; then ``next()`` is to be called until it returns nil.
  mutating func feed(_ bytes: ByteBuffer, now: NIODeadline) {
    self.now = now.uptime
    reader.feed(bytes)
  }

  mutating func next() -> Event? {
    while !hasFailed {
      switch reader.next() {
      case .incomplete: return nil
      case .failed(let code): return fail(code)
      case .frame(let head, let payload): if let event = handle(head, payload) { return event }
      case .ignored:
        guard hasSettings, !block.isOpen else { return fail(.protocolError) }
        if let flood = spendQuiet() { return flood }
      }
    }
    return nil
  }

  // MARK: What the owner does

  /// The stream is over: its answer is sent. Returns whether the client has to be told by RST_STREAM to send no more.
  mutating func end(_ stream: UInt32) -> Bool {
    guard let inbound = streams.removeValue(forKey: stream) else { return false }
    if !inbound.hasEnded { cutShort.insert(stream) }
    return !inbound.hasEnded
  }

  /// The stream is over: it is reset from here.
  mutating func reset(_ stream: UInt32) {
    streams[stream] = nil
    cutShort.insert(stream)
  }

  /// Request bytes need no room any more. Returns the connection's credit to give, if any.
  mutating func credit(_ count: Int) -> Int? { window.credit(count) }

  /// The same for one stream.
  mutating func credit(_ count: Int, of stream: UInt32) -> Int? { streams[stream]?.window.credit(count) }

  /// DATA was sent, in so many frames: clients answer each with credit, for the stream and for the connection, and
  /// all of it with a PING, to measure.
  mutating func sentData(frames: Int) {
    controlFrames.giveBack()
    credits = min(credits + 2 * frames, Self.mostCredits)
  }

  /// Streams after the last one are neither answered nor refused from now on (GOAWAY).
  mutating func refuseFurtherStreams() { firstRefused = lastStream + 1 }

  // MARK: Frames

  private mutating func handle(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    if block.isOpen, head.kind != FrameHead.Kind.continuation { return fail(.protocolError) }
    if !hasSettings, head.kind != FrameHead.Kind.settings || head.has(FrameHead.Flag.acknowledgement) {
      return fail(.protocolError)
    }
    switch head.kind {
    case FrameHead.Kind.data: return data(head, payload)
    case FrameHead.Kind.headers:
      guard head.stream & 1 == 1 else { return fail(.protocolError) }
      return blockStep(block.begin(head, payload))
    case FrameHead.Kind.continuation:
      guard block.isOpen else { return fail(.protocolError) }
      return blockStep(block.append(head, payload))
    case FrameHead.Kind.priority: return priority(head, payload)
    case FrameHead.Kind.reset: return reset(head)
    case FrameHead.Kind.settings: return settings(head, payload)
    case FrameHead.Kind.ping: return ping(head, payload)
    case FrameHead.Kind.goAway:
      guard head.stream == 0 else { return fail(.protocolError) }
      return head.length < 8 ? fail(.frameSizeError) : spendQuiet()
    case FrameHead.Kind.windowUpdate: return windowUpdate(head, payload)
    default: return fail(.protocolError)
    }
  }

  private mutating func data(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    guard head.stream & 1 == 1, head.stream <= lastStream else { return fail(.protocolError) }
    guard window.receive(head.length) else { return fail(.flowControlError) }
    guard let bytes = payload.withoutPadding(head) else { return fail(.protocolError) }
    let endsStream = head.has(FrameHead.Flag.endStream)
    // A frame without content that ends nothing asks for nothing.
    if bytes.readableBytes == 0, !endsStream, let flood = spendQuiet() { return flood }
    guard var inbound = streams[head.stream] else {
      guard isOnItsWay(head.stream) else { return fail(.streamClosed) }
      if let flood = spendQuiet() { return flood }
      return .unwanted(head.length)
    }
    if inbound.hasEnded { return failStream(head.stream, .streamClosed) }
    guard inbound.window.receive(head.length) else { return failStream(head.stream, .flowControlError) }
    if let missing = inbound.missing {
      let left = missing - bytes.readableBytes
      guard endsStream ? left == 0 : left >= 0 else { return failStream(head.stream, .protocolError) }
      inbound.missing = left
    }
    inbound.hasEnded = endsStream
    streams[head.stream] = inbound
    return .data(head.stream, bytes, windowBytes: head.length, endsStream: endsStream)
  }

  private mutating func blockStep(_ step: Result<HeaderBlock.Whole?, FrameFailure>) -> Event? {
    switch step {
    case .failure(let failure): return fail(failure)
    case .success(nil): return nil
    case .success(let whole?):
      var bytes = whole.bytes
      let headers: HPACKHeaders
      do { headers = try decoder.decodeHeaders(from: &bytes) } catch { return fail(.compressionError) }
      return whole.stream > lastStream ? begin(whole, headers) : trailers(whole, headers)
    }
  }

  private mutating func begin(_ whole: HeaderBlock.Whole, _ headers: HPACKHeaders) -> Event? {
    let id = whole.stream
    if id > lastStream + 2 || lastStream == 0 && id > 1 { leftOut = lastStream + 1..<id }
    lastStream = id
    if id >= firstRefused { return spendQuiet() }
    if whole.dependsOnItself { return failStream(id, .protocolError) }
    let length = HeaderRules.contentLength(headers)
    guard HeaderRules.isRequest(headers), (length ?? 0) >= 0, !whole.endsStream || (length ?? 0) == 0 else {
      return failStream(id, .protocolError)
    }
    guard streams.count < maximumStreams else { return failStream(id, .refusedStream) }
    streams[id] = Inbound(missing: length, hasEnded: whole.endsStream)
    return .headers(id, headers, endsStream: whole.endsStream)
  }

  private mutating func trailers(_ whole: HeaderBlock.Whole, _ headers: HPACKHeaders) -> Event? {
    let id = whole.stream
    guard let inbound = streams[id] else {
      if isOnItsWay(id) { return spendQuiet() }
      return fail(leftOut.contains(id) ? .protocolError : .streamClosed)
    }
    if inbound.hasEnded { return failStream(id, .streamClosed) }
    guard whole.endsStream, !whole.dependsOnItself, HeaderRules.areTrailers(headers),
      (inbound.missing ?? 0) == 0
    else { return failStream(id, .protocolError) }
    streams[id]?.hasEnded = true
    return .trailers(id)
  }

  /// Priorities are of no use here and deprecated; only what can't be one is an error.
  private mutating func priority(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    guard head.stream != 0 else { return fail(.protocolError) }
    var code: FrameErrorCode?
    if head.length != 5 { code = .frameSizeError }
    if let dependency: UInt32 = payload.getInteger(at: payload.readerIndex), head.length == 5,
      dependency & 0x7FFF_FFFF == head.stream
    {
      code = .protocolError
    }
    guard let code else { return spendQuiet() }
    // A stream that was never begun can't be reset.
    return head.stream > lastStream ? fail(code) : failStream(head.stream, code)
  }

  private mutating func reset(_ head: FrameHead) -> Event? {
    guard head.length == 4 else { return fail(.frameSizeError) }
    guard head.stream & 1 == 1, head.stream <= lastStream else { return fail(.protocolError) }
    guard resets.take(at: now) else { return fail(.enhanceYourCalm, reason: "resets") }
    return streams.removeValue(forKey: head.stream) == nil ? nil : .reset(head.stream)
  }

  private mutating func settings(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    guard head.stream == 0 else { return fail(.protocolError) }
    if head.has(FrameHead.Flag.acknowledgement) {
      return head.length == 0 ? spendQuiet() : fail(.frameSizeError)
    }
    guard head.length % 6 == 0 else { return fail(.frameSizeError) }
    guard controlFrames.take(at: now) else { return fail(.enhanceYourCalm, reason: "control_frames") }
    hasSettings = true
    let before = initialWindow
    var rest = payload
    while let (name, value) = rest.readMultipleIntegers(as: (UInt16, UInt32).self) {
      switch name {
      case 2 where value > 1: return fail(.protocolError)
      case 4:
        guard value <= FlowWindow.largest else { return fail(.flowControlError) }
        initialWindow = Int(value)
      case 5 where !(16_384...16_777_215).contains(value): return fail(.protocolError)
      default: break
      }
    }
    return .settings(windowDifference: initialWindow - before)
  }

  private mutating func ping(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    guard head.stream == 0 else { return fail(.protocolError) }
    guard head.length == 8, let number: UInt64 = payload.getInteger(at: payload.readerIndex) else {
      return fail(.frameSizeError)
    }
    if head.has(FrameHead.Flag.acknowledgement) { return spendQuiet() ?? .pong }
    guard controlFrames.take(at: now) else { return fail(.enhanceYourCalm, reason: "control_frames") }
    return .ping(number)
  }

  private mutating func windowUpdate(_ head: FrameHead, _ payload: ByteBuffer) -> Event? {
    guard head.length == 4, let raw: UInt32 = payload.getInteger(at: payload.readerIndex) else {
      return fail(.frameSizeError)
    }
    let increment = Int(raw & 0x7FFF_FFFF)
    if let flood = spendQuiet() { return flood }
    if head.stream == 0 { return increment > 0 ? .windowGrew(0, increment) : fail(.protocolError) }
    guard head.stream & 1 == 1, head.stream <= lastStream else { return fail(.protocolError) }
    guard streams[head.stream] != nil else { return nil }
    return increment > 0 ? .windowGrew(head.stream, increment) : failStream(head.stream, .protocolError)
  }

  // MARK: Failures

  /// Whether frames of a stream that is over may still be on their way.
  private func isOnItsWay(_ stream: UInt32) -> Bool { stream >= firstRefused || cutShort.contains(stream) }

  /// A frame that asks for nothing and is dropped.
  private mutating func spendQuiet() -> Event? {
    if credits > 0 {
      credits -= 1
      return nil
    }
    return quietFrames.take(at: now) ? nil : fail(.enhanceYourCalm, reason: "quiet_frames")
  }

  private mutating func failStream(_ stream: UInt32, _ code: FrameErrorCode) -> Event? {
    guard resets.take(at: now) else { return fail(.enhanceYourCalm, reason: "resets") }
    reset(stream)
    return .streamFailed(stream, code)
  }

  private mutating func fail(_ code: FrameErrorCode, reason: String? = nil) -> Event? {
    fail(FrameFailure(code, reason: reason))
  }

  private mutating func fail(_ failure: FrameFailure) -> Event? {
    hasFailed = true
    reader = FrameReader()
    streams = [:]
    return .failed(failure)
  }
}

/// The streams that were last put in, so many of them.
private struct RecentStreams {
  private let capacity: Int
  private var streams: [UInt32] = []
  private var oldest = 0

  init(capacity: Int) { self.capacity = capacity }

  func contains(_ stream: UInt32) -> Bool { streams.contains(stream) }

  mutating func insert(_ stream: UInt32) {
    if streams.count < capacity { return streams.append(stream) }
    streams[oldest] = stream
    oldest = (oldest + 1) % capacity
  }
}

extension NIODeadline {
  /// The same moment as a time since the machine's start.
  var uptime: Duration { .nanoseconds(Int64(uptimeNanoseconds)) }
}
