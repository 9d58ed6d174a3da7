import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import Synchronization

/// Takes connections and lets a child channel handle each, within limits.
struct HTTPListener<Child: ServerChildChannel>: Sendable {
  /// The most connections at a time; more are closed at once.
  static var maximumConnections: Int { 8192 }
  /// For how long a connection may be idle between requests, or take to send one.
  static var idleTimeout: TimeAmount { .seconds(60) }

  private let channel: NIOAsyncChannel<Accepted, Never>
  private let child: Child
  private let logger: Logger
  private let connections = OpenConnections()

  private struct Accepted: Sendable {
    let value: Child.Value
    let channel: any Channel
  }

  /// Where it listens.
  var address: SocketAddress? { channel.channel.localAddress }

  /// Listens at `address`.
  init(_ child: Child, at address: SocketAddress, logger: Logger) async throws {
    self.child = child
    self.logger = logger
    channel = try await Self.bootstrap.bind(to: address) { channel in Self.accept(channel, child, logger) }
  }

  /// Takes over a socket that listens already.
  init(_ child: Child, descriptor: Int32, logger: Logger) async throws {
    self.child = child
    self.logger = logger
    channel = try await Self.bootstrap.bind(descriptor) { channel in Self.accept(channel, child, logger) }
  }

  private static var bootstrap: ServerBootstrap {
    ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // What is written and not taken is all the memory that a slow reader costs.
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 8 * 1024, high: 32 * 1024))
  }

  private static func accept(
    _ channel: any Channel, _ child: Child, _ logger: Logger
  ) -> EventLoopFuture<Accepted> {
    child.setup(channel: channel, logger: logger).map { Accepted(value: $0, channel: channel) }
  }

  /// Serves until ``stop()``, and until what was being answered then has ended.
  func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      try await channel.executeThenClose { inbound in
        for try await accepted in inbound {
          guard connections.add(accepted.channel, limit: Self.maximumConnections) else {
            accepted.channel.close(promise: nil)
            continue
          }
          let (child, logger, connections) = (child, logger, connections)
          group.addTask {
            await child.handle(value: accepted.value, logger: logger)
            connections.remove(accepted.channel)
          }
        }
      }
    }
  }

  /// Takes no more connections, and no more requests on those that there are: what is being answered has a second.
  func stop() {
    channel.channel.close(promise: nil)
    connections.end(within: .seconds(1))
  }
}

/// The connections that are open.
private final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isEnding = false
  }

  private let state = Mutex(State())

  /// - Returns: whether there was room.
  func add(_ channel: any Channel, limit: Int) -> Bool {
    state.withLock { state in
      guard !state.isEnding, state.channels.count < limit else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
  }

  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// Closes all as soon as they have answered, and after that time in any case: a reader that takes nothing can't hold
  /// up the end.
  func end(within time: TimeAmount) {
    let channels = state.withLock { state in
      state.isEnding = true
      return Array(state.channels.values)
    }
    for channel in channels {
      channel.close(mode: .input, promise: nil)
      channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
  }
}
