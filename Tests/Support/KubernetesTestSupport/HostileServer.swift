public import NIOCore
import NIOPosix

/// A server that does what it likes with whoever connects.
public enum HostileServer {
  public typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  /// Listens on a free port of 127.0.0.1 while `body` runs, which is given the port, and gives each connection to
  /// `behaviour`.
  public static func run(
    _ behaviour:
      @escaping @Sendable (
        NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>
      ) async throws -> Void,
    _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
      }
    let port = server.channel.localAddress?.port ?? 0
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await server.executeThenClose { connections in
          try await withThrowingDiscardingTaskGroup { group in
            for try await connection in connections {
              group.addTask {
                // How a connection ends is of no interest here.
                try? await connection.executeThenClose { try await behaviour($0, $1) }
              }
            }
          }
        }
      }
      defer { group.cancelAll() }
      try await body(port)
    }
  }
}
