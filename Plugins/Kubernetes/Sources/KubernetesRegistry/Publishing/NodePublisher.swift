import ClusterModel
import Logging
import RegistryKit
import Synchronization

/// Keeps the annotations of this machine's Node as they are to be: writes what differs, and writes it again
/// when somebody else changes it.
struct NodePublisher: Sendable {
  let client: KubernetesClient
  let health: HealthBoard
  let wishes: Wishes
  let timing: InformerTiming
  let logger: Logger

  /// The most attempts at a change that others' changes get in the way of.
  static let maximumConflicts = 5

  /// Works until the task is cancelled.
  func run() async throws {
    // How long it takes until what somebody else changed is changed back: two who disagree must not fight
    // as fast as they can.
    var restoring = Backoff(initial: .seconds(1), maximum: .seconds(300), factor: 2)
    var restoreAt: ContinuousClock.Instant?
    var lastRestored = ContinuousClock.now
    var backoff = timing.backoff
    var accepted = -1
    try await withThrowingDiscardingTaskGroup { group in
      defer { group.cancelAll() }
      for await _ in wishes.node.changes() {
        guard let wish = wishes.current else { continue }
        if wish.number == accepted {
          guard let known = wishes.node.known, case let changes = changes(of: known, for: wish),
            !changes.isEmpty
          else { continue }
          let now = ContinuousClock.now
          guard let moment = restoreAt else {
            if now - lastRestored > timing.forgetsRestoring { restoring.reset() }
            let wait = restoring.next()
            restoreAt = now + wait
            let names = changes.values.keys.map(\.rawValue).sorted().joined(separator: ", ")
            logger.warning("somebody changed \(names) of Node '\(wish.nodeName)'; they are set again")
            group.addTask { try await wake(after: wait) }
            continue
          }
          guard now >= moment else { continue }
          lastRestored = now
        } else {
          restoring.reset()
        }
        restoreAt = nil
        do {
          try await fulfil(wish)
          accepted = wish.number
          backoff.reset()
          wishes.fulfilled(wish.number)
          try health.set(.writing, nil)
        } catch let error as APIError {
          try Task.checkCancellation()
          let trouble = Self.trouble(error, wish: wish)
          try health.set(.writing, trouble)
          // A Node that doesn't exist yet is waited for; of all else who asked is told.
          if error.kind != .status(404) { wishes.failed(wish.number, trouble) }
          let wait = max(backoff.next(), min(error.retryAfter ?? .zero, timing.maximumRetryAfter))
          group.addTask { try await wake(after: wait) }
        }
      }
      try Task.checkCancellation()
    }
  }

  private func wake(after wait: Duration) async throws {
    try await client.clock.sleep(for: wait)
    wishes.node.wake()
  }

  /// Makes the Node's annotations what `wish` says.
  private func fulfil(_ wish: Wish) async throws {
    var conflicts = 0
    while true {
      do {
        let known = try await present(wish.nodeName)
        let changes = changes(of: known, for: wish)
        guard !changes.isEmpty else { return }
        let request = APIRequest.patch(node: wish.nodeName, changes.mergePatch)
        let reply = try NodeReply.read(try await client.data(request), of: request)
        wishes.node.take(reply)
        return
      } catch let error as APIError {
        switch error.kind {
        case .status(404) where wish.annotations == nil:
          // Nothing is there that could be withdrawn.
          return
        case .status(404):
          wishes.node.forget()
          throw error
        case .status(409) where conflicts < Self.maximumConflicts:
          conflicts += 1
          wishes.node.forget()
          try await client.clock.sleep(for: .milliseconds(Int.random(in: 10...100) * conflicts))
        default: throw error
        }
      }
    }
  }

  /// The Node as it is known, or else as the server says.
  private func present(_ name: String) async throws -> LocalNode.Known {
    if let known = wishes.node.known, known.name == name { return known }
    let request = APIRequest.node(name)
    let known = try NodeReply.read(try await client.data(request), of: request)
    wishes.node.take(known)
    return known
  }

  private func changes(of known: LocalNode.Known, for wish: Wish) -> AnnotationChanges {
    guard let annotations = wish.annotations else {
      return AnnotationChanges.withdrawing(wish.nodeID, from: known.annotations)
    }
    return AnnotationChanges(from: known.annotations, to: annotations)
  }

  private static func trouble(_ error: APIError, wish: Wish) -> RegistryError {
    guard error.kind == .status(404) else { return error.error }
    return RegistryError(
      .unavailable,
      "this node isn't told to the others yet: there is no Node '\(wish.nodeName)', which the kubelet makes; is "
        + "node.nodename right?")
  }
}
