import DiscoveryProtocol
import Platform
import RegistryKit

/// A connection to a service: the five calls, without deadlines. Each throws ``CallError``.
protocol DiscoveryClient: Sendable {
  func hello(_ request: WireHelloRequest) async throws -> WireHelloResponse
  func update(_ request: WireAffiliateUpdateRequest) async throws
  func delete(_ request: WireAffiliateDeleteRequest) async throws
  func list(_ request: WireListRequest) async throws -> WireListResponse
  /// Calls `each` with each answer, one after the other, until the service ends the stream; also throws what
  /// `each` threw.
  func watch(
    _ request: WireWatchRequest, _ each: @escaping @Sendable (WireWatchResponse) async throws -> Void
  ) async throws
}

/// Makes connections.
protocol DiscoveryConnector: Sendable {
  /// Connects to `url`, calls `body`, and closes the connection when it returns or throws.
  ///
  /// - Parameter time: what the limit of connecting goes by.
  /// - Throws: ``UnusableCredentials`` before anything is connected, else what `body` throws.
  func withClient<Result: Sendable>(
    of url: ServiceURL, time: TimeSource,
    _ body: @escaping @Sendable (any DiscoveryClient) async throws -> Result
  ) async throws -> Result
}

/// A file with credentials can't be used.
struct UnusableCredentials: Error {
  var error: RegistryError
}

/// Why a call failed.
struct CallError: Error, Hashable {
  enum Kind {
    /// There is no service, or no connection to it any more.
    case connection
    /// The service answered, and won't do this.
    case refused
    /// The service answered that there is too much already: of what it keeps, or of calls.
    case exhausted
    /// The service answered that the credentials won't do.
    case credentials
    /// The task was cancelled.
    case cancelled
  }

  var kind: Kind
  /// For a person; of the service's own text only what is safe to show.
  var message: String

  /// Whether it is the service's answer to this call, while the connection works.
  var isAnswer: Bool {
    switch kind {
    case .refused, .exhausted, .credentials: true
    case .connection, .cancelled: false
    }
  }
}
