import ClusterModel
import Logging
import RegistryKit
import Synchronization

/// One run of a registry: it is made, tells into a mailbox that is emptied into the store, and is handed
/// what it is to publish, until one of these ends.
final class RegistryRun: Sendable {
  private let key: RegistryKey
  private let definition: RegistryDefinition
  private let context: RegistryContext
  private let store: ClusterStore
  private let options: AggregatorOptions
  private let logger: Logger
  private let mailbox: Mailbox
  private let made = Mutex<(any Registry)?>(nil)
  /// Raised when the registry is made and about to run.
  private let started = Signal()
  private let left = Mutex<Abandonable?>(nil)

  /// The registry's own code, where it didn't end in time and still runs.
  var leftBehind: Abandonable? { left.withLock { $0 } }

  init(
    key: RegistryKey, definition: RegistryDefinition, context: RegistryContext, store: ClusterStore,
    options: AggregatorOptions, logger: Logger
  ) {
    self.key = key
    self.definition = definition
    self.context = context
    self.store = store
    self.options = options
    self.logger = logger
    mailbox = Mailbox(limits: Mailbox.Limits(nodes: options.nodeLimit))
  }

  /// Runs the registry until it ends or the task is cancelled, and tells why it ended.
  func untilEnd() async -> RegistryError {
    let error = await withTaskGroup(of: RegistryError.self) { group in
      group.addTask { await self.runRegistry() }
      group.addTask { await self.emptyMailbox() }
      group.addTask { await self.publish() }
      let first = await group.next() ?? Self.cancelled
      if Task.isCancelled { mailbox.close() }
      // What was told before the end counts; what is told from here on doesn't.
      let told = mailbox.end
      mailbox.close()
      group.cancelAll()
      await group.waitForAll()
      return told.flatMap { $0.code == .stopped ? nil : $0 } ?? first
    }
    if !Task.isCancelled { return takeRest() ?? error }
    return error
  }

  private static let cancelled = RegistryError(.stopped, "the registry was stopped")

  private func runRegistry() async -> RegistryError {
    let work = Abandonable()
    let outcome = await work.run(grace: options.stopTimeout, time: store.time) {
      let registry = try await self.make()
      self.made.withLock { $0 = registry }
      self.started.raise()
      let mailbox = self.mailbox
      try await registry.run(
        updates: RegistryUpdates { (event) throws(RegistryError) in try mailbox.send(event) })
    }
    switch outcome {
    case .returned: return RegistryError(.failed, "the registry ended without being told to")
    case .threw(let error): return error
    case .abandoned:
      left.withLock { $0 = work }
      logger.error(
        "registry didn't stop in time and is left running; what it tells is ignored",
        metadata: ["timeout": "\(options.stopTimeout)"])
      return RegistryError(.deadlineExceeded, "the registry didn't stop within \(options.stopTimeout)")
    }
  }

  private func make() async throws -> any Registry {
    let descriptor = try await definition.describe?()
    let registry = try await definition.make(context)
    let publishes = registry is any PublishingRegistry && descriptor?.publishes != false
    let clash = store.change {
      $0.made(key, prefix: definition.rawPrefix(descriptor), descriptor: descriptor, publishes: publishes)
    }
    if let clash { throw clash }
    return registry
  }

  // MARK: What it tells

  private func emptyMailbox() async -> RegistryError {
    while !Task.isCancelled {
      let seen = mailbox.signal.value
      if let error = takeRest() { return error }
      if let end = mailbox.end { return end }
      await mailbox.signal.wait(after: seen)
    }
    return Self.cancelled
  }

  /// Takes in what was told, and tells why that can't be.
  private func takeRest() -> RegistryError? {
    do throws(RegistryError) {
      while let batch = mailbox.take() { try store.apply(batch, from: key, nodeLimit: options.nodeLimit) }
      return nil
    } catch {
      return error
    }
  }

  // MARK: What it is to publish

  /// Hands the registry what it is to publish, again at each change and after a while where it wasn't
  /// accepted.
  private func publish() async -> RegistryError {
    await started.wait(after: 0)
    guard let registry = made.withLock({ $0 }) as? any PublishingRegistry,
      store.read({ $0.entry(key)?.status.publishes == true })
    else {
      // Nothing to do, and its end would be the run's.
      await mailboxClosed()
      return Self.cancelled
    }
    var backoff = RestartBackoff(options.restart)
    var accepted: Publication?
    while !Task.isCancelled {
      let seen = store.publications.value
      // Taken and noted in one step: who asks for withdrawals must see what is about to be handed over.
      guard let publication = store.change({ $0.publish(key, unless: accepted) }) else {
        await store.publications.wait(after: seen)
        continue
      }
      accepted = nil
      switch await hand(publication, to: registry, seen: seen) {
      case .returned:
        accepted = publication
        backoff.reset()
        store.change { $0.published(key, publication, nil) }
      case .abandoned:
        return RegistryError(
          .deadlineExceeded, "publishing didn't end within \(options.stopTimeout) after it was cancelled")
      case .threw(let error):
        guard !Task.isCancelled, store.read({ $0.publication(for: key) }) == publication else { continue }
        store.change { $0.published(key, publication, error) }
        logger.warning("publishing failed", metadata: ["error": "\(error)"])
        await store.time.wait(
          for: backoff.pause(random: options.random()), or: store.publications, after: seen)
      }
    }
    return Self.cancelled
  }

  /// Hands `publication` to the registry, but gives up on it when there is a newer one.
  private func hand(
    _ publication: Publication, to registry: any PublishingRegistry, seen: UInt64
  ) async -> Abandonable.Outcome {
    await withTaskGroup(of: Abandonable.Outcome?.self) { group in
      group.addTask {
        await Abandonable().run(grace: self.options.stopTimeout, time: self.store.time) {
          try await registry.publish(publication)
        }
      }
      group.addTask {
        var seen = seen
        while !Task.isCancelled, self.store.read({ $0.publication(for: self.key) }) == publication {
          seen = await self.store.publications.wait(after: seen)
        }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      if let first { return first }
      // Superseded: what was under way is waited for, as it is never called twice at once.
      return await group.next().flatMap { $0 } ?? .abandoned
    }
  }

  private func mailboxClosed() async {
    while !Task.isCancelled {
      let seen = mailbox.signal.value
      if mailbox.end != nil { return }
      await mailbox.signal.wait(after: seen)
    }
  }
}
