import NIOCore
import NIOHPACK

@testable import DiscoveryService

/// Frames in bytes, right and wrong ones, as a client would send them.
enum FrameBytes {
  static let opening = RawSocket.preface + RawSocket.emptySettings

  static let request: [(String, String)] = [
    (":method", "POST"), (":scheme", "http"), (":path", "/sidero.discovery.server.Cluster/List"),
    (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
  ]

  /// A header block that uses no table.
  static func block(_ headers: [(String, String)] = request) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in headers {
      bytes += [0, UInt8(name.utf8.count)] + name.utf8
      bytes += [UInt8(value.utf8.count)] + value.utf8
    }
    return bytes
  }

  /// HEADERS with END_HEADERS.
  static func headers(
    _ stream: UInt32, _ headers: [(String, String)] = request, ends: Bool = false
  ) -> [UInt8] {
    RawSocket.frame(type: 1, flags: ends ? 5 : 4, stream: stream, block(headers))
  }

  static func data(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = false) -> [UInt8] {
    RawSocket.frame(type: 0, flags: ends ? 1 : 0, stream: stream, bytes)
  }

  static func reset(_ stream: UInt32) -> [UInt8] { RawSocket.frame(type: 3, stream: stream, [0, 0, 0, 8]) }

  static func windowUpdate(_ stream: UInt32, _ count: UInt32) -> [UInt8] {
    RawSocket.frame(type: 8, stream: stream, number(count))
  }

  static func settings(_ parameter: UInt16, _ value: UInt32) -> [UInt8] {
    RawSocket.frame(type: 4, [UInt8(parameter >> 8), UInt8(parameter & 255)] + number(value))
  }

  static func ping(flags: UInt8 = 0) -> [UInt8] {
    RawSocket.frame(type: 6, flags: flags, [1, 2, 3, 4, 5, 6, 7, 8])
  }

  static func number(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }
}

/// A session as the service has it, told bytes.
final class FrameProbe {
  private var session: FrameSession

  init(maximumStreams: Int = 100) {
    session = FrameSession(
      maximumStreams: maximumStreams, headerBytes: 16_384, controlFrames: 200, now: .uptimeNanoseconds(1))
  }

  /// What comes out when `bytes` are read, `cut` at a time.
  func read(
    _ bytes: [UInt8], cut: Int = .max, now: NIODeadline = .uptimeNanoseconds(1)
  ) -> [FrameSession.Event] {
    var events: [FrameSession.Event] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      session.feed(ByteBuffer(bytes: rest.prefix(cut)), now: now)
      rest = rest.dropFirst(cut)
      while let event = session.next() { events.append(event) }
    }
    return events
  }

  var keptBytes: Int { session.keptBytes }
  func end(_ stream: UInt32) -> Bool { session.end(stream) }
  func sentData(frames: Int) { session.sentData(frames: frames) }
}

extension [FrameSession.Event] {
  /// The connection's end, if it came.
  var failure: FrameFailure? {
    for case .failed(let failure) in self { return failure }
    return nil
  }

  /// The streams that were reset for a breach of the rules.
  var failedStreams: [UInt32: FrameErrorCode] {
    var streams: [UInt32: FrameErrorCode] = [:]
    for case .streamFailed(let stream, let code) in self { streams[stream] = code }
    return streams
  }

  /// The streams that began.
  var begun: [UInt32] { compactMap { if case .headers(let id, _, _) = $0 { id } else { nil } } }

  /// The content that came, stream by stream.
  var content: [UInt32: [UInt8]] {
    var content: [UInt32: [UInt8]] = [:]
    for case .data(let id, let bytes, _, _) in self { content[id, default: []] += [UInt8](buffer: bytes) }
    return content
  }
}
