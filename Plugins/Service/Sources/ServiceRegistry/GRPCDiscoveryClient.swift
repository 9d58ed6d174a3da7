import ClusterModel
import Dialing
import DiscoveryGRPC
import DiscoveryProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf

/// A connection to a service by gRPC over HTTP/2.
struct GRPCDiscoveryClient: DiscoveryClient {
  let client: WireCluster.Client<HTTP2ClientTransport.WrappedChannel>
  let metadata: Metadata
  let url: ServiceURL
  /// What the connection goes through.
  let proxy: ProxyURL?
  let failure: ConnectionFailure
  /// Whether there is a token that isn't sent here, as a redirect led here.
  let withholdsToken: Bool

  /// The most bytes of one answer. A full cluster's snapshot has about 4 MiB.
  static let maximumAnswerLength = 16 << 20

  private var options: CallOptions {
    var options = CallOptions.defaults
    options.maxResponseMessageBytes = Self.maximumAnswerLength
    // The transport goes by the limit of requests in both directions.
    options.maxRequestMessageBytes = Self.maximumAnswerLength
    return options
  }

  func hello(_ request: WireHelloRequest) async throws -> WireHelloResponse {
    try await call { try await client.hello(request, metadata: metadata, options: options) }
  }

  func update(_ request: WireAffiliateUpdateRequest) async throws {
    _ = try await call { try await client.affiliateUpdate(request, metadata: metadata, options: options) }
  }

  func delete(_ request: WireAffiliateDeleteRequest) async throws {
    _ = try await call { try await client.affiliateDelete(request, metadata: metadata, options: options) }
  }

  func list(_ request: WireListRequest) async throws -> WireListResponse {
    try await call {
      try await client.list(
        request: ClientRequest(message: request, metadata: metadata), serializer: ProtobufSerializer(),
        deserializer: AnswerDeserializer<WireListResponse>(), options: options
      ) { try $0.message }
    }
  }

  func watch(
    _ request: WireWatchRequest, _ each: @escaping @Sendable (WireWatchResponse) async throws -> Void
  ) async throws {
    do {
      try await client.watch(
        request: ClientRequest(message: request, metadata: metadata), serializer: ProtobufSerializer(),
        deserializer: AnswerDeserializer<WireWatchResponse>(), options: options
      ) { response in
        for try await answer in response.messages {
          do { try await each(answer) } catch { throw CallerFailure(error: error) }
        }
      }
    } catch let failure as CallerFailure {
      throw failure.error
    } catch {
      throw explain(error)
    }
  }

  /// An error that isn't the call's but of whoever the answers were given to.
  private struct CallerFailure: Error {
    var error: any Error
  }

  private func call<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch {
      throw explain(error)
    }
  }

  private func explain(_ error: any Error) -> CallError {
    if error is CancellationError || Task.isCancelled {
      return CallError(kind: .cancelled, message: "cancelled")
    }
    var explained = CallError(url, error)
    if explained.kind == .connection {
      if let cause = failure.error { explained = CallError(url, cause) }
      if let proxy { explained.message += ", through the proxy \(proxy)" }
    }
    if withholdsToken, explained.kind == .credentials {
      explained.message +=
        "; the token isn't sent where a redirect points: name \(url) among the endpoints if it may have it"
    }
    return explained
  }
}

extension CallError {
  /// There is no connection to `url`.
  init(_ url: ServiceURL, _ error: DialError) {
    self.init(
      kind: .connection, message: "no connection to \(url): \(error.isOfTLS ? "TLS: " : "")\(error.message)")
  }

  /// What `error` of gRPC means.
  init(_ url: ServiceURL, _ error: any Error) {
    let root = Self.root(of: error)
    guard let rpc = root as? RPCError else {
      let reason = TLSFailure.text(of: root) ?? String(describing: root)
      self.init(kind: .connection, message: "no connection to \(url): \(Self.text(reason))")
      return
    }
    let text = "\(url) answers \(rpc.code.description): \(Self.text(rpc.message))"
    switch rpc.code {
    case .invalidArgument, .failedPrecondition, .outOfRange, .unimplemented, .notFound, .alreadyExists:
      self.init(kind: .refused, message: text)
    case .resourceExhausted: self.init(kind: .exhausted, message: text)
    case .unauthenticated, .permissionDenied: self.init(kind: .credentials, message: text)
    case .cancelled: self.init(kind: .connection, message: "\(url) broke off")
    default: self.init(kind: .connection, message: "\(url): \(rpc.code): \(Self.text(rpc.message))")
    }
  }

  /// The error that began it.
  private static func root(of error: any Error) -> any Error {
    var error = error
    for _ in 0..<16 {
      if let cause = (error as? RPCError)?.cause ?? (error as? RuntimeError)?.cause {
        error = cause
      } else {
        break
      }
    }
    return error
  }

  private static func text(_ error: any Error) -> String { text(String(describing: error)) }

  /// A service can say anything: so on one line, and not much.
  private static func text(_ text: String) -> String {
    String(quoted(text, limit: 300).dropFirst().dropLast())
  }
}
