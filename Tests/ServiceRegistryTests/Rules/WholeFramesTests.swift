import NIOCore
import NIOEmbedded
import NIOHTTP2
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("Frames that are received")
struct WholeFramesTests {
  static let maximumFrameSize = 1 << 14
  var frames = WholeFrames(maximumFrameSize: maximumFrameSize)

  static func frame(_ type: UInt8, flags: UInt8 = 0, payload: Int) -> [UInt8] {
    [UInt8(payload >> 16), UInt8(payload >> 8 & 0xFF), UInt8(payload & 0xFF), type, flags, 0, 0, 0, 1]
      + [UInt8](repeating: type, count: payload)
  }

  mutating func append(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
    frames.append(ByteBuffer(bytes: bytes)).map { Array($0.readableBytesView) }
  }

  @Test("go on when they are whole, and the start of the next one waits")
  mutating func whole() {
    let (one, two) = (Self.frame(4, payload: 6), Self.frame(0, payload: 100))
    #expect(append(one.prefix(8)) == nil)
    #expect(append(one.dropFirst(8) + two.prefix(20)) == one)
    #expect(frames.heldCount == 20)
    #expect(append(two.dropFirst(20) + one + one) == two + one + one)
    #expect(frames.heldCount == 0)
  }

  @Test("of a block of headers go on together", arguments: [1, 5] as [UInt8])
  mutating func headerBlock(type: UInt8) {
    let begin = Self.frame(type, payload: 10)
    let (more, end) = (Self.frame(9, payload: 20), Self.frame(9, flags: 4, payload: 0))
    let ping = Self.frame(6, payload: 8)
    #expect(append(ping + begin) == ping)
    #expect(append(more) == nil)
    #expect(append(end + begin) == begin + more + end)
    // What may not be there goes on too: the parser refuses it.
    #expect(append(ping) == begin + ping)
  }

  @Test("that are larger than they may be go on at their head, for the parser to refuse them")
  mutating func tooLarge() {
    let head = Self.frame(0, payload: Self.maximumFrameSize + 1).prefix(9)
    #expect(append(head.prefix(8)) == nil)
    #expect(append(head.suffix(1)) == Array(head))
    #expect(frames.heldCount == 0)
  }

  @Test("of a block of headers beyond all sizes go on, for the parser to refuse it")
  mutating func endlessHeaders() {
    #expect(append(Self.frame(1, payload: 1000)) == nil)
    var count = 1009
    while true {
      let part = Self.frame(9, payload: 1000)
      count += part.count
      guard let passed = append(part) else {
        #expect(frames.heldCount == count && count <= WholeFrames.maximumHeld)
        continue
      }
      #expect(passed.count == count && count > WholeFrames.maximumHeld)
      break
    }
  }

  @Test("are the same bytes however they come, and each piece ends with a frame")
  mutating func anySplit() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      frames = WholeFrames(maximumFrameSize: Self.maximumFrameSize)
      var sent: [UInt8] = []
      var ends: Set<Int> = [0]
      for _ in 0..<Int.random(in: 1...20, using: &generator) {
        let size = [0, 8, 300, Self.maximumFrameSize].randomElement(using: &generator) ?? 0
        if Bool.random(using: &generator) {
          sent += Self.frame(1, payload: min(size, 300)) + Self.frame(9, flags: 4, payload: 7)
        } else {
          sent += Self.frame([0, 4, 6, 66].randomElement(using: &generator) ?? 0, payload: size)
        }
        ends.insert(sent.count)
      }
      var passed: [UInt8] = []
      var rest = sent[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...20_000, using: &generator))
        rest = rest.dropFirst(piece.count)
        passed += append(piece) ?? []
        #expect(ends.contains(passed.count))
        #expect(frames.heldCount == sent.count - rest.count - passed.count)
      }
      #expect(passed == sent && frames.heldCount == 0)
    }
  }

  @Test("are gated before the HTTP/2 handler, wherever that is")
  func install() throws {
    let channel = EmbeddedChannel()
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(NIOHTTP2Handler(mode: .client, eventLoop: channel.eventLoop) { $0.close() })
    try FrameGate.install(in: channel, maximumFrameSize: Self.maximumFrameSize)
    let gate = try pipeline.context(handlerType: FrameGate.self)
    #expect(try pipeline.handler(type: FrameGate.self) === gate.handler)
    // Without an HTTP/2 handler there is nothing to guard, and no connection.
    #expect(throws: (any Error).self) {
      try FrameGate.install(in: EmbeddedChannel(), maximumFrameSize: Self.maximumFrameSize)
    }
  }
}
