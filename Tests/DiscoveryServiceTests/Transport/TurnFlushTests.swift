import NIOCore
import NIOEmbedded
import Testing

@testable import DiscoveryService

@Suite("What a turn of the loop writes")
struct TurnFlushTests {
  private let channel = EmbeddedChannel()
  private let context: ChannelHandlerContext

  init() throws {
    let flush = TurnFlush(loop: FanOutLoop(channel.embeddedEventLoop))
    try channel.pipeline.syncOperations.addHandler(flush)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    context = try channel.pipeline.syncOperations.context(handler: flush)
  }

  private func write(_ text: String, promise: EventLoopPromise<Void>? = nil) {
    channel.pipeline.write(IOData.byteBuffer(ByteBuffer(string: text)), promise: promise)
  }

  /// What has gone out since the last question, write by write.
  private func sent() throws -> [String] {
    var texts: [String] = []
    while let data = try channel.readOutbound(as: IOData.self) {
      guard case .byteBuffer(let bytes) = data else { continue }
      texts.append(String(buffer: bytes))
    }
    return texts
  }

  @Test("goes out at the turn's end, in order and in one piece, however often it was flushed")
  func onePiece() throws {
    write("ack ")
    channel.flush()
    write("answer ")
    write("change")
    channel.flush()
    #expect(try sent().isEmpty)
    channel.embeddedEventLoop.run()
    #expect(try sent() == ["ack answer change"])
    write("next")
    channel.flush()
    channel.embeddedEventLoop.run()
    #expect(try sent() == ["next"])
  }

  @Test("keeps its order around what is handed on as it is: large buffers and writes that somebody waits for")
  func order() throws {
    let large = String(repeating: "x", count: 4096)
    let promise = channel.embeddedEventLoop.makePromise(of: Void.self)
    write("a")
    write(large)
    write("b")
    write("c", promise: promise)
    write("d")
    channel.flush()
    channel.embeddedEventLoop.run()
    #expect(try sent() == ["a", large, "b", "c", "d"])
    try promise.futureResult.wait()
  }

  @Test("is sent before the connection is closed")
  func close() throws {
    write("goodbye")
    channel.flush()
    let closed = channel.close()
    #expect(try sent() == ["goodbye"])
    channel.embeddedEventLoop.run()
    try closed.wait()
  }

  @Test("counts as unsent for the channel once it is more than 16 KiB")
  func bounded() throws {
    let piece = String(repeating: "x", count: 2000)
    for _ in 0..<8 { write(piece) }
    context.flush()
    #expect(try sent().isEmpty, "nothing was handed on yet")
    write(piece)
    context.flush()
    #expect(try sent() == [String(repeating: piece, count: 9)])
  }
}
