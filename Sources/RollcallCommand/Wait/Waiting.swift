import ClusterModel
import ClusterResources
import Platform
import StatusClient
import Synchronization

/// Waits until a goal is met.
final class Waiting: Sendable {
  private let client: StatusClient
  /// For how long the goal must hold without a break.
  private let stable: Duration
  private let timeout: Duration
  private let time: TimeSource
  /// Is given each line for the person who waits.
  private let tell: @Sendable (String) -> Void
  private let state: Mutex<WaitState>
  private let changed = ChangeSignal()

  /// How it ended.
  enum End: Hashable, Sendable {
    case met(String, after: Duration)
    /// The time is over, and why it isn't met.
    case late(String)
    /// No daemon was heard in all the time, and why.
    case unheard(String)
  }

  init(
    for goal: WaitGoal, client: StatusClient, stable: Duration, timeout: Duration, time: TimeSource,
    tell: @escaping @Sendable (String) -> Void
  ) {
    self.client = client
    self.stable = stable
    self.timeout = timeout
    self.time = time
    self.tell = tell
    state = Mutex(WaitState(goal: goal))
  }

  /// - Throws: ``StatusError`` where a daemon refuses to tell.
  func run() async throws -> End {
    guard timeout > .zero else { return try await once() }
    return try await withThrowingTaskGroup(of: End?.self) { group in
      group.addTask {
        let query = [(name: "types", value: "members,registries"), (name: "all", value: "true")]
        // A daemon that starts is asked as soon as it is there.
        try await self.client.watch("/v1/watch", query, retry: .milliseconds(250), time: self.time) { event in
          self.state.withLock { $0.take(event, at: self.time.elapsed, now: .now()) }
          self.changed.notify()
          return true
        }
        return nil
      }
      group.addTask { await self.follow() }
      defer { group.cancelAll() }
      while let end = try await group.next() {
        if let end { return end }
      }
      throw CancellationError()
    }
  }

  /// Asks once.
  private func once() async throws -> End {
    let members = try await client.list("/v1/members", [("all", "true")])
    let registries = try await client.list("/v1/registries")
    let progress = state.withLock { state in
      state.take(members: members.items, registries: registries.items, now: members.now)
      return state.progress
    }
    guard let progress, progress.isMet else { return .late(progress?.reason ?? "") }
    return .met(progress.reason, after: .zero)
  }

  private func follow() async -> End {
    let start = time.elapsed
    let deadline = start + timeout
    var told: [String] = []
    var isAway = false
    while !Task.isCancelled {
      let seen = changed.value
      let (progress, heldSince, absence, wasHeard) = state.withLock {
        ($0.progress, $0.heldSince, $0.absence, $0.wasHeard)
      }
      let now = time.elapsed
      if let heldSince, now - heldSince >= stable { return .met(progress?.reason ?? "", after: now - start) }
      if now >= deadline {
        let why =
          absence?.message ?? (wasHeard ? progress?.reason : nil) ?? "the daemon hasn't told what it knows"
        guard wasHeard else { return .unheard(why) }
        return .late(
          progress?.isMet == true
            ? "\(progress?.reason ?? ""), but not for \(DurationText.text(of: stable))" : why)
      }
      if let absence {
        if !isAway { tell("\(absence.message); waiting for it") }
      } else if let progress, !progress.isMet, progress.lines != told {
        for line in progress.lines where !told.contains(line) { tell(line) }
        told = progress.lines
      }
      isAway = absence != nil
      let wake = min(deadline, heldSince.map { $0 + stable } ?? deadline)
      await time.wait(until: wake, or: changed, after: seen)
    }
    return .late("it was ended")
  }
}
