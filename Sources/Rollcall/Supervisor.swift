import ClusterModel
import Logging
import Platform
import RegistryKit

/// Runs one registry again and again until it is told to stop.
final class Supervisor: Sendable {
  let key: RegistryKey
  private let definition: RegistryDefinition
  private let context: RegistryContext
  private let table: ClusterTable
  private let publications: PublicationReconciler
  private let options: AggregatorOptions
  private let logger: Logger
  /// The supervisor of the same registry before a reload, which has to end first.
  private let predecessor: Supervisor?
  private let stopping = ChangeSignal()
  private let ended = ChangeSignal()

  init(
    key: RegistryKey, definition: RegistryDefinition, context: RegistryContext, table: ClusterTable,
    publications: PublicationReconciler, options: AggregatorOptions, logger: Logger,
    after predecessor: Supervisor? = nil
  ) {
    self.key = key
    self.definition = definition
    self.context = context
    self.table = table
    self.publications = publications
    self.options = options
    self.logger = logger
    self.predecessor = predecessor
  }

  /// Makes the registry stop, without waiting for it.
  func stop() { stopping.notify() }

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
    table.take(.stopped(key))
    ended.notify()
  }

  private func superviseRuns() async {
    await predecessor?.waitUntilEnded()
    var backoff = options.restart.backoff
    var isRestart = false
    while !Task.isCancelled {
      table.take(.began(key, isRestart: isRestart))
      let run = RegistryRun(
        key: key, definition: definition, context: context, table: table, publications: publications,
        options: options, logger: logger)
      let error = await run.untilEnd()
      guard !Task.isCancelled else { break }
      if hasBeenSynced(for: options.restart.resetAfter) { backoff.reset() }
      table.take(.failed(key, error))
      let pause = backoff.next(random: options.random())
      logger.warning(
        "registry failed", metadata: ["error": "\(error)", "code": "\(error.code)", "again-in": "\(pause)"])
      if let left = run.leftBehind {
        // Never twice at once: what didn't end when it was told to is waited for, however long it takes.
        await left.ended.wait(after: 0)
      }
      try? await table.time.sleep(pause)
      isRestart = true
    }
  }

  /// Whether the registry has been in sync for `duration`.
  private func hasBeenSynced(for duration: Duration) -> Bool {
    guard let syncedAt = table.read({ $0.registry(key)?.syncedAt }) else { return false }
    return table.time.elapsed - syncedAt >= duration
  }
}
