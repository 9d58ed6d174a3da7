import NIOCore
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
      .pausesAccepting(metrics: service.metrics)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // So much of one connection at a time, that what it sends holds others up for no longer than that takes.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      // Each connection keeps the buffer that it last read into: requests are small.
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 4096)
      )
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
    if let certificate {
      try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context))
    }
    try pipeline.addHandler(
      ServerConnection(loop: loop, service: service, isEncrypted: certificate != nil))
  }
}

extension ServerBootstrap {
  /// Has nothing accepted for a moment where no descriptor is free: else the attempts would take all of the CPU.
  func pausesAccepting(metrics: ServiceMetrics) -> ServerBootstrap {
    serverChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(
          AcceptBackoffHandler { _ in
            metrics.reject("descriptors")
            return .milliseconds(100)
          })
      }
    }
  }
}
