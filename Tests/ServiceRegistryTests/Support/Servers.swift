import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// Runs a gRPC server on loopback while `body` runs; its connections are cut off hard at the end.
func withServer<Result: Sendable>(
  _ services: [any RegistrableRPCService], port: Int = 0,
  security: HTTP2ServerTransport.Posix.TransportSecurity = .plaintext,
  interceptors: [any ServerInterceptor] = [], _ body: @escaping (Int) async throws -> Result
) async throws -> Result {
  // A server that was there before may still be about to let go of the port.
  if port != 0 { try await eventually("port \(port) is free") { LoopbackPort.isFree(port) } }
  let server = GRPCServer(
    transport: .http2NIOPosix(
      address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: security),
    services: services, interceptors: interceptors)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try? await server.serve() }
    defer { group.cancelAll() }
    let ownPort = try await server.listeningAddress?.ipv4?.port ?? 0
    let result = try await body(ownPort)
    // A server that is cancelled while somebody connects stops the process (an unfinished NIOAsyncWriter).
    server.beginGracefulShutdown()
    try await eventually("nobody listens any more") { LoopbackPort.isFree(ownPort) }
    return result
  }
}

/// Runs a TCP server on loopback that knows nothing of HTTP/2: it says `greeting` to whoever connects, and
/// hangs up if asked to.
func withRawServer<Result: Sendable>(
  greeting: [UInt8], hangsUp: Bool, _ body: (Int) async throws -> Result
) async throws -> Result {
  let group = MultiThreadedEventLoopGroup.singleton
  let channel = try await ServerBootstrap(group: group)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(Greeter(greeting: greeting, hangsUp: hangsUp))
      }
    }
    .bind(host: "127.0.0.1", port: 0).get()
  let result: Swift.Result<Result, any Error>
  do {
    result = .success(try await body(channel.localAddress?.port ?? 0))
  } catch {
    result = .failure(error)
  }
  try await channel.close()
  return try result.get()
}

private final class Greeter: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let greeting: [UInt8]
  private let hangsUp: Bool

  init(greeting: [UInt8], hangsUp: Bool) {
    self.greeting = greeting
    self.hangsUp = hangsUp
  }

  func channelActive(context: ChannelHandlerContext) {
    let channel = context.channel
    let written = channel.writeAndFlush(ByteBuffer(bytes: greeting))
    if hangsUp { written.whenComplete { _ in channel.close(promise: nil) } }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Remembers what came as `authorization`, and refuses what isn't `token`.
final class TokenCheck: ServerInterceptor {
  let token: String
  private let mutex = Mutex<[String]>([])

  init(token: String) { self.token = token }

  var seen: [String] { mutex.withLock { $0 } }

  func intercept<Input: Sendable, Output: Sendable>(
    request: StreamingServerRequest<Input>, context: ServerContext,
    next:
      @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
  ) async throws -> StreamingServerResponse<Output> {
    let given = Array(request.metadata[stringValues: "authorization"])
    mutex.withLock { $0 += given }
    guard given == ["Bearer \(token)"] else {
      throw RPCError(code: .unauthenticated, message: "no token that is known")
    }
    return try await next(request, context)
  }
}

/// Answers Hello and Watch with any bytes as messages.
struct BytesService: RegistrableRPCService {
  let hello: [UInt8]
  let watch: [[UInt8]]

  struct Coder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
      bytes.withUnsafeBytes { Array($0) }
    }
  }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let service = ServiceDescriptor(fullyQualifiedService: "sidero.discovery.server.Cluster")
    for (method, messages) in [("Hello", [hello]), ("Watch", watch)] {
      router.registerHandler(
        forMethod: MethodDescriptor(service: service, method: method), deserializer: Coder(),
        serializer: Coder()
      ) { _, _ in
        StreamingServerResponse { writer in
          for message in messages { try await writer.write(message) }
          return [:]
        }
      }
    }
  }
}
