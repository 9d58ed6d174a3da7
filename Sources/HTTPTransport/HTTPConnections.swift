import Dialing
import Glibc
import NIOCore
import Platform

/// Connections that are kept for the next request to the same endpoint. A certificate that was replaced makes it
/// another one.
package actor HTTPConnections {
  private var idle: [HTTPConnection] = []
  /// What the idle ones are connected to.
  private var endpoint: HTTPEndpoint?
  private var isClosed = false
  private let dialer: Dialer

  /// How long a connection is kept for which there is no request.
  private static let idleLimit = TimeAmount.seconds(60)
  /// The most that are kept: one for the watch and one for all else.
  private static let maximumIdle = 2

  package init(connectTimeout: Duration) { dialer = Dialer(limit: connectTimeout) }

  /// Lends a connection to `body`.
  ///
  /// - Parameter isRepeatable: whether `body` may be called again, with a new connection, where a kept one turns out
  ///   to have ended.
  package func with<Value: Sendable>(
    _ endpoint: HTTPEndpoint, isRepeatable: Bool,
    _ body: @Sendable (HTTPConnection) async throws -> Value
  ) async throws -> Value {
    if let kept = take(endpoint) {
      do {
        return try await lend(kept, endpoint, body)
      } catch let error as AnswerCutOff where isRepeatable && error.isBeforeAnswer {
        try Task.checkCancellation()
      }
    }
    return try await lend(try await connect(endpoint), endpoint, body)
  }

  /// Closes all that are kept, and keeps no more.
  package func close() {
    isClosed = true
    drop()
  }

  private func lend<Value: Sendable>(
    _ connection: HTTPConnection, _ endpoint: HTTPEndpoint,
    _ body: @Sendable (HTTPConnection) async throws -> Value
  ) async throws -> Value {
    do {
      let value = try await body(connection)
      if await connection.release(idleLimit: Self.idleLimit) { keep(connection, endpoint) }
      return value
    } catch {
      connection.close()
      throw error
    }
  }

  private func take(_ endpoint: HTTPEndpoint) -> HTTPConnection? {
    if endpoint != self.endpoint { drop() }
    self.endpoint = endpoint
    while let connection = idle.popLast() {
      if connection.isOpen { return connection }
    }
    return nil
  }

  private func keep(_ connection: HTTPConnection, _ endpoint: HTTPEndpoint) {
    idle.removeAll { !$0.isOpen }
    guard !isClosed, endpoint == self.endpoint, idle.count < Self.maximumIdle else {
      return connection.close()
    }
    idle.append(connection)
  }

  private func drop() {
    for connection in idle { connection.close() }
    idle = []
  }

  private func connect(_ endpoint: HTTPEndpoint) async throws -> HTTPConnection {
    let server = endpoint.server
    return try await dialer.connect(
      to: HostPort(host: server.host, port: server.port), through: endpoint.proxy,
      tls: try server.isSecure ? endpoint.tls() : nil
    ) { channel in
      KeepAlive.enable(on: channel)
      return try HTTPConnection(channel)
    }
  }
}

/// Lets the system find out that the other end is gone, where it sent no notice: a watch may be silent for
/// minutes. It also has whatever is on the way see that the connection is in use.
enum KeepAlive {
  /// After 30 s of silence, 3 questions 10 s apart.
  static func enable(on channel: any Channel) {
    guard let options = channel.syncOptions else { return }
    try? options.setOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
    try? options.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30)
    try? options.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
    try? options.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
  }
}
