import ClusterModel
import ClusterResources
import StatusClient

/// What somebody who waits knows, and since when the goal is met without a break.
struct WaitState {
  private let goal: WaitGoal
  private var members = DocumentSet()
  private var registries = DocumentSet()
  /// Whether all up to now was told: until then nothing can be said.
  private var isSettled = false
  /// When the goal was met, by a steady clock; nil where it isn't.
  private(set) var heldSince: Duration?
  /// How far it is; nil where nothing can be said.
  private(set) var progress: WaitGoal.Progress?
  /// Why the daemon isn't there; nil where it is.
  private(set) var absence: StatusError?
  /// Whether a daemon ever told all.
  private(set) var wasHeard = false

  init(goal: WaitGoal) { self.goal = goal }

  mutating func take(_ event: WatchEvent, at elapsed: Duration, now: Timestamp) {
    if case .disconnected(let error) = event { absence = error } else { absence = nil }
    switch event {
    case .added(let type, let document), .modified(let type, let document):
      if type == "registries" { _ = registries.put(document) } else { _ = members.put(document) }
    case .deleted(let type, let document, _):
      if type == "registries" { _ = registries.remove(document) } else { _ = members.remove(document) }
    case .reset:
      isSettled = false
      members.reset()
      registries.reset()
    case .synced:
      isSettled = true
      wasHeard = true
      _ = members.settle()
      _ = registries.settle()
    case .disconnected: isSettled = false
    }
    evaluate(at: elapsed, now: now)
  }

  /// The world of two lists, at once.
  mutating func take(members: [ResourceValue], registries: [ResourceValue], now: Timestamp) {
    for document in members { _ = self.members.put(document) }
    for document in registries { _ = self.registries.put(document) }
    isSettled = true
    wasHeard = true
    evaluate(at: .zero, now: now)
  }

  private mutating func evaluate(at elapsed: Duration, now: Timestamp) {
    guard isSettled else {
      heldSince = nil
      return
    }
    let progress = goal.progress(members.documents, registries.documents, at: now)
    self.progress = progress
    // A moment in which it wasn't so is a break, however short.
    heldSince = progress.isMet ? heldSince ?? elapsed : nil
  }
}
