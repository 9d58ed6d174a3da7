import NIOCore
import NIOEmbedded
import Testing

@testable import DiscoveryService

@Suite("Paced acknowledgements of PINGs")
struct PingAckPacingTests {
  private let channel = EmbeddedChannel()
  private let ack = Array(RawSocket.frame(type: 6, flags: 1, [UInt8](repeating: 7, count: 8)))

  init() throws {
    try channel.pipeline.syncOperations.addHandler(PingAckPacing { false })
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func written(_ pieces: [[UInt8]]) throws -> [[UInt8]] {
    for piece in pieces { channel.pipeline.write(IOData.byteBuffer(ByteBuffer(bytes: piece)), promise: nil) }
    channel.flush()
    var sent: [[UInt8]] = []
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(let bytes) = data { sent.append(Array(buffer: bytes)) }
    }
    return sent
  }

  @Test("ten go out at once, and further ones one a second")
  func paced() throws {
    #expect(try written(Array(repeating: ack, count: 12)).count == 10)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(try written([]).count == 2)
  }

  @Test("content of DATA that looks like one is never held back from between other frames")
  func content() throws {
    _ = try written(Array(repeating: ack, count: 10))
    let head = Array(RawSocket.frame(type: 0, stream: 1, ack).prefix(9))
    let next = RawSocket.frame(type: 8, [0, 0, 0, 1])
    #expect(try written([head, ack, next, ack]) == [head, ack, next])
  }
}
