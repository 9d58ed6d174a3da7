import DiscoveryProtocol
import RegistryKit

/// A connection to a service: the five calls, without deadlines.
protocol ServiceConnection: Sendable {
  func hello(_ request: WireHelloRequest) async throws(CallError) -> WireHelloResponse
  func update(_ request: WireAffiliateUpdateRequest) async throws(CallError)
  func delete(_ request: WireAffiliateDeleteRequest) async throws(CallError)
  func list(_ request: WireListRequest) async throws(CallError) -> WireListResponse
  /// Calls `each` with each answer, one after the other, until the service ends the stream.
  ///
  /// - Throws: ``CallError``, or what `each` threw.
  func watch(
    _ request: WireWatchRequest, _ each: @escaping @Sendable (WireWatchResponse) async throws -> Void
  ) async throws
}

/// Makes connections.
protocol ServiceDialer: Sendable {
  /// Connects to `url`, calls `body`, and closes the connection when it returns or throws.
  func withConnection<Result: Sendable>(
    to url: ServiceURL, _ body: @escaping @Sendable (any ServiceConnection) async throws -> Result
  ) async throws -> Result
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

  /// Whether it is the service's word on this call, while the connection works.
  var isAnswer: Bool {
    switch kind {
    case .refused, .exhausted, .credentials: true
    case .connection, .cancelled: false
    }
  }

  /// For a person; of the service's own words only what is safe to show.
  var message: String
}
