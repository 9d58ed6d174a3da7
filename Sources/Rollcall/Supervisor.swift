import ClusterModel
import Logging
import RegistryKit

/// Runs one registry again and again until it is told to stop.
final class Supervisor: Sendable {
  let key: RegistryKey
  let definition: RegistryDefinition
  private let context: RegistryContext
  private let store: ClusterStore
  private let options: AggregatorOptions
  private let logger: Logger
  /// The supervisor of the same registry before a reload, which has to end first.
  private let predecessor: Supervisor?
  private let stopping = Signal()
  private let ended = Signal()

  private var time: TimeSource { store.time }

  init(
    key: RegistryKey, definition: RegistryDefinition, context: RegistryContext, store: ClusterStore,
    options: AggregatorOptions, logger: Logger, after predecessor: Supervisor? = nil
  ) {
    self.key = key
    self.definition = definition
    self.context = context
    self.store = store
    self.options = options
    self.logger = logger
    self.predecessor = predecessor
  }

  /// Tells the registry to stop, without waiting for it.
  func stop() { stopping.raise() }

  /// Waits until the registry has stopped or was left behind.
  func waitUntilEnded() async { await ended.wait(after: 0) }

  /// Supervises until ``stop()`` or cancellation.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.superviseRuns() }
      group.addTask { await self.stopping.wait(after: 0) }
      await group.next()
      group.cancelAll()
    }
    store.change { $0.stopped(key) }
    ended.raise()
  }

  private func superviseRuns() async {
    await predecessor?.waitUntilEnded()
    var backoff = RestartBackoff(options.restart)
    var isRestart = false
    while !Task.isCancelled {
      store.change { $0.began(key, isRestart: isRestart) }
      let run = RegistryRun(
        key: key, definition: definition, context: context, store: store, options: options, logger: logger)
      let error = await run.untilEnd()
      guard !Task.isCancelled else { break }
      if store.read({ $0.hasSynced(key, for: options.restart.resetAfter, at: time.elapsed()) }) {
        backoff.reset()
      }
      store.change { $0.failed(key, error) }
      let pause = backoff.pause(random: options.random())
      logger.warning(
        "registry failed", metadata: ["error": "\(error)", "code": "\(error.code)", "again-in": "\(pause)"])
      if let left = run.leftBehind {
        // Never twice at once: what didn't end when it was told to is waited for, however long it takes.
        await left.ended.wait(after: 0)
      }
      try? await time.sleep(pause)
      isRestart = true
    }
  }
}

extension StoreState {
  /// Whether the registry has been in sync for `duration`.
  func hasSynced(_ key: RegistryKey, for duration: Duration, at elapsed: Duration) -> Bool {
    guard let syncedAt = entry(key)?.syncedAt else { return false }
    return elapsed - syncedAt >= duration
  }
}
