import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
        try channel.pipeline.syncOperations.addHandler(AcceptPause(metrics: metrics))
      }
    }
  }
}

/// Pauses accepting after an attempt that failed for want of something.
///
/// NIO's own handler for that holds back the next read, but a listening socket whose first attempt fails stays
/// registered for reading without one, and the loop tries again at once, for ever.
private final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = Channel

  private static let pause = TimeAmount.milliseconds(100)

  private let metrics: ServiceMetrics
  private var isPausing = false

  init(metrics: ServiceMetrics) { self.metrics = metrics }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Of others, such as a connection that its client gave up before it was accepted, the next attempt knows nothing.
    guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
      return context.fireErrorCaught(error)
    }
    metrics.reject("descriptors")
    guard !isPausing else { return }
    isPausing = true
    let channel = context.channel
    try? channel.syncOptions?.setOption(.autoRead, value: false)
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
      self.isPausing = false
      try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
  }
}
