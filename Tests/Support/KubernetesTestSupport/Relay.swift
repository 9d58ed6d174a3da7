import NIOCore
import NIOPosix

/// Hands bytes on between 127.0.0.2 and a server: the same server under an address that its certificate
/// doesn't have. (All of 127.0.0.0/8 is this machine.)
public enum Relay {
  public static let host = "127.0.0.2"

  /// Relays to `port` of 127.0.0.1 while `body` runs, which is given the relay's port.
  ///
  /// - Parameter asked: makes it an HTTP proxy, and is given the head of each request to connect.
  public static func run(
    to port: Int, asked: (@Sendable (String) -> Void)? = nil,
    _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: host, port: 0) { asynchronous($0) }
    let ownPort = server.channel.localAddress?.port ?? 0
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await server.executeThenClose { connections in
          try await withThrowingDiscardingTaskGroup { group in
            for try await connection in connections {
              group.addTask { try? await relay(connection, to: port, asked: asked) }
            }
          }
        }
      }
      defer { group.cancelAll() }
      try await body(ownPort)
    }
  }

  private static func relay(
    _ near: NIOAsyncChannel<ByteBuffer, ByteBuffer>, to port: Int, asked: (@Sendable (String) -> Void)?
  ) async throws {
    let far = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { asynchronous($0) }
    try await near.executeThenClose { nearIn, nearOut in
      var parts = nearIn.makeAsyncIterator()
      if let asked {
        var head = ""
        while !head.hasSuffix("\r\n\r\n"), let part = try await parts.next() { head += String(buffer: part) }
        asked(head)
        try await nearOut.write(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"))
      }
      try await far.executeThenClose { farIn, farOut in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { for try await part in farIn { try await nearOut.write(part) } }
          defer { group.cancelAll() }
          while let part = try await parts.next() { try await farOut.write(part) }
        }
      }
    }
  }

  @Sendable private static func asynchronous(
    _ channel: any Channel
  ) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> {
    channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
  }
}
