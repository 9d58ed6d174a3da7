import ClusterModel
import ClusterResources
import Logging
import Platform
import RollcallMetrics
import Synchronization

/// Keeps one output current: renders the newest world when the cluster has been quiet for a moment, writes the file
/// where it may and has to, and runs the command when it did.
final class OutputKeeper: Sendable {
  private struct State {
    var world: OutputWorld?
    var isStopped = false
    var status: OutputStatus
  }

  let definition: OutputDefinition
  private let context: OutputContext
  private let file: OutputFile
  private let queue: BlockingQueue
  private let runner: CommandRunner
  private let state: Mutex<State>
  /// Changes with the world.
  private let changed = ChangeSignal()
  /// Changes when it is to stop.
  private let stopped = ChangeSignal()
  /// Changes when the file does.
  private let written = ChangeSignal()

  init(_ definition: OutputDefinition, _ context: OutputContext) {
    self.definition = definition
    self.context = context
    file = OutputFile(definition)
    queue = BlockingQueue("rollcall.output.\(definition.name)")
    runner = CommandRunner(
      name: definition.name, command: definition.command, timeout: definition.timeout,
      environment: ["ROLLCALL_OUTPUT": definition.name, "ROLLCALL_PATH": definition.path], time: context.time,
      logger: context.logger, metrics: context.metrics)
    state = Mutex(State(status: OutputStatus(name: definition.name, path: definition.path)))
    context.metrics.addOutput(definition.name)
  }

  /// How it is.
  var status: OutputStatus { state.withLock { $0.status } }

  /// Makes ``run(_:)`` end.
  func stop() {
    state.withLock { $0.isStopped = true }
    stopped.notify()
  }

  /// Follows `worlds` until they end, it is stopped, or the task is cancelled.
  func run<Worlds: AsyncSequence & Sendable>(_ worlds: Worlds) async
  where Worlds.Element == OutputWorld, Worlds.Failure == Never {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.runCommands() }
      group.addTask { await self.keep() }
      group.addTask {
        for await world in worlds {
          self.state.withLock { $0.world = world }
          self.changed.notify()
        }
        self.stop()
      }
      while !Task.isCancelled {
        let seen = stopped.value
        if state.withLock({ $0.isStopped }) { break }
        await stopped.wait(after: seen)
      }
      // Nothing more is written once nobody says what: the cluster is being left.
      group.cancelAll()
    }
  }

  // MARK: Writing

  private func keep() async {
    var gate = OutputGate(maxShrink: definition.maxShrink, allowEmpty: definition.allowEmpty)
    var backoff = Backoff(initial: .seconds(5), maximum: .seconds(300), factor: 2, spread: 0.2)
    var seen = changed.value
    var hasRendered = false
    while !Task.isCancelled {
      let taken = changed.value
      let next: Duration?
      if let world = state.withLock({ $0.world }) {
        (next, hasRendered) = await look(at: world, &gate, &backoff, hasRendered)
      } else {
        next = nil
      }
      seen = taken
      if let next {
        await context.time.wait(until: next, or: changed, after: seen)
      } else {
        await changed.wait(after: seen)
      }
      // The first known world is written at once.
      guard hasRendered, changed.value != seen else { continue }
      await context.time.waitUntilQuiet(
        changed, after: changed.value, for: definition.debounce, atMost: OutputDefinition.longestDebounce)
    }
  }

  /// - Returns: when to look again though nothing changes, and whether the file is current or was tried.
  private func look(
    at world: OutputWorld, _ gate: inout OutputGate, _ backoff: inout Backoff, _ hasRendered: Bool
  ) async -> (next: Duration?, hasRendered: Bool) {
    guard world.isKnown else {
      hold(.unsynced, "not every registry was heard since the start")
      return (nil, hasRendered)
    }
    let rendered: Rendered
    do {
      rendered = try await queue.run { [definition, file] _ in Rendered(world, definition, file) }
    } catch {
      return (nil, hasRendered)
    }
    report(rendered.export.omissions)
    if let error = rendered.error {
      fail(error)
      return (context.time.elapsed + backoff.next(random: context.random()), true)
    }
    let now = context.time.elapsed
    let verdict = gate.judge(
      isKnown: true, count: rendered.export.entryCount, current: rendered.currentCount, at: now)
    if case .held(let reason, let until) = verdict {
      hold(reason, Self.explanation(reason, rendered))
      return (until, true)
    }
    if rendered.isCurrent {
      settle(.unchanged)
      backoff.reset()
      return (nil, true)
    }
    let text = ExportHeader(time: context.now(), revision: world.revision)
    let failure: ModelError?
    do {
      failure = try await queue.run { [definition, file] _ in rendered.write(definition, file, text) }
    } catch {
      return (nil, hasRendered)
    }
    if let failure {
      fail(failure.message)
      return (now + backoff.next(random: context.random()), true)
    }
    backoff.reset()
    settle(.written)
    written.notify()
    return (nil, true)
  }

  private static func explanation(_ reason: DaemonMetrics.HoldReason, _ rendered: Rendered) -> String {
    switch reason {
    case .unsynced: "not every registry was heard since the start"
    case .empty: "nobody would be in it; allowEmpty: true lets it be empty"
    case .shrink:
      "it would have \(rendered.export.entryCount) entries in place of \(rendered.currentCount ?? 0); it is written "
        + "after \(DurationText.text(of: OutputGate.patience)) if that stays so"
    }
  }

  // MARK: Telling

  private func hold(_ reason: DaemonMetrics.HoldReason, _ why: String) {
    context.metrics.rendered(output: definition.name, .held, at: context.now())
    context.metrics.held(output: definition.name, reason)
    let isNew = state.withLock { state in
      defer {
        state.status.held = reason.rawValue
        state.status.message = why
      }
      return state.status.held != reason.rawValue
    }
    // At the start nothing is known yet: that is no news.
    guard isNew else { return }
    context.logger.log(
      level: reason == .unsynced ? .info : .warning, "an output is held",
      metadata: ["output": "\(definition.name)", "why": "\(why)"])
  }

  private func fail(_ message: String) {
    context.metrics.rendered(output: definition.name, .failed, at: context.now())
    context.metrics.held(output: definition.name, nil)
    let isNew = state.withLock { state in
      defer {
        state.status.held = nil
        state.status.error = message
        state.status.message = message
      }
      return state.status.error != message
    }
    context.logger.log(
      level: isNew ? .error : .debug, "an output can't be written",
      metadata: ["output": "\(definition.name)", "error": "\(message)"])
  }

  private func settle(_ result: DaemonMetrics.OutputResult) {
    let now = context.now()
    context.metrics.rendered(output: definition.name, result, at: now)
    context.metrics.held(output: definition.name, nil)
    let wasInTrouble = state.withLock { state in
      defer {
        state.status.held = nil
        state.status.error = nil
        state.status.message = ""
        state.status.currentAt = now
      }
      return state.status.held != nil || state.status.error != nil
    }
    context.logger.log(
      level: wasInTrouble ? .notice : result == .written ? .info : .debug,
      result == .written ? "an output was written" : "an output is current",
      metadata: ["output": "\(definition.name)"])
  }

  private func report(_ omissions: [Export.Omission]) {
    let isNew = state.withLock { state in
      defer {
        state.status.omissions = Array(omissions.prefix(OutputStatus.maximumOmissions))
        state.status.omissionCount = omissions.count
      }
      return Array(omissions.prefix(OutputStatus.maximumOmissions)) != state.status.omissions
    }
    guard isNew, !omissions.isEmpty else { return }
    for omission in omissions.prefix(10) {
      context.logger.warning("\(omission)", metadata: ["output": "\(definition.name)"])
    }
    guard omissions.count > 10 else { return }
    context.logger.warning(
      "more is left out", metadata: ["output": "\(definition.name)", "count": "\(omissions.count - 10)"])
  }

  // MARK: The command

  /// Runs the command after each write: one at a time, the newest wins, and what failed is tried again until it
  /// succeeds or there is a newer file.
  private func runCommands() async {
    guard !definition.command.isEmpty else { return }
    var done: UInt64 = 0
    var backoff = Backoff(initial: .seconds(5), maximum: .seconds(300), factor: 2, spread: 0.2)
    while !Task.isCancelled {
      let newest = await written.wait(after: done)
      guard !Task.isCancelled else { return }
      while !Task.isCancelled, written.value == newest {
        if await runner.run() { break }
        await context.time.wait(for: backoff.next(random: context.random()), or: written, after: newest)
      }
      backoff.reset()
      done = newest
    }
  }
}

/// A world as the file of an output, beside what the file is now.
private struct Rendered: Sendable {
  let export: Export
  let current: OutputFile.Current?
  let currentCount: Int?
  let isCurrent: Bool
  let error: String?

  init(_ world: OutputWorld, _ definition: OutputDefinition, _ file: OutputFile) {
    var rows = world.rows()
    if let selector = definition.selector { rows = rows.filter { selector.matches($0.labels) } }
    let export = definition.format.export(rows, definition.options)
    self.export = export
    do throws(FileError) {
      current = try file.read()
      error = nil
    } catch {
      current = nil
      self.error = error.description
    }
    currentCount = current.map { definition.format.entryCount(in: $0.text) }
    isCurrent =
      current.map { definition.format.body(of: $0.text) == export.body && !file.hasWrongMode($0) } ?? false
  }

  func write(_ definition: OutputDefinition, _ file: OutputFile, _ header: ExportHeader) -> ModelError? {
    do throws(ModelError) {
      try file.write(definition.format.text(export, header: header), in: current)
      return nil
    } catch {
      return error
    }
  }
}
