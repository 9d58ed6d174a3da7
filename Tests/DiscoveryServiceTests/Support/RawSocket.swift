import NIOCore
import NIOPosix
import Synchronization

/// A client that writes bytes of the test's own making: what a well-behaved HTTP/2 library refuses to send.
final class RawSocket: Sendable {
  private let channel: any Channel
  private let state: State

  final class State: Sendable {
    let received = Mutex(ByteBuffer())
    let isClosed = Mutex(false)
  }

  private init(channel: any Channel, state: State) {
    self.channel = channel
    self.state = state
  }

  /// - Parameter source: The address to come from.
  static func connect(_ port: Int, from source: String? = nil) async throws -> RawSocket {
    let state = State()
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0)) }
    let channel =
      try await bootstrap
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(state: state))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    return RawSocket(channel: channel, state: state)
  }

  static let preface: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let emptySettings = frame(type: 4)

  /// One HTTP/2 frame in bytes.
  static func frame(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
      + (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) } + payload
  }

  func write(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
  func close() { channel.close(promise: nil) }
  func setAutoRead(_ on: Bool) async throws { try await channel.setOption(.autoRead, value: on).get() }
  var isClosed: Bool { state.isClosed.withLock { $0 } }
  var received: [UInt8] { state.received.withLock { Array(buffer: $0) } }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let state: State
    init(state: State) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      state.received.withLock { _ = $0.writeImmutableBuffer(bytes) }
    }
    func channelInactive(context: ChannelHandlerContext) { state.isClosed.withLock { $0 = true } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
