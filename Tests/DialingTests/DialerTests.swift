import Foundation
import NIOCore
import NIOPosix
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Dialing

@Suite("Connecting", .timeLimit(.minutes(2)))
struct DialerTests {
  /// Knows the addresses of all names.
  private struct Addresses: Resolver {
    let six: [String]
    let four: [String]
    let loop = MultiThreadedEventLoopGroup.singleton.any()

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { answer(four, port) }
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { answer(six, port) }
    func cancelQueries() {}

    private func answer(_ addresses: [String], _ port: Int) -> EventLoopFuture<[SocketAddress]> {
      loop.makeCompletedFuture { try addresses.map { try SocketAddress(ipAddress: $0, port: port) } }
    }
  }

  /// Runs a server on loopback that says `greeting`.
  private func withServer<Value>(
    port: Int = 0, _ greeting: String = "", _ body: (Int) async throws -> Value
  ) async throws -> Value {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { child in
        child.writeAndFlush(ByteBuffer(string: greeting), promise: nil)
        return child.eventLoop.makeSucceededVoidFuture()
      }
      .bind(host: "127.0.0.1", port: port).get()
    do {
      let value = try await body(server.localAddress?.port ?? 0)
      try await server.close()
      return value
    } catch {
      try? await server.close()
      throw error
    }
  }

  private func dial(
    _ dialer: Dialer, host: String = "127.0.0.1", _ port: Int, through proxy: String? = nil
  ) async throws -> String {
    let channel = try await dialer.connect(
      to: HostPort(host: host, port: port), through: try proxy.map { try ProxyURL($0) }
    ) { $0 }
    defer { channel.close(promise: nil) }
    return channel.remoteAddress?.ipAddress ?? ""
  }

  @Test("goes on with the next address after 250 ms where the first ones answer nobody")
  func happyEyeballs() async throws {
    let hole = try BlackHole()
    try await withServer(port: hole.port) { port in
      let dialer = Dialer(resolver: Addresses(six: ["::1", "::1"], four: ["127.0.0.1"]))
      let start = ContinuousClock.now
      let address = try await dial(dialer, host: "two.example", port)
      #expect(address == "127.0.0.1")
      let wait = ContinuousClock.now - start
      // Well before the limit of all of it, also on a machine that is busy.
      #expect(wait >= .milliseconds(240) && wait < .seconds(8), "\(wait)")
    }
    withExtendedLifetime(hole) {}
  }

  @Test(
    "says that TLS was broken off, whether the server closes or resets the connection",
    arguments: [true, false])
  func brokenOff(resets: Bool) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { child in
        child.eventLoop.makeCompletedFuture {
          try child.pipeline.syncOperations.addHandler(Hangup(resets: resets))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(server.localAddress?.port)
    let tls = ClientTLS(
      peer: "127.0.0.1:\(port)", serverName: "127.0.0.1", anchors: .system, protocols: ["http/1.1"])
    let error = await #expect(throws: DialError.self) {
      try await Dialer().connect(to: HostPort(host: "127.0.0.1", port: port), tls: tls) { $0 }
    }
    #expect(error?.message == "it broke off the TLS handshake")
    try await server.close()
  }

  /// Closes, or resets, the connection at the first bytes.
  private final class Hangup: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let resets: Bool

    init(resets: Bool) { self.resets = resets }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let channel = context.channel
      guard resets, let socket = channel as? any SocketOptionProvider else {
        return context.close(promise: nil)
      }
      socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
  }

  @Test("has one limit, after which it says so, and ends at once when it is cancelled")
  func limits() async throws {
    let hole = try BlackHole(isIPv6: false)
    let clock = ManualClock()
    let dialer = Dialer(limit: .seconds(10), time: TimeSource(clock))
    async let outcome = Result { try await dial(dialer, hole.port) }
    try await eventually("it waits") { clock.pending == [.seconds(10)] }
    clock.advance(by: .seconds(10))
    guard case .failure(let error as DialError) = await outcome else {
      throw DialError(kind: .closed, message: "?")
    }
    #expect(error == DialError(kind: .timedOut, message: "no connection within 10s"))

    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        let outcome = await Result { try await dial(Dialer(), hole.port) }
        #expect(throws: CancellationError.self) { try outcome.get() }
      }
      try? await eventually("it has begun") { ContinuousClock.now - start > .milliseconds(50) }
      group.cancelAll()
    }
    #expect(ContinuousClock.now - start < .seconds(2))
    withExtendedLifetime(hole) {}
  }

  @Test("says why each address failed")
  func reasons() async throws {
    let silent = try SilentPort()
    for (host, part) in [
      ("127.0.0.1", "Connection refused"), ("none.invalid", "the name 'none.invalid' isn't known"),
    ] {
      do {
        _ = try await dial(Dialer(), host: host, silent.number)
        Issue.record("it connected")
      } catch let error as DialError {
        #expect(error.message == part)
      }
    }
    do {
      _ = try await dial(
        Dialer(resolver: Addresses(six: ["::1"], four: ["127.0.0.1", "127.0.0.2"])), host: "x", silent.number)
    } catch let error as DialError {
      #expect(
        error.message.contains("Connection refused (") && error.message.contains("127.0.0.2"), "\(error)")
    }
    withExtendedLifetime(silent) {}
  }

  @Test("names the proxy where it can't be reached, refuses, hangs up or is silent")
  func proxies() async throws {
    let silent = try SilentPort()
    func failure(_ proxy: String, _ limit: Duration = .seconds(10)) async -> String {
      do {
        _ = try await dial(Dialer(limit: limit), host: "h.example", 443, through: proxy)
        return "connected"
      } catch {
        return "\(error)"
      }
    }
    let closed = "http://127.0.0.1:\(silent.number)"
    #expect(await failure(closed) == "the proxy \(closed) can't be reached: Connection refused")
    try await withServer("HTTP/1.1 403 Forbidden\r\n\r\n") { port in
      let proxy = "http://127.0.0.1:\(port)"
      #expect(
        await failure("http://u:hush@127.0.0.1:\(port)")
          == "the proxy \(proxy) doesn't lead to h.example:443: it answers 403 Forbidden")
      #expect(await failure("socks5://127.0.0.1:\(port)").contains("doesn't speak SOCKS 5"))
      #expect(
        await failure("https://127.0.0.1:\(port)").contains(
          "the proxy https://127.0.0.1:\(port) it doesn't speak TLS"))
    }
    try await withServer { port in
      let text = await failure("http://127.0.0.1:\(port)", .milliseconds(200))
      #expect(text == "no connection within 200ms, through the proxy http://127.0.0.1:\(port)")
    }
    withExtendedLifetime(silent) {}
  }

  @Test("hands on what the server says first, behind a proxy too")
  func firstWords() async throws {
    try await withServer("HTTP/1.1 200 OK\r\n\r\nhello") { port in
      let (heard, sink) = AsyncStream.makeStream(of: String.self)
      let channel = try await Dialer().connect(
        to: HostPort(host: "h.example", port: 80), through: try ProxyURL("http://127.0.0.1:\(port)")
      ) { channel in
        try channel.pipeline.syncOperations.addHandler(Ear(sink))
        return channel
      }
      var words = heard.makeAsyncIterator()
      #expect(await words.next() == "hello")
      try await channel.close()
    }
  }

  private final class Ear: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let sink: AsyncStream<String>.Continuation
    init(_ sink: AsyncStream<String>.Continuation) { self.sink = sink }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      sink.yield(String(buffer: unwrapInboundIn(data)))
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
