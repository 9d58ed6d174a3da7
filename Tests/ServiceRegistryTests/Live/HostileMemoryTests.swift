import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("The memory of a node whose service is hostile", .serialized, .timeLimit(.minutes(3)))
struct HostileMemoryTests {
  /// What a service repeats.
  enum Flood: String, CaseIterable {
    case unknownFrames, tinyUnknownFrames, pings, settings, dataOfNoStream, headerBlocks

    var frames: [UInt8] {
      func many(_ count: Int, _ frames: [UInt8]) -> [UInt8] { (0..<count).flatMap { _ in frames } }
      return switch self {
      case .unknownFrames: WholeFramesTests.frame(66, payload: 16_000)
      case .tinyUnknownFrames: many(500, WholeFramesTests.frame(66, payload: 20))
      case .pings: many(900, WholeFramesTests.frame(6, payload: 8))
      case .settings: many(900, WholeFramesTests.frame(4, payload: 0))
      case .dataOfNoStream: WholeFramesTests.frame(0, payload: 16_000)
      case .headerBlocks:
        many(500, WholeFramesTests.frame(1, payload: 20) + WholeFramesTests.frame(9, flags: 4, payload: 1))
      }
    }
  }

  /// The most that a flood may add to the plugin's memory, and an answer of up to 16 MiB.
  static let maximumGrowth = 64 << 20
  static let maximumAnswerGrowth = 128 << 20
  /// The most time of a processor that such an answer may take, in seconds, in a build without optimization.
  static let maximumAnswerSeconds = 10.0

  @Test("is bounded in a flood of frames that no write ends with", arguments: Flood.allCases)
  func bounded(flood: Flood) async throws {
    let server = FloodServer(flood.frames, total: 256 << 20)
    try await server.run { port in
      let probe = try Probe(port: port)
      try await eventually("the probe is ready") { probe.hasStarted }
      let before = try probe.memory("VmRSS")
      // A flood that the plugin breaks off is tried again, after a while.
      try await eventually("the flood is over, or is refused again and again", within: .seconds(90)) {
        try #require(probe.isRunning)
        return server.sent >= 256 << 20 || server.connections > 3
      }
      let growth = try probe.memory("VmHWM") - before
      #expect(growth <= Self.maximumGrowth, "\(growth >> 20) MiB after \(server.sent >> 20) MiB")
    }
  }

  /// Answers that are small to send and large to keep.
  enum Answer: String, CaseIterable {
    case emptyAffiliates, emptyEndpoints, endpoints, asManyAsAreTaken

    var bytes: [UInt8] {
      let length = GRPCDiscoveryClient.maximumAnswerLength - 64
      func many(_ field: [UInt8], in length: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + field.count)
        while bytes.count < length { bytes += field }
        return bytes
      }
      func affiliate(_ endpoint: [UInt8]) -> [UInt8] {
        let content = many(endpoint, in: length - 64)
        var field: [UInt8] = [0x0A]
        for shift in [0, 7, 14] { field.append(UInt8(content.count >> shift & 0x7F) | 0x80) }
        field.append(UInt8(content.count >> 21))
        return field + content
      }
      return switch self {
      case .emptyAffiliates: many([0x0A, 0], in: length)
      case .emptyEndpoints: affiliate([0x1A, 0])
      case .endpoints: affiliate([0x1A, 32] + [UInt8](repeating: 7, count: 32))
      case .asManyAsAreTaken:
        many(
          [0x0A, 82, 0x0A, 39] + [UInt8](repeating: 0x61, count: 39) + [0x12, 39]
            + [UInt8](repeating: 7, count: 39), in: length)
      }
    }
  }

  @Test("is bounded with answers of a great many items", arguments: Answer.allCases)
  func answers(answer: Answer) async throws {
    let service = BytesService(hello: [], watch: [answer.bytes])
    try await withServer([service]) { port in
      let probe = try Probe(port: port)
      try await eventually("the probe is ready") { probe.hasStarted }
      let before = try probe.memory("VmRSS")
      try await eventually("the answer was read", within: .seconds(60)) { probe.hasReported }
      let growth = try probe.memory("VmHWM") - before
      #expect(growth <= Self.maximumAnswerGrowth, "\(growth >> 20) MiB")
      let seconds = try probe.processorSeconds
      #expect(seconds <= Self.maximumAnswerSeconds, "\(seconds) s of processor")
    }
  }

  /// The plugin in a process of its own.
  private final class Probe: Sendable {
    private let process: ChildProcess

    init(port: Int) throws {
      process = try ChildProcess(
        BuiltProducts.folder.appendingPathComponent("ServiceProbe").path, ["http://127.0.0.1:\(port)"])
    }

    var hasStarted: Bool { process.outputSoFar.contains("ready") || !process.isRunning }
    var hasReported: Bool { process.outputSoFar.contains("reported") }
    var isRunning: Bool { process.isRunning }

    /// The time of a processor that it took so far.
    var processorSeconds: Double {
      get throws {
        let stat = try String(contentsOfFile: "/proc/\(process.processID)/stat", encoding: .utf8)
        // What follows the name in brackets: the 12th and 13th are user's and system's, in hundredths.
        let fields = stat[try #require(stat.lastIndex(of: ")"))...].split(separator: " ")
        return (try #require(Double(fields[12])) + (try #require(Double(fields[13])))) / 100
      }
    }

    /// A line of the process's `status`, in bytes.
    func memory(_ name: String) throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      return try #require(Int(line.filter(\.isNumber))) << 10
    }
  }
}

/// A server that answers whoever connects with HTTP/2's SETTINGS, and then with frames without an end, in
/// writes that all end within a frame. It reads nothing.
private final class FloodServer: Sendable {
  private struct State {
    var sent = 0
    var connections = 0
  }

  private let frames: [UInt8]
  private let total: Int
  private let state = Mutex(State())

  init(_ frames: [UInt8], total: Int) {
    self.frames = frames
    self.total = total
  }

  /// How many bytes were sent.
  var sent: Int { state.withLock { $0.sent } }
  /// How many connections there were.
  var connections: Int { state.withLock { $0.connections } }

  func run(_ body: (_ port: Int) async throws -> Void) async throws {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Flood(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(channel.localAddress?.port ?? 0))
    } catch {
      result = .failure(error)
    }
    try await channel.close()
    try result.get()
  }

  private final class Flood: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: FloodServer
    private let chunk: ByteBuffer

    init(_ server: FloodServer) {
      self.server = server
      // Turned round: what is missing of the last frame begins the next write.
      let cut = server.frames.count - 5
      chunk = ByteBuffer(bytes: server.frames[cut...] + server.frames[..<cut])
    }

    func channelActive(context: ChannelHandlerContext) {
      server.state.withLock { $0.connections += 1 }
      let start = HostileServiceTests.settings + server.frames.dropLast(5)
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: start)), promise: nil)
      flood(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { flood(context) }

    private func flood(_ context: ChannelHandlerContext) {
      while context.channel.isWritable, server.sent < server.total {
        server.state.withLock { $0.sent += chunk.readableBytes }
        context.writeAndFlush(wrapOutboundOut(chunk), promise: nil)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
