package import NIOCore
package import NIOPosix
package import Platform

/// Connects to servers: looks the name up, tries its addresses side by side (RFC 8305: the next one after 250 ms),
/// goes through a proxy, and begins TLS; all of that within one limit, and ended at once by cancellation.
package struct Dialer: Sendable {
  /// The most that all of it may take.
  package let limit: Duration
  private let time: TimeSource
  /// nil: the system's.
  private let resolver: (any Resolver & Sendable)?

  package init(
    limit: Duration = .seconds(10), time: TimeSource = TimeSource(),
    resolver: (any Resolver & Sendable)? = nil
  ) {
    self.limit = limit
    self.time = time
    self.resolver = resolver
  }

  /// Connects to `target`.
  ///
  /// - Parameters:
  ///   - tls: nil: without TLS.
  ///   - configure: adds what speaks with the server to the end of the channel's pipeline, on its event loop, before
  ///     anything that the server sent is read. What it returns may own the channel; where nobody waits for that any
  ///     more, the channel is closed first, and that is let go of then.
  /// - Throws: ``DialError``, `CancellationError`.
  package func connect<Output: Sendable>(
    to target: HostPort, through proxy: ProxyURL? = nil, tls: ClientTLS? = nil,
    configure: @escaping @Sendable (any Channel) throws -> Output
  ) async throws -> Output {
    let attempt = DialAttempt(target: target, proxy: proxy, tls: tls, configure: configure)
    do {
      try await time.within(limit) { [limit, resolver] in try await attempt.run(limit: limit, resolver) }
      if let output = attempt.take() { return output }
      throw attempt.error(.closed, "the connection was closed")
    } catch {
      // It may have come in the same moment.
      attempt.discard()
      guard error is DeadlineExceeded else { throw error }
      throw attempt.error(.timedOut, "no connection within \(DurationText.text(of: limit))")
    }
  }
}

/// Why there is no connection.
package struct DialError: Error, Hashable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The name has no address, or isn't known.
    case unknownName
    /// No address takes a connection.
    case unreachable
    case timedOut
    /// The proxy doesn't lead there.
    case proxy
    /// The server's certificate isn't good.
    case certificate(CertificateProblem.Kind)
    case tls
    /// The other end closed the connection.
    case closed
  }

  package let kind: Kind
  /// Why, and through which proxy; goes on after "can't be reached: ".
  package let message: String

  package var description: String { message }

  /// Whether it is TLS that fails, rather than the way to the server.
  package var isOfTLS: Bool {
    switch kind {
    case .certificate, .tls: true
    default: false
    }
  }
}
