import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import DiscoveryService

/// The same bytes for our frame layer and for swift-nio-http2's: both have to hand on the same, and to find the same
/// connections broken.
@Suite("Our frame layer against swift-nio-http2's")
struct FrameDifferentialTests {
  /// What a frame layer made of some bytes.
  struct Outcome: Equatable {
    var begun: [UInt32] = []
    var content: [UInt32: [UInt8]] = [:]
    var ended: Set<UInt32> = []
    var resetByClient: Set<UInt32> = []
    var failedStreams: Set<UInt32> = []
    var isBroken = false
  }

  @Test("well-formed connections are handed on alike", arguments: [1, 2, 3, 4])
  func wellFormed(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<150 {
      let bytes = RandomFrames.connection(using: &generator).flatMap { $0 }
      let cut = Int.random(in: 1...200, using: &generator)
      let ours = ours(bytes, cut: cut)
      #expect(!ours.isBroken && ours.failedStreams.isEmpty)
      #expect(ours == theirs(bytes))
    }
  }

  @Test(
    "connections with a frame changed, left out, sent twice or cut are found broken alike",
    arguments: [5, 6, 7, 8])
  func mutated(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var broken = 0
    for _ in 0..<400 {
      var frames = RandomFrames.connection(using: &generator)
      RandomFrames.mutate(&frames, using: &generator)
      var bytes = frames.flatMap { $0 }
      let probe = FrameProbe()
      // A frame that isn't whole is looked at in part by one and not yet by the other.
      if probe.read(bytes).failure == nil, probe.keptBytes > 0 {
        bytes += [UInt8](repeating: 0, count: 16_400)
      }
      let ours = ours(bytes, cut: Int.random(in: 1...200, using: &generator))
      let theirs = theirs(bytes)
      if ours.isBroken { broken += 1 }
      guard ours.isBroken == theirs.isBroken else {
        let isKnown = RandomFrames.isJudgedOtherwise(frames, ours, theirs)
        #expect(isKnown, "ours \(ours), theirs \(theirs): \(frames)")
        continue
      }
      // Behind a stream's error the two may differ; before it and without one they don't.
      if ours.failedStreams.isEmpty, theirs.failedStreams.isEmpty { #expect(ours == theirs, "\(frames)") }
    }
    #expect(broken > 40, "most mutations are harmless, but not all")
  }

  private func ours(_ bytes: [UInt8], cut: Int) -> Outcome {
    let events = FrameProbe().read(bytes, cut: cut)
    var outcome = Outcome(
      begun: events.begun, content: events.content, failedStreams: Set(events.failedStreams.keys),
      isBroken: events.failure != nil)
    for event in events {
      switch event {
      case .headers(let id, _, true), .trailers(let id), .data(let id, _, _, true): outcome.ended.insert(id)
      case .reset(let id): outcome.resetByClient.insert(id)
      default: break
      }
    }
    return outcome
  }

  private func theirs(_ bytes: [UInt8]) -> Outcome {
    let channel = EmbeddedChannel()
    let recorder = Recorder()
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      .init(parameter: .maxConcurrentStreams, value: 100),
      .init(parameter: .maxHeaderListSize, value: 16_384),
    ]
    connection.controlFrameRateLimit.windowLength = .milliseconds(1)
    connection.maximumConnectionGlitches = 1_000_000
    do {
      try channel.pipeline.syncOperations.addHandler(
        NIOHTTP2Handler(
          mode: .server, connectionConfiguration: connection,
          streamConfiguration: NIOHTTP2Handler.StreamConfiguration()))
      try channel.pipeline.syncOperations.addHandler(recorder)
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
      // The windows that we give.
      channel.pipeline.writeAndFlush(
        HTTP2Frame(
          streamID: .rootStream,
          payload: .windowUpdate(windowSizeIncrement: FrameSession.connectionWindow - 65_535)), promise: nil)
      try channel.writeInbound(ByteBuffer(bytes: bytes))
    } catch { recorder.caught(error) }
    while let data = try? channel.readOutbound(as: IOData.self) {
      guard case .byteBuffer(let bytes) = data, let head = FrameHead(bytes) else { continue }
      if head.kind == FrameHead.Kind.goAway { recorder.outcome.isBroken = true }
      if head.kind == FrameHead.Kind.reset { recorder.outcome.failedStreams.insert(head.stream) }
    }
    _ = try? channel.finish(acceptAlreadyClosed: true)
    return recorder.outcome
  }

  private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    var outcome = Outcome()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let frame = unwrapInboundIn(data)
      let id = UInt32(Int(frame.streamID))
      switch frame.payload {
      case .headers(let headers):
        if !outcome.begun.contains(id) { outcome.begun.append(id) }
        if headers.endStream { outcome.ended.insert(id) }
      case .data(let data):
        if case .byteBuffer(let bytes) = data.data {
          outcome.content[id, default: []] += Array(buffer: bytes)
        }
        if data.endStream { outcome.ended.insert(id) }
      case .rstStream: outcome.resetByClient.insert(id)
      default: break
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { caught(error) }

    func caught(_ error: any Error) {
      if let error = error as? NIOHTTP2Errors.StreamError {
        outcome.failedStreams.insert(UInt32(Int(error.streamID)))
      } else {
        outcome.isBroken = true
      }
    }
  }
}

/// Connections as clients open them, frame by frame, and what may be wrong with one.
private enum RandomFrames {
  static func connection(using generator: inout SeededGenerator) -> [[UInt8]] {
    var frames = [RawSocket.preface, RawSocket.emptySettings]
    var open: [UInt32] = []
    var next: UInt32 = 1
    for _ in 0..<Int.random(in: 1...25, using: &generator) {
      switch Int.random(in: 0..<9, using: &generator) {
      case 0...2:
        let ends = Bool.random(using: &generator)
        frames += headers(next, ends: ends, using: &generator)
        if !ends { open.append(next) }
        next += 2
      case 3, 4:
        guard let stream = open.randomElement(using: &generator) else { continue }
        let ends = Int.random(in: 0..<3, using: &generator) == 0
        let content = (0..<Int.random(in: 1...60, using: &generator)).map { UInt8($0) }
        frames.append(FrameBytes.data(stream, content, ends: ends))
        if ends { open.removeAll { $0 == stream } }
      case 5: frames.append(FrameBytes.ping())
      case 6: frames.append(FrameBytes.settings(4, UInt32.random(in: 0...100_000, using: &generator)))
      case 7:
        let stream = open.randomElement(using: &generator) ?? 0
        frames.append(FrameBytes.windowUpdate(stream, UInt32.random(in: 1...1000, using: &generator)))
      default:
        guard let stream = open.randomElement(using: &generator) else { continue }
        frames.append(FrameBytes.reset(stream))
        open.removeAll { $0 == stream }
      }
    }
    return frames
  }

  private static func headers(
    _ stream: UInt32, ends: Bool, using generator: inout SeededGenerator
  ) -> [[UInt8]] {
    let block = FrameBytes.block()
    guard Int.random(in: 0..<4, using: &generator) == 0 else {
      return [FrameBytes.headers(stream, ends: ends)]
    }
    let cut = Int.random(in: 1..<block.count, using: &generator)
    return [
      RawSocket.frame(type: 1, flags: ends ? 1 : 0, stream: stream, Array(block[..<cut]))
        + RawSocket.frame(type: 9, flags: 4, stream: stream, Array(block[cut...]))
    ]
  }

  static func mutate(_ frames: inout [[UInt8]], using generator: inout SeededGenerator) {
    guard frames.count > 2 else { return }
    let index = Int.random(in: 2..<frames.count, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0:
      // The kind, the flags, the stream or the payload.
      let place = [3, 4, 8, 9].randomElement(using: &generator) ?? 3
      guard place < frames[index].count else { return }
      frames[index][place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: frames.remove(at: index)
    case 2: frames.insert(frames[index], at: index)
    case 3: frames.swapAt(index, frames.count - 1)
    default: frames[index][2] = UInt8.random(in: 0...20, using: &generator)
    }
  }

  /// Where the two may differ, and why ours is right or as good.
  static func isJudgedOtherwise(
    _ frames: [[UInt8]], _ ours: FrameDifferentialTests.Outcome, _ theirs: FrameDifferentialTests.Outcome
  ) -> Bool {
    // A breach that is an error of the stream for one and of the connection for the other.
    if !theirs.failedStreams.isEmpty || !ours.failedStreams.isEmpty { return true }
    return false
  }
}
