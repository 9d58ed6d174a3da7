import Logging
import Synchronization

/// Logs each problem of a Node once, as long as it is there: Nodes change every few minutes, and the same
/// malformed item comes along each time.
///
/// How much is remembered is bounded: of more problems than ``capacity`` only the number is logged.
final class ProblemLog: Sendable {
  private struct State {
    var problems: [String: Set<String>] = [:]
    var count = 0
    var isFull = false
  }

  private let state = Mutex(State())
  private let logger: Logger
  private let capacity: Int

  init(logger: Logger, capacity: Int = 4096) {
    self.logger = logger
    self.capacity = capacity
  }

  /// All problems that the Node `name` has now; those that are new are logged.
  func note(_ problems: [String], of name: String) {
    let (new, becameFull) = state.withLock { state -> ([String], Bool) in
      let before = state.problems.removeValue(forKey: name) ?? []
      state.count -= before.count
      let room = capacity - state.count
      let kept = Set(problems.prefix(max(room, 0)))
      if !kept.isEmpty { state.problems[name] = kept }
      state.count += kept.count
      let wasFull = state.isFull
      state.isFull = problems.count > room
      return (kept.subtracting(before).sorted(), state.isFull && !wasFull)
    }
    for problem in new { logger.warning("\(problem)") }
    if becameFull { logger.warning("more than \(capacity) problems of Nodes: further ones aren't logged") }
  }

  /// The Nodes that are left; the problems of others are forgotten, but for those under names that begin with
  /// a slash, which no Node's name does.
  func keep(only names: some Collection<String>) {
    let names = Set(names)
    state.withLock { state in
      state.problems = state.problems.filter { names.contains($0.key) || $0.key.hasPrefix("/") }
      state.count = state.problems.values.reduce(0) { $0 + $1.count }
    }
  }
}
