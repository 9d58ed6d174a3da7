import NIOCore
import NIOHPACK
import Testing

@testable import DiscoveryService

@Suite("What a connection writes")
struct FrameOutputTests {
  private func frames(_ bytes: [UInt8]) -> [(FrameHead, [UInt8])] {
    var reader = FrameReader()
    reader.feed(ByteBuffer(bytes: FrameReader.preface + bytes))
    var frames: [(FrameHead, [UInt8])] = []
    while case .frame(let head, let payload) = reader.next() { frames.append((head, Array(buffer: payload))) }
    return frames
  }

  @Test("small frames go out in one piece, in order, whatever they are")
  func onePiece() throws {
    var output = FrameOutput(copied: 2048)
    output.settingsAcknowledgement()
    output.headers(1, ResponseHeaders.ok, endsStream: false)
    output.data(1, ByteBuffer(repeating: 7, count: 100))
    output.ping(5, isAcknowledgement: true)
    output.windowUpdate(0, 9)
    output.reset(1, .cancel)
    output.goAway(lastStream: 1, .enhanceYourCalm, reason: "calm")
    let count = output.count
    let taken = output.takeOne()
    let all = try #require(taken)
    #expect(all.readableBytes == count && output.count == 0)
    #expect(frames(Array(buffer: all)).map(\.0.kind) == [4, 1, 0, 6, 8, 3, 7])
  }

  @Test("large content is a buffer of its own in plain text, and behind its head where it is encrypted")
  func large() {
    let content = ByteBuffer(repeating: 7, count: 40_000)
    for (copied, pieces) in [(2048, 7), (FrameHead.largestPayload, 1)] {
      var output = FrameOutput(copied: copied)
      output.ping(1, isAcknowledgement: true)
      output.data(3, content)
      output.ping(2, isAcknowledgement: true)
      let buffers = output.take()
      #expect(buffers.count == pieces)
      let frames = frames(buffers.flatMap { Array(buffer: $0) })
      #expect(frames.map(\.0.length) == [8, 16_384, 16_384, 7232, 8])
      #expect(frames[1...3].flatMap(\.1) == Array(buffer: content))
    }
  }

  @Test("an empty answer is what its three frames are, and the first headers say that no table is used")
  func emptyAnswer() throws {
    var short = FrameOutput(copied: 2048)
    var long = FrameOutput(copied: 2048)
    for stream in [1, 3, 0x0102_0305] as [UInt32] {
      short.emptyAnswer(stream)
      long.headers(stream, ResponseHeaders.ok, endsStream: false)
      long.data(stream, WatchMessage.empty)
      long.headers(stream, ResponseHeaders.okTrailers, endsStream: true)
    }
    let (shortTaken, longTaken) = (short.takeOne(), long.takeOne())
    let bytes = try #require(shortTaken)
    #expect(bytes == longTaken)
    var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    for (head, payload) in frames(Array(buffer: bytes)) where head.kind == FrameHead.Kind.headers {
      var block = ByteBuffer(bytes: payload)
      let headers = try decoder.decodeHeaders(from: &block)
      #expect(headers["grpc-status"] == ["0"] || headers[":status"] == ["200"])
    }
  }

  @Test(
    "a status and its message come through HPACK as they are", arguments: [0, 1, 126, 127, 128, 300, 1000])
  func statuses(length: Int) throws {
    let error = ServiceError(.internal, String(repeating: "x", count: length), reason: "r")
    var block = ResponseHeaders.ending(error, headersSent: false)
    var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    let headers = try decoder.decodeHeaders(from: &block)
    #expect(headers[":status"] == ["200"] && headers["grpc-status"] == ["13"])
    #expect(headers.first(name: "grpc-message")?.utf8.count ?? 0 == length)
    var plain = ResponseHeaders.plain(415)
    #expect(try decoder.decodeHeaders(from: &plain)[":status"] == ["415"])
  }
}

@Suite("Acknowledgements of PINGs")
struct PingAcknowledgementsTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  @Test("one that follows content waits for the next write, all others go out at the end of the turn")
  func waiting() {
    var pings = PingAcknowledgements()
    // A keep-alive: nothing was sent lately.
    let keepAliveWaits = pings.received(1, mayWait: true, now: start)
    #expect(!keepAliveWaits && pings.areDue)
    let first = pings.take()
    #expect(first == [1] && !pings.areDue)
    pings.sentContent(start)
    let wantsTimer = [
      pings.received(2, mayWait: true, now: start + .milliseconds(5)),
      pings.received(3, mayWait: true, now: start + .milliseconds(6)),
    ]
    #expect(wantsTimer == [true, false] && !pings.areDue)
    pings.makeDue()
    #expect(pings.areDue)
    let both = pings.take()
    #expect(both == [2, 3])
    // Something waits for the client's windows.
    let blockedWaits = pings.received(4, mayWait: false, now: start + .milliseconds(7))
    #expect(!blockedWaits && pings.areDue)
    _ = pings.take()
    pings.makeDue()
    #expect(!pings.areDue, "nothing is held")
  }
}
