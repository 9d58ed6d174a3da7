import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// An HTTP/2 client that does what the test says, frame by frame.
final class TestClient: Sendable {
  /// What came back on one stream.
  struct Answer {
    var headers: [HPACKHeaders] = []
    var data = ByteBuffer()
    var isEnded = false
    var reset: HTTP2ErrorCode?

    func header(_ name: String) -> String? {
      headers.compactMap { $0.first(name: name) }.last
    }

    /// The gRPC status, once there is one.
    var status: Int? { header("grpc-status").flatMap { Int($0) } }
    var isOver: Bool { isEnded || reset != nil }

    /// The whole messages that came, without their heads.
    var messages: [ByteBuffer] {
      var rest = data
      var result: [ByteBuffer] = []
      while let length = rest.getInteger(at: rest.readerIndex + 1, as: UInt32.self),
        rest.readableBytes >= Int(length) + 5
      {
        rest.moveReaderIndex(forwardBy: 5)
        result.append(rest.readSlice(length: Int(length)) ?? ByteBuffer())
      }
      return result
    }
  }

  struct Record {
    var answers: [HTTP2StreamID: Answer] = [:]
    var goAway: HTTP2ErrorCode?
    var lastStream: HTTP2StreamID?
    var pingAcks = 0
    var serverPings = 0
    var settingsAcks = 0
    var connectionCredit = 0
    var isClosed = false
    var next = 1
  }

  private let channel: any Channel
  let record: Recorder

  /// The record, shared with the handler.
  final class Recorder: Sendable {
    private let record = Mutex(Record())
    func with<Value: Sendable>(_ body: (inout Record) -> Value) -> Value { record.withLock { body(&$0) } }
  }

  private init(channel: any Channel, record: Recorder) {
    self.channel = channel
    self.record = record
  }

  /// - Parameters:
  ///   - window: The initial stream window to announce.
  ///   - credits: Whether received bytes are credited again at once.
  static func connect(
    _ port: Int, window: Int = 65_535, credits: Bool = true, tls: NIOSSLContext? = nil
  ) async throws -> TestClient {
    let record = Recorder()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls {
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          var configuration = NIOHTTP2Handler.ConnectionConfiguration()
          configuration.initialSettings = [.init(parameter: .initialWindowSize, value: window)]
          configuration.controlFrameRateLimit.windowLength = .milliseconds(1)
          configuration.maximumConnectionGlitches = 1_000_000
          var streams = NIOHTTP2Handler.StreamConfiguration()
          streams.streamResetFrameRateLimit.windowLength = .milliseconds(1)
          streams.streamErrorRateLimit.windowLength = .milliseconds(1)
          try pipeline.addHandler(
            NIOHTTP2Handler(
              mode: .client, connectionConfiguration: configuration, streamConfiguration: streams))
          try pipeline.addHandler(Handler(record: record, credits: credits))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    return TestClient(channel: channel, record: record)
  }

  /// Runs `body` with a client that is closed afterwards.
  static func with(
    _ port: Int, window: Int = 65_535, credits: Bool = true, tls: NIOSSLContext? = nil,
    _ body: (TestClient) async throws -> Void
  ) async throws {
    let client = try await connect(port, window: window, credits: credits, tls: tls)
    do { try await body(client) } catch {
      client.close()
      throw error
    }
    client.close()
  }

  func close() { channel.close(promise: nil) }

  func setAutoRead(_ on: Bool) async throws { try await channel.setOption(.autoRead, value: on).get() }

  func send(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
    channel.writeAndFlush(HTTP2Frame(streamID: id, payload: payload), promise: nil)
  }

  /// A stream id that wasn't used yet.
  func nextID() -> HTTP2StreamID {
    record.with { record in
      defer { record.next += 2 }
      return HTTP2StreamID(record.next)
    }
  }

  /// A call's usual headers with `more` put in their place or added.
  static func headers(_ method: String, _ more: [String: String] = [:]) -> HPACKHeaders {
    let usual = [
      (":method", "POST"), (":scheme", "http"), (":authority", "localhost"),
      (":path", "/sidero.discovery.server.Cluster/\(method)"), ("content-type", "application/grpc"),
      ("te", "trailers"),
    ]
    var headers = HPACKHeaders(usual.map { ($0, more[$0] ?? $1) })
    for (name, value) in more where !headers.contains(name: name) { headers.add(name: name, value: value) }
    return headers
  }

  /// `message` with gRPC's head.
  static func framed(_ message: ByteBuffer) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(0 as UInt8)
    buffer.writeInteger(UInt32(message.readableBytes))
    buffer.writeImmutableBuffer(message)
    return buffer
  }

  /// Begins a call with a whole request; its answer is in the record.
  @discardableResult
  func begin(
    _ method: String, _ message: ByteBuffer, headers: [String: String] = [:]
  ) -> HTTP2StreamID {
    beginRaw(Self.headers(method, headers), Self.framed(message))
  }

  @discardableResult
  func beginRaw(_ headers: HPACKHeaders, _ body: ByteBuffer?, end: Bool = true) -> HTTP2StreamID {
    let id = nextID()
    send(id, .headers(.init(headers: headers, endStream: body == nil && end)))
    if let body { send(id, .data(.init(data: .byteBuffer(body), endStream: end))) }
    return id
  }

  func answer(_ id: HTTP2StreamID) -> Answer { record.with { $0.answers[id] } ?? Answer() }

  /// Makes a call and waits for its end.
  func call(
    _ method: String, _ message: ByteBuffer, headers: [String: String] = [:]
  ) async throws -> Answer {
    try await finished(begin(method, message, headers: headers))
  }

  func finished(_ id: HTTP2StreamID) async throws -> Answer {
    try await eventually("the call ends") { self.answer(id).isOver || self.isClosed }
    return answer(id)
  }

  var isClosed: Bool { record.with { $0.isClosed } }

  /// What a watch has been told so far.
  func watched(_ id: HTTP2StreamID) throws -> [DecodedResponse] {
    try answer(id).messages.map { try DecodedResponse($0) }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let record: Recorder
    private let credits: Bool

    init(record: Recorder, credits: Bool) {
      self.record = record
      self.credits = credits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let frame = unwrapInboundIn(data)
      let id = frame.streamID
      record.with { record in
        switch frame.payload {
        case .headers(let headers):
          record.answers[id, default: Answer()].headers.append(headers.headers)
          if headers.endStream { record.answers[id, default: Answer()].isEnded = true }
        case .data(let data):
          if case .byteBuffer(let bytes) = data.data {
            record.answers[id, default: Answer()].data.writeImmutableBuffer(bytes)
          }
          if data.endStream { record.answers[id, default: Answer()].isEnded = true }
        case .rstStream(let code): record.answers[id, default: Answer()].reset = code
        case .goAway(let last, let code, _):
          record.goAway = code
          record.lastStream = last
        case .ping(_, let ack): if ack { record.pingAcks += 1 } else { record.serverPings += 1 }
        case .settings(.ack): record.settingsAcks += 1
        case .windowUpdate(let count): if id == .rootStream { record.connectionCredit += count }
        default: break
        }
      }
      guard credits, case .data(let content) = frame.payload else { return }
      let count = content.data.readableBytes
      guard count > 0 else { return }
      for target in content.endStream ? [.rootStream] : [.rootStream, id] {
        context.write(
          wrapOutboundOut(.init(streamID: target, payload: .windowUpdate(windowSizeIncrement: count))),
          promise: nil)
      }
      context.flush()
    }

    func channelInactive(context: ChannelHandlerContext) { record.with { $0.isClosed = true } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
  }
}
