import ClusterModel
import Lifecycle
import Logging
import Platform
import Rollcall
import RollcallMetrics
import Synchronization

/// Tells one hook what changed: what came within a moment together, at least once, and never more than it takes.
final class HookRunner: Sendable {
  /// How long nothing has to happen before the hook is told, and how long it waits for that at most.
  static let quiet = Duration.seconds(1)
  static let longestWait = Duration.seconds(5)
  /// For how long it is tried to tell it the same.
  static let patience = Duration.seconds(600)

  let definition: HookDefinition
  private let source: HookSource
  private let cursors: HookCursors
  private let context: OutputContext
  private let runner: CommandRunner
  private let isStopped = Mutex(false)
  private let changed = ChangeSignal()
  private let stopped = ChangeSignal()

  init(_ definition: HookDefinition, _ source: HookSource, _ cursors: HookCursors, _ context: OutputContext) {
    self.definition = definition
    self.source = source
    self.cursors = cursors
    self.context = context
    runner = CommandRunner(
      name: definition.name, command: definition.command, timeout: definition.timeout,
      environment: ["ROLLCALL_HOOK": definition.name], time: context.time, logger: context.logger,
      metrics: context.metrics)
  }

  /// Makes ``run(_:)`` end.
  func stop() {
    isStopped.withLock { $0 = true }
    stopped.notify()
  }

  /// Looks what happened at each of `changes`, until they end, it is stopped, or the task is cancelled.
  func run<Changes: AsyncSequence & Sendable>(_ changes: Changes) async where Changes.Failure == Never {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await _ in changes { self.changed.notify() }
        self.stop()
      }
      group.addTask { await self.deliver() }
      while !Task.isCancelled {
        let seen = stopped.value
        if isStopped.withLock({ $0 }) { break }
        await stopped.wait(after: seen)
      }
      group.cancelAll()
    }
  }

  private func deliver() async {
    var cursor = start()
    var flapping = flapping(upTo: cursor)
    var failingSince: Duration?
    var backoff = Backoff(initial: .seconds(5), maximum: .seconds(300), factor: 2, spread: 0.2)
    while !Task.isCancelled {
      let seen = changed.value
      // After a lost state file numbers begin anew.
      if source.newest() < cursor {
        cursor = source.newest()
        cursors.store(definition.name, cursor)
      }
      guard !source.entries(cursor).isEmpty || flapping.contains(where: { settlement(of: $0.value) != nil })
      else {
        await changed.wait(after: seen)
        continue
      }
      await context.time.waitUntilQuiet(
        changed, after: changed.value, for: Self.quiet, atMost: Self.longestWait)
      guard !Task.isCancelled else { return }
      let settled = flapping.compactMapValues { self.settlement(of: $0) }
      let batch = HookBatch(
        source.entries(cursor), after: cursor, settled: Array(settled.values), for: definition)
      if !batch.lines.isEmpty, await !runner.run(input: Array(batch.text(source).utf8)) {
        guard !Task.isCancelled else { return }
        let now = context.time.elapsed
        let since = failingSince ?? now
        failingSince = since
        let rest = since + Self.patience - now
        guard rest <= .zero else {
          try? await context.time.sleep(min(backoff.next(random: context.random()), rest))
          continue
        }
        context.metrics.ended(command: definition.name, .skipped, took: nil)
        context.logger.error(
          "a hook has failed for \(DurationText.text(of: Self.patience)): what it wasn't told is left out",
          metadata: ["hook": "\(definition.name)", "lines": "\(batch.lines.count)"])
      }
      failingSince = nil
      backoff.reset()
      for node in settled.keys { flapping[node] = nil }
      for line in batch.lines where line.isFlapping {
        if let node = line.entry.nodeID { flapping[node] = line.entry }
      }
      cursor = batch.last
      cursors.store(definition.name, cursor)
    }
  }

  /// A new hook is told nothing of what was before it.
  private func start() -> UInt64 {
    if let cursor = cursors.load(definition.name) { return cursor }
    let cursor = source.newest()
    cursors.store(definition.name, cursor)
    return cursor
  }

  /// Members of which the hook was told before a restart that they flap, and not yet how they settled.
  private func flapping(upTo number: UInt64) -> [NodeIdentity: HistoryEntry] {
    var flapping: [NodeIdentity: HistoryEntry] = [:]
    guard definition.kinds.contains(.member) else { return flapping }
    for entry in source.entries(0) where entry.number <= number && entry.kind == .member {
      if let node = entry.nodeID { flapping[node] = entry.isFlapping ? entry : nil }
    }
    return flapping
  }

  /// How a member is that doesn't flap any more; nil while it does.
  private func settlement(of told: HistoryEntry) -> HookBatch.Line? {
    guard let node = told.nodeID else { return nil }
    let status = source.status(node)
    guard status?.isFlapping != true else { return nil }
    // Of who is gone altogether its last entry says how.
    var entry = source.entries(told.number - 1).first { $0.number == told.number } ?? told
    if let status {
      entry.to = status.state.rawValue
      entry.reason = status.reason.text
      entry.time = context.now()
    }
    return HookBatch.Line(entry: entry, from: told.to, isFlapping: false)
  }
}

/// Runs all hooks: `hooks:` of the configuration.
public final class HookService: Sendable {
  private let source: HookSource
  private let cursors: HookCursors
  private let context: OutputContext
  private let runners: Mutex<[HookRunner]>
  private let changed = ChangeSignal()

  /// A service for these hooks.
  public init(
    _ hooks: [HookDefinition], _ source: HookSource, cursors: HookCursors, _ context: OutputContext
  ) {
    self.source = source
    self.cursors = cursors
    self.context = context
    runners = Mutex(hooks.map { HookRunner($0, source, cursors, context) })
  }

  /// Takes on `hooks` in place of those before. Those that are the same go on.
  public func reload(_ hooks: [HookDefinition]) {
    let gone = runners.withLock { runners in
      var rest = runners
      runners = hooks.map { hook in
        guard let index = rest.firstIndex(where: { $0.definition == hook }) else {
          return HookRunner(hook, source, cursors, context)
        }
        return rest.remove(at: index)
      }
      return rest
    }
    for runner in gone { runner.stop() }
    changed.notify()
  }

  /// Looks what happened at each of `changes`, each hook for itself, until the task is cancelled. Programs that run then
  /// are made to end.
  public func run<Changes: AsyncSequence & Sendable>(_ changes: Changes) async
  where Changes.Failure == Never {
    await withDiscardingTaskGroup { group in
      var running: Set<ObjectIdentifier> = []
      while !Task.isCancelled {
        let seen = changed.value
        let runners = runners.withLock { $0 }
        for runner in runners where !running.contains(ObjectIdentifier(runner)) {
          group.addTask { await runner.run(changes) }
        }
        running = Set(runners.map { ObjectIdentifier($0) })
        await changed.wait(after: seen)
      }
      group.cancelAll()
    }
  }
}
