import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Sets up what each gRPC connection runs through.
struct ServicePipeline: Sendable {
  let service: ServiceContext
  let loops: [ObjectIdentifier: FanOutLoop]
  let certificate: ServerCertificate?

  /// A bootstrap that serves gRPC on `group`'s loops.
  func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try configure(channel) }
      }
  }

  /// Adds the handlers to a connection's channel; on the channel's event loop.
  func configure(_ channel: any Channel) throws {
    guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else {
      throw ChannelError.inappropriateOperationForState
    }
    let pipeline = channel.pipeline.syncOperations
    let connection = GRPCConnection(loop: loop, service: service)
    if let certificate {
      try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context))
    }
    try pipeline.addHandler(TurnFlush(loop: loop))
    if service.options.pacedPings {
      try pipeline.addHandler(PingAckPacing { [unowned connection] in connection.blocked > 0 })
    }
    try pipeline.addHandler(
      NIOHTTP2Handler(
        mode: .server, connectionConfiguration: connectionConfiguration,
        streamConfiguration: streamConfiguration))
    try pipeline.addHandler(connection)
  }

  private var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [
      .init(parameter: .maxConcurrentStreams, value: service.options.concurrentStreams),
      .init(parameter: .maxHeaderListSize, value: service.options.headerBytes),
    ]
    // PINGs are counted in GRPCConnection, which knows how many were called for; the handler's own count
    // would end the connection of every grpc-go watcher with more than 200 changes in half a minute.
    configuration.controlFrameRateLimit.windowLength = .milliseconds(10)
    // What is on its way for calls that were refused early must not end the connection.
    configuration.maximumRecentlyResetStreams = service.options.concurrentStreams
    // A connection lives for months: a count without a window would end it some day.
    configuration.maximumConnectionGlitches = 1_000_000
    return configuration
  }

  private var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
    NIOHTTP2Handler.StreamConfiguration()
  }
}
