import NIOCore
import Testing

@testable import DiscoveryService

/// What RFC 9113 (and 7541) want of a server, section by section, as h2spec asks for it.
@Suite("Conformance of the receiving side")
struct FrameConformanceTests {
  private typealias Bytes = FrameBytes

  /// Bytes after a good opening, and how they have to end.
  struct Breach: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    /// The codes that may end the connection.
    var connection: [FrameErrorCode] = []
    /// The code that has to end stream 1.
    var stream: FrameErrorCode?

    init(_ name: String, _ bytes: [UInt8], connection: FrameErrorCode...) {
      testDescription = name
      self.bytes = bytes
      self.connection = connection
    }

    init(_ name: String, _ bytes: [UInt8], stream: FrameErrorCode) {
      testDescription = name
      self.bytes = bytes
      self.stream = stream
    }
  }

  private static func request(_ name: String, _ value: String) -> [(String, String)] {
    FrameBytes.request.filter { $0.0 != name } + [(name, value)]
  }

  private static func without(_ name: String) -> [(String, String)] {
    FrameBytes.request.filter { $0.0 != name }
  }

  private static func twice(_ name: String) -> [(String, String)] {
    FrameBytes.request.flatMap { $0.0 == name ? [$0, $0] : [$0] }
  }

  private static func pseudoLast(_ name: String) -> [(String, String)] {
    without(name) + FrameBytes.request.filter { $0.0 == name }
  }

  private static let block = FrameBytes.block()

  static let breaches: [Breach] = [
    // 4.2, 4.3
    Breach(
      "4.2 DATA beyond the frame size",
      RawSocket.frame(type: 0, stream: 1, .init(repeating: 0, count: 16_385)),
      connection: .frameSizeError),
    Breach(
      "4.2 HEADERS beyond the frame size",
      RawSocket.frame(type: 1, flags: 4, stream: 1, .init(repeating: 0, count: 16_385)),
      connection: .frameSizeError),
    Breach(
      "4.3 an invalid header block", RawSocket.frame(type: 1, flags: 5, stream: 1, [0x40]),
      connection: .compressionError),
    Breach(
      "4.3 PRIORITY within a header block",
      RawSocket.frame(type: 1, flags: 1, stream: 1, block)
        + RawSocket.frame(type: 2, stream: 3, [0, 0, 0, 0, 1]),
      connection: .protocolError),
    Breach(
      "4.3 HEADERS of another stream within a header block",
      RawSocket.frame(type: 1, flags: 1, stream: 1, block) + Bytes.headers(3), connection: .protocolError),
    Breach(
      "5.5 an unknown frame within a header block",
      RawSocket.frame(type: 1, flags: 1, stream: 1, block) + RawSocket.frame(type: 99, []),
      connection: .protocolError),
    // 5.1
    Breach("5.1 idle: DATA", Bytes.data(1, [1]), connection: .protocolError),
    Breach("5.1 idle: RST_STREAM", Bytes.reset(1), connection: .protocolError),
    Breach("5.1 idle: WINDOW_UPDATE", Bytes.windowUpdate(1, 100), connection: .protocolError),
    Breach(
      "5.1 idle: CONTINUATION", RawSocket.frame(type: 9, flags: 4, stream: 1, block),
      connection: .protocolError),
    Breach(
      "5.1 half-closed: DATA", Bytes.headers(1, ends: true) + Bytes.data(1, [1], ends: true),
      stream: .streamClosed),
    Breach(
      "5.1 half-closed: HEADERS", Bytes.headers(1, ends: true) + Bytes.headers(1, ends: true),
      stream: .streamClosed),
    Breach(
      "5.1 half-closed: CONTINUATION",
      Bytes.headers(1, ends: true) + RawSocket.frame(type: 9, flags: 4, stream: 1, block),
      connection: .protocolError),
    Breach(
      "5.1 closed by RST_STREAM: DATA", Bytes.headers(1) + Bytes.reset(1) + Bytes.data(1, [1]),
      connection: .streamClosed),
    Breach(
      "5.1 closed by RST_STREAM: HEADERS", Bytes.headers(1) + Bytes.reset(1) + Bytes.headers(1),
      connection: .streamClosed),
    // 5.1.1
    Breach("5.1.1 an even stream", Bytes.headers(2, ends: true), connection: .protocolError),
    Breach(
      "5.1.1 a stream smaller than the last", Bytes.headers(5, ends: true) + Bytes.headers(3, ends: true),
      connection: .protocolError),
    // 5.3
    Breach(
      "5.3.1 HEADERS that depend on themselves",
      RawSocket.frame(type: 1, flags: 0x25, stream: 1, [0, 0, 0, 1, 255] + block), stream: .protocolError),
    Breach(
      "5.3.1 PRIORITY that depends on itself",
      Bytes.headers(1) + RawSocket.frame(type: 2, stream: 1, [0, 0, 0, 1, 255]), stream: .protocolError),
    // 6.1, 6.2
    Breach(
      "6.1 DATA without a stream", Bytes.headers(1) + RawSocket.frame(type: 0, [1]),
      connection: .protocolError),
    Breach(
      "6.1 DATA with too much padding",
      Bytes.headers(1) + RawSocket.frame(type: 0, flags: 9, stream: 1, [6, 1, 2]),
      connection: .protocolError),
    Breach(
      "6.2 HEADERS without a stream", RawSocket.frame(type: 1, flags: 5, block), connection: .protocolError),
    Breach(
      "6.2 HEADERS with too much padding",
      RawSocket.frame(type: 1, flags: 0x0D, stream: 1, [255] + block.prefix(100)), connection: .protocolError),
    // 6.3, 6.4
    Breach(
      "6.3 PRIORITY without a stream", RawSocket.frame(type: 2, [0, 0, 0, 0, 1]), connection: .protocolError),
    Breach(
      "6.3 PRIORITY of four bytes", Bytes.headers(1) + RawSocket.frame(type: 2, stream: 1, [0, 0, 0, 0]),
      stream: .frameSizeError),
    Breach(
      "6.4 RST_STREAM without a stream", RawSocket.frame(type: 3, [0, 0, 0, 8]), connection: .protocolError),
    Breach(
      "6.4 RST_STREAM of three bytes", Bytes.headers(1) + RawSocket.frame(type: 3, stream: 1, [0, 0, 8]),
      connection: .frameSizeError),
    // 6.5
    Breach(
      "6.5 SETTINGS acknowledged with content", RawSocket.frame(type: 4, flags: 1, [0]),
      connection: .frameSizeError),
    Breach("6.5 SETTINGS of a stream", RawSocket.frame(type: 4, stream: 1), connection: .protocolError),
    Breach("6.5 SETTINGS of three bytes", RawSocket.frame(type: 4, [0, 3, 0]), connection: .frameSizeError),
    Breach("6.5.2 ENABLE_PUSH of 2", Bytes.settings(2, 2), connection: .protocolError),
    Breach("6.5.2 a window above 2^31-1", Bytes.settings(4, 1 << 31), connection: .flowControlError),
    Breach("6.5.2 a frame size below 2^14", Bytes.settings(5, 16_383), connection: .protocolError),
    Breach("6.5.2 a frame size above 2^24-1", Bytes.settings(5, 1 << 24), connection: .protocolError),
    // 6.6 to 6.8
    Breach(
      "6.6 PUSH_PROMISE", RawSocket.frame(type: 5, flags: 4, stream: 1, [0, 0, 0, 2] + block),
      connection: .protocolError),
    Breach(
      "6.7 PING of a stream", RawSocket.frame(type: 6, stream: 1, .init(repeating: 0, count: 8)),
      connection: .protocolError),
    Breach(
      "6.7 PING of six bytes", RawSocket.frame(type: 6, .init(repeating: 0, count: 6)),
      connection: .frameSizeError),
    Breach(
      "6.8 GOAWAY of a stream", RawSocket.frame(type: 7, stream: 1, .init(repeating: 0, count: 8)),
      connection: .protocolError),
    // 6.9
    Breach("6.9 WINDOW_UPDATE of nothing", Bytes.windowUpdate(0, 0), connection: .protocolError),
    Breach(
      "6.9 WINDOW_UPDATE of nothing for a stream", Bytes.headers(1) + Bytes.windowUpdate(1, 0),
      stream: .protocolError),
    Breach(
      "6.9 WINDOW_UPDATE of three bytes", RawSocket.frame(type: 8, [0, 0, 1]), connection: .frameSizeError),
    // 6.10
    Breach(
      "6.10 CONTINUATION without HEADERS",
      Bytes.headers(1) + RawSocket.frame(type: 9, flags: 4, stream: 1, block),
      connection: .protocolError),
    Breach(
      "6.10 CONTINUATION of another stream",
      RawSocket.frame(type: 1, flags: 1, stream: 1, block)
        + RawSocket.frame(type: 9, flags: 4, stream: 3, []),
      connection: .protocolError),
    // 8.1, 8.2, 8.3
    Breach(
      "8.1 a second HEADERS without END_STREAM", Bytes.headers(1) + Bytes.headers(1, [("x-y", "1")]),
      stream: .protocolError),
    Breach(
      "8.2.1 an upper-case name", Bytes.headers(1, request("X-Y", "1"), ends: true), stream: .protocolError),
    Breach(
      "8.2.1 a line feed in a value", Bytes.headers(1, request("x-y", "a\nb"), ends: true),
      stream: .protocolError),
    Breach(
      "8.2.2 a connection's header", Bytes.headers(1, request("connection", "keep-alive"), ends: true),
      stream: .protocolError),
    Breach(
      "8.2.2 te of something else than trailers",
      Bytes.headers(1, request("te", "trailers, deflate"), ends: true),
      stream: .protocolError),
    Breach(
      "8.3 an unknown pseudo-header", Bytes.headers(1, [(":test", "x")] + FrameBytes.request, ends: true),
      stream: .protocolError),
    Breach(
      "8.3 a response's pseudo-header",
      Bytes.headers(1, [(":status", "200")] + FrameBytes.request, ends: true),
      stream: .protocolError),
    Breach(
      "8.3 a pseudo-header as a trailer",
      Bytes.headers(1) + Bytes.headers(1, [(":method", "POST")], ends: true), stream: .protocolError),
    Breach(
      "8.3 a pseudo-header behind others", Bytes.headers(1, pseudoLast(":path"), ends: true),
      stream: .protocolError),
    Breach(
      "8.3.1 an empty path",
      Bytes.headers(1, FrameBytes.request.map { $0.0 == ":path" ? ($0.0, "") : $0 }, ends: true),
      stream: .protocolError),
    Breach("8.3.1 no method", Bytes.headers(1, without(":method"), ends: true), stream: .protocolError),
    Breach("8.3.1 no scheme", Bytes.headers(1, without(":scheme"), ends: true), stream: .protocolError),
    Breach("8.3.1 no path", Bytes.headers(1, without(":path"), ends: true), stream: .protocolError),
    Breach("8.3.1 two methods", Bytes.headers(1, twice(":method"), ends: true), stream: .protocolError),
    Breach("8.3.1 two schemes", Bytes.headers(1, twice(":scheme"), ends: true), stream: .protocolError),
    Breach("8.3.1 two paths", Bytes.headers(1, twice(":path"), ends: true), stream: .protocolError),
    Breach(
      "8.1.1 less content than announced",
      Bytes.headers(1, request("content-length", "5")) + Bytes.data(1, [1, 2, 3, 4], ends: true),
      stream: .protocolError),
    Breach(
      "8.1.1 more content than announced, in two frames",
      Bytes.headers(1, request("content-length", "5")) + Bytes.data(1, [1, 2, 3])
        + Bytes.data(1, [1, 2, 3], ends: true),
      stream: .protocolError),
    Breach(
      "8.1.1 content announced and none there", Bytes.headers(1, request("content-length", "1"), ends: true),
      stream: .protocolError),
    // HPACK
    Breach(
      "HPACK 2.3.3 an index of no table", RawSocket.frame(type: 1, flags: 5, stream: 1, [0xC6]),
      connection: .compressionError),
    Breach(
      "HPACK 4.2 a table size update at the end of a block",
      RawSocket.frame(type: 1, flags: 5, stream: 1, block + [0x20]), connection: .compressionError),
    Breach(
      "HPACK 6.1 index 0", RawSocket.frame(type: 1, flags: 5, stream: 1, [0x80]),
      connection: .compressionError),
    Breach(
      "HPACK 6.3 a table larger than allowed",
      RawSocket.frame(type: 1, flags: 5, stream: 1, [0x3F, 0xFF, 0xFF, 0x7F] + block),
      connection: .compressionError),
  ]

  @Test("a breach ends the stream or the connection, however it is cut", arguments: breaches)
  func breach(_ breach: Breach) {
    for cut in [Int.max, 1, 7] {
      let session = FrameProbe()
      let events = session.read(FrameBytes.opening + breach.bytes, cut: cut)
      if let code = breach.stream {
        #expect(events.failure == nil)
        #expect(events.failedStreams == [1: code])
        // And the connection lives on.
        #expect(session.read(FrameBytes.headers(7, ends: true)).begun == [7])
      } else {
        #expect(events.failure.map { breach.connection.contains($0.code) } == true, "\(events)")
        #expect(session.read(FrameBytes.headers(9, ends: true)).isEmpty)
      }
    }
  }

  @Test("3.4 a connection that doesn't begin with SETTINGS, or with an acknowledgement, ends")
  func preface() {
    for first in [
      FrameBytes.ping(), FrameBytes.headers(1), RawSocket.frame(type: 4, flags: 1), RawSocket.frame(type: 99),
    ] {
      let session = FrameProbe()
      #expect(session.read(RawSocket.preface + first).failure?.code == .protocolError)
    }
  }

  @Test("4.1 and 5.5 unknown frames, flags and settings, and reserved bits, are ignored")
  func ignored() {
    let session = FrameProbe()
    var ping = FrameBytes.ping()
    ping[5] |= 0x80
    let events = session.read(
      FrameBytes.opening + RawSocket.frame(type: 22, flags: 255, [1, 2, 3]) + FrameBytes.settings(255, 7)
        + ping
        + RawSocket.frame(type: 1, flags: 5 | 0x50, stream: 1, FrameBytes.block()))
    #expect(events.failure == nil && events.begun == [1])
  }

  @Test("5.1.2 streams beyond the limit are refused, and their tables kept")
  func refused() {
    let session = FrameProbe(maximumStreams: 2)
    // The third one puts a field into the table that the fourth uses.
    let indexed: [UInt8] = FrameBytes.block() + [0x40, 3] + Array("x-y".utf8) + [1, 0x7A]
    let events = session.read(
      FrameBytes.opening + FrameBytes.headers(1) + FrameBytes.headers(3)
        + RawSocket.frame(type: 1, flags: 5, stream: 5, indexed) + FrameBytes.reset(1)
        + RawSocket.frame(type: 1, flags: 5, stream: 7, FrameBytes.block() + [0xBE]))
    #expect(events.failedStreams == [5: .refusedStream] && events.failure == nil)
    guard case .headers(7, let headers, true) = events.last else { Issue.record("\(events)"); return }
    #expect(headers["x-y"] == ["z"])
  }

  @Test("frames on their way for a stream that was ended here are dropped, and its tables kept")
  func cutShort() {
    let session = FrameProbe()
    #expect(session.read(FrameBytes.opening + FrameBytes.headers(1)).begun == [1])
    #expect(session.end(1))
    let events = session.read(
      FrameBytes.data(1, [1, 2, 3]) + FrameBytes.windowUpdate(1, 5)
        + RawSocket.frame(type: 1, flags: 5, stream: 1, [0x40, 3] + Array("x-y".utf8) + [1, 0x7A])
        + FrameBytes.reset(1) + RawSocket.frame(type: 1, flags: 5, stream: 3, FrameBytes.block() + [0xBE]))
    #expect(events.failure == nil && events.failedStreams.isEmpty && events.begun == [3])
    #expect(events.contains { if case .unwanted(3) = $0 { true } else { false } })
    // One that both sides have ended is another matter.
    #expect(!session.end(3))
    #expect(session.read(FrameBytes.data(3, [1])).failure?.code == .streamClosed)
  }

  @Test("6.9.1 more DATA than the windows allow ends the stream, or the connection")
  func windows() {
    let session = FrameProbe()
    let full = [UInt8](repeating: 0, count: 16_384)
    var bytes = FrameBytes.opening + FrameBytes.headers(1)
    for _ in 0..<4 { bytes += FrameBytes.data(1, full) }
    #expect(session.read(bytes).failedStreams == [1: .flowControlError])
    bytes = []
    for stream in 1..<40 as Range<UInt32> {
      bytes += FrameBytes.headers(2 * stream + 1)
      for _ in 0..<3 { bytes += FrameBytes.data(2 * stream + 1, full) }
    }
    #expect(session.read(bytes).failure?.code == .flowControlError)
  }

  @Test("6.9.2 SETTINGS that make windows smaller make them negative, and later ones positive again")
  func negativeWindows() {
    let session = FrameProbe()
    let events = session.read(
      FrameBytes.opening + FrameBytes.settings(4, 10) + FrameBytes.settings(4, 70_000))
    let differences = events.compactMap { if case .settings(let difference) = $0 { difference } else { nil } }
    #expect(differences == [0, 10 - 65_535, 70_000 - 10])
    var window = FlowWindow(100)
    window.spend(90)
    let isValid = window.grow(by: -65_525)
    #expect(isValid && window.available == 10 - 65_525)
    let isTooLarge = !window.grow(by: FlowWindow.largest) || !window.grow(by: 65_536)
    #expect(isTooLarge)
  }

  @Test("6.10 CONTINUATIONs are put together, so many and no more")
  func continuations() {
    let block = FrameBytes.block()
    for count in [1, HeaderBlock.continuations, HeaderBlock.continuations + 1] {
      let session = FrameProbe()
      var bytes = FrameBytes.opening + RawSocket.frame(type: 1, flags: 1, stream: 1, Array(block[..<10]))
      for index in 1...count {
        let isLast = index == count
        bytes += RawSocket.frame(
          type: 9, flags: isLast ? 4 : 0, stream: 1,
          isLast ? Array(block[(9 + index)...]) : [block[9 + index]])
      }
      let events = session.read(bytes)
      if count > HeaderBlock.continuations {
        #expect(events.failure?.code == .enhanceYourCalm)
      } else {
        #expect(events.begun == [1] && events.failure == nil)
      }
    }
  }

  @Test("a trailer ends a request, padding and priorities are left out")
  func wellFormed() {
    let session = FrameProbe()
    let events = session.read(
      FrameBytes.opening
        + RawSocket.frame(
          type: 1, flags: 0x2C, stream: 1, [3] + [0, 0, 0, 0, 15] + FrameBytes.block() + [0, 0, 0])
        + RawSocket.frame(type: 0, flags: 8, stream: 1, [2, 7, 8, 9, 0, 0])
        + RawSocket.frame(type: 2, stream: 1, [0, 0, 0, 0, 1])
        + FrameBytes.headers(1, [("x-end", "1")], ends: true))
    #expect(events.failure == nil && events.begun == [1])
    #expect(events.content == [1: [7, 8, 9]])
    guard case .trailers(1) = events.last else { Issue.record("\(events)"); return }
  }

  @Test("floods of frames that ask for nothing end the connection, and what an honest client sends doesn't")
  func floods() {
    let quiet: [[UInt8]] = [
      RawSocket.frame(type: 99, [1]), RawSocket.frame(type: 2, stream: 1, [0, 0, 0, 0, 1]),
      FrameBytes.windowUpdate(0, 1), FrameBytes.windowUpdate(1, 1), FrameBytes.data(1, []),
      FrameBytes.ping(flags: 1),
      RawSocket.frame(type: 4, flags: 1), RawSocket.frame(type: 7, .init(repeating: 0, count: 8)),
    ]
    for frame in quiet {
      var session = FrameProbe()
      #expect(session.read(FrameBytes.opening + FrameBytes.headers(1)).failure == nil)
      let flood = (0..<2000).flatMap { _ in frame }
      #expect(session.read(flood).failure == FrameFailure(.enhanceYourCalm, reason: "quiet_frames"))
      session = FrameProbe()
      _ = session.read(FrameBytes.opening + FrameBytes.headers(1))
      // The same within a minute, or for content that was sent.
      for second in 0..<60 as Range<UInt64> {
        let part = (0..<33).flatMap { _ in frame }
        #expect(session.read(part, now: .uptimeNanoseconds(second * 1_000_000_000)).failure == nil)
      }
      session.sentData(frames: 1000)
      #expect(session.read(flood, now: .uptimeNanoseconds(60_000_000_000)).failure == nil)
    }
  }
}
