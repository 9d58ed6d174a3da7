import Documents
import HTTPTransport
import Inventories
import NIOCore
import Platform
import RegistryKit
import Synchronization

/// Follows the nodes of another Rollcall by its API's watch (`/v1/watch`, see Docs/API.md).
struct RollcallFollower: Sendable {
  let client: HTTPClient
  let session: RegistrySession
  /// Without `/v1`.
  let url: RequestURL

  /// Follows until cancelled.
  func run() async throws {
    let watch = url.appending("/v1/watch?types=affiliates,members")
    let state = Mutex(FederationState(session, name: "\(url)", maximumBytes: client.settings.maximumBytes))
    let time = TimeSource(session.clock)
    var patience = Patience()
    var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), factor: 2, spread: 0.2)
    while true {
      try Task.checkCancellation()
      state.withLock { $0.begin() }
      var failure: HTTPFailure?
      do {
        var headers = [(name: "accept", value: "text/event-stream")]
        if let last = state.withLock({ $0.lastID }) { headers.append(("last-event-id", last)) }
        try await client.stream(watch, headers: headers) { answer in
          if answer.header("content-type")?.lowercased().hasPrefix("text/event-stream") != true {
            throw HTTPFailure(
              .failed, "\(watch) isn't the watch of a Rollcall: it doesn't answer with events")
          }
        } take: { bytes in
          try state.withLock { try $0.take(bytes) }
        }
        if !state.withLock({ $0.hasWorked }) {
          failure = HTTPFailure(.unavailable, "\(url) ended its watch before it had said anything")
        }
      } catch let error as HTTPFailure {
        failure = error
      }
      if state.withLock({ $0.hasWorked }) {
        backoff.reset()
        patience.reset()
      }
      if let failure {
        try state.withLock { try $0.fail(failure) }
        try patience.fail(failure, at: time.elapsed)
      }
      try await time.sleep(max(backoff.next(), failure?.retryAfter ?? .zero))
    }
  }
}
