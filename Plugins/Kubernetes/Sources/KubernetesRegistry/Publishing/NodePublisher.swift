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
    let time = Stopwatch(client.clock)
    var restoring = timing.restoring
    var restoreAt: Duration?
    var lastRestored = Duration.zero
    var backoff = timing.backoff
    var pause: WritePause?
    var rivalry = Rivalry(memory: timing.forgetsRestoring)
    var accepted = -1
    try await withThrowingDiscardingTaskGroup { group in
      defer { group.cancelAll() }
      for await _ in wishes.node.changes() {
        guard let wish = wishes.current else { continue }
        let now = time.elapsed
        if let pause, pause.holds(wish, at: now) { continue }
        if wish.number == accepted {
          if rivalry.forget(at: now) { try health.set(.writing, nil) }
          guard let known = wishes.node.known, case let changes = changes(of: known, for: wish),
            !changes.isEmpty
          else { continue }
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
          if let other = try await fulfil(wish) {
            let shown = Rivalry.shown(other)
            logger.warning("Node '\(wish.nodeName)' carried another identity, '\(shown)', which was replaced")
            rivalry.replaced(other, at: time.elapsed)
            group.addTask { try await wake(after: timing.forgetsRestoring) }
          }
          accepted = wish.number
          backoff.reset()
          pause = nil
          wishes.fulfilled(wish.number)
          try health.set(.writing, rivalry.trouble(wish.nodeName))
        } catch let error as APIError {
          try Task.checkCancellation()
          let trouble = Self.trouble(error, wish: wish)
          try health.set(.writing, trouble)
          let isMissing = error.kind == .status(404)
          let asked = min(error.retryAfter ?? .zero, timing.maximumRetryAfter)
          let wait = max(backoff.next(), asked)
          let failed = time.elapsed
          // A Node that doesn't exist yet is waited for, and written when it comes.
          pause = WritePause(after: wish, retry: isMissing ? failed : failed + wait, asked: failed + asked)
          // Of all else who asked is told.
          if !isMissing { wishes.failed(wish.number, trouble) }
          if asked > .zero, asked < wait { group.addTask { try await wake(after: asked) } }
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
  ///
  /// - Returns: the identity of another node that was replaced with this.
  private func fulfil(_ wish: Wish) async throws -> String? {
    var conflicts = 0
    while true {
      do {
        let known = try await present(wish.nodeName)
        let changes = changes(of: known, for: wish)
        guard !changes.isEmpty else { return nil }
        let other = known.annotations[NodeAnnotation.nodeID.rawValue].flatMap {
          $0.isEmpty || $0 == wish.nodeID.text ? nil : $0
        }
        let request = APIRequest.patch(node: wish.nodeName, changes.mergePatch)
        let reply = try NodeReply.read(try await client.data(request), of: request)
        wishes.node.take(reply)
        return other
      } catch let error as APIError {
        switch error.kind {
        case .status(404) where wish.annotations == nil:
          // Nothing is there that could be withdrawn.
          return nil
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
