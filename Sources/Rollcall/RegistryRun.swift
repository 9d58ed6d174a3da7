import ClusterModel
import Logging
import Platform
import RegistryKit
import Synchronization

/// One run of a registry: it is made, and applies to an intake that is emptied into the table, until one of these
/// ends.
final class RegistryRun: Sendable {
  private let key: RegistryKey
  private let definition: RegistryDefinition
  private let context: RegistryContext
  private let table: ClusterTable
  private let options: AggregatorOptions
  private let logger: Logger
  private let intake: RegistryIntake
  private let publications: PublicationReconciler
  private let left = Mutex<AbandonableWork?>(nil)

  /// The registry's own code, where it didn't end in time and still runs.
  var leftBehind: AbandonableWork? { left.withLock { $0 } }

  init(
    key: RegistryKey, definition: RegistryDefinition, context: RegistryContext, table: ClusterTable,
    publications: PublicationReconciler, options: AggregatorOptions, logger: Logger
  ) {
    self.key = key
    self.definition = definition
    self.context = context
    self.table = table
    self.publications = publications
    self.options = options
    self.logger = logger
    intake = RegistryIntake(
      limits: RegistryIntake.Limits(nodes: options.nodeLimit),
      time: options.observeMerge == nil ? nil : table.time)
  }

  /// Runs the registry until it ends or the task is cancelled, and returns why it ended.
  func untilEnd() async -> RegistryError {
    let error = await withTaskGroup(of: RegistryError.self) { group in
      group.addTask { await self.runRegistry() }
      group.addTask { await self.emptyIntake() }
      let first = await group.next() ?? Self.cancelled
      if Task.isCancelled { intake.close() }
      // What was applied before the end counts; what comes from here on doesn't.
      let end = intake.end
      intake.close()
      group.cancelAll()
      await group.waitForAll()
      return end.flatMap { $0.code == .stopped ? nil : $0 } ?? first
    }
    if !Task.isCancelled { return takeRest() ?? error }
    return error
  }

  private static let cancelled = RegistryError(.stopped, "the registry was stopped")

  private func runRegistry() async -> RegistryError {
    let work = AbandonableWork()
    let publications = publications.begin(key) { [table, key] in
      table.take(.readsPublications(key))
    }
    let outcome = await work.run(grace: options.stopTimeout, time: table.time) {
      let registry = try await self.make()
      let intake = self.intake
      try await registry.run(
        RegistrySession(
          context: self.context, clock: self.options.clock, desired: publications.desired,
          onPublished: publications.published,
          receive: { (batch) throws(RegistryError) in try intake.apply(batch) }))
    }
    publications.end()
    switch outcome {
    case .returned: return RegistryError(.failed, "the registry ended without being told to")
    case .threw(let error): return RegistryError(error)
    case .abandoned:
      left.withLock { $0 = work }
      logger.error(
        "registry didn't stop in time and is left running; nothing of it is taken any more",
        metadata: ["timeout": "\(options.stopTimeout)"])
      return RegistryError(.deadlineExceeded, "the registry didn't stop within \(options.stopTimeout)")
    }
  }

  private func make() async throws -> any Registry {
    var descriptor = try await definition.describe?()
    let matching = definition.matching(descriptor)
    descriptor?.matching = matching
    let registry = try await definition.make(context)
    let outcome = table.take(
      .made(key, prefix: definition.rawPrefix(descriptor), descriptor, leases: definition.leases))
    if let clash = outcome.clash { throw clash }
    return registry
  }

  private func emptyIntake() async -> RegistryError {
    while !Task.isCancelled {
      let seen = intake.signal.value
      if let error = takeRest() { return error }
      if let end = intake.end { return end }
      await intake.signal.wait(after: seen)
    }
    return Self.cancelled
  }

  /// Takes into the table what was applied, and returns why that can't be.
  private func takeRest() -> RegistryError? {
    while let batch = intake.take() {
      let count = table.take(.applied(key, batch, nodeLimit: options.nodeLimit)).recordCount
      if let observe = options.observeMerge, let since = batch.since, !batch.updates.isEmpty {
        observe(key.name, table.time.elapsed - since)
      }
      if count > options.nodeLimit { return .tooManyNodes(count, limit: options.nodeLimit) }
    }
    return nil
  }
}
