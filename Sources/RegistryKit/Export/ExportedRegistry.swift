import ClusterModel
import Logging
import Synchronization

/// One instance of an exported plugin: runs its registry in a task between `start` and `stop`.
final class ExportedRegistry: Sendable {
  private let registry: any Registry
  private let connection: HostConnection
  private let logger: Logger
  private let publications: AsyncStream<Publication>
  private let publicationSink: AsyncStream<Publication>.Continuation
  private let running = Mutex<Running?>(nil)
  private let health: ExportedHealth
  /// Opened when a withdrawal that is under way has been done or has failed; nil: none is.
  private let withdrawal = Mutex<Gate?>(nil)
  /// How long ``stop()`` lets a withdrawal take.
  private let withdrawalLimit: Duration

  private struct Running: Sendable {
    let task: Task<Void, Never>
    let ended: Gate
  }

  init(
    _ registry: any Registry, _ connection: HostConnection, logger: Logger, stopTimeout: Duration
  ) {
    withdrawalLimit = min(.seconds(2), stopTimeout / 2)
    self.registry = registry
    self.connection = connection
    self.logger = logger
    health = ExportedHealth(connection)
    // Only the newest publication counts.
    (publications, publicationSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func start() throws(RegistryError) {
    let isFirst = running.withLock { running in
      guard running == nil else { return false }
      let ended = Gate()
      // Unstructured, as it outlives this C call: `stop` cancels it and waits for it.
      let task = Task {
        await self.run()
        ended.open()
      }
      running = Running(task: task, ended: ended)
      return true
    }
    guard isFirst else { throw RegistryError(.invalidArgument, "the instance has been started before") }
  }

  func publish(_ publication: Publication) {
    let isWithdrawal = publication.local == nil && registry is any PublishingRegistry
    endWithdrawal(replacedBy: isWithdrawal ? Gate() : nil)
    publicationSink.yield(publication)
  }

  private func endWithdrawal(replacedBy next: Gate? = nil) {
    withdrawal.withLock { gate in
      gate?.open()
      gate = next
    }
  }

  /// Cancels the registry's task and blocks until it has ended.
  ///
  /// A node that leaves is withdrawn and stopped in one go, and `publish` doesn't wait: so a withdrawal gets a
  /// moment first.
  func stop() {
    guard let running = running.withLock({ $0 }) else { return }
    withdrawal.withLock { $0 }?.wait(atMost: withdrawalLimit)
    running.task.cancel()
    running.ended.wait()
    connection.close()
  }

  private func run() async {
    await withTaskGroup(of: Void.self) { group in
      if let publishing = registry as? any PublishingRegistry {
        group.addTask { await self.publish(by: publishing) }
      }
      await runRegistry()
      endWithdrawal()
      group.cancelAll()
    }
  }

  private func runRegistry() async {
    let updates = RegistryUpdates { [health] event throws(RegistryError) in try health.send(event) }
    do {
      try await registry.run(updates: updates)
      guard !Task.isCancelled else { return }
      connection.failed(RegistryError(.failed, "the registry ended by itself"))
    } catch {
      guard !Task.isCancelled else { return }
      connection.failed(RegistryError(error))
    }
  }

  /// Publishes the newest publication until a newer one comes, which cancels it.
  private func publish(by registry: any PublishingRegistry) async {
    var iterator = publications.makeAsyncIterator()
    var current = await iterator.next()
    while let publication = current, !Task.isCancelled {
      current = await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.deliver(publication, to: registry) }
        let newer = await iterator.next()
        group.cancelAll()
        return newer
      }
    }
  }

  private func deliver(_ publication: Publication, to registry: any PublishingRegistry) async {
    var backoff = Backoff()
    while !Task.isCancelled {
      do {
        try await registry.publish(publication)
        health.published()
        if publication.local == nil { endWithdrawal() }
        return
      } catch {
        guard !Task.isCancelled else { return }
        // What can't be withdrawn now isn't waited for.
        if publication.local == nil { endWithdrawal() }
        health.failedToPublish(RegistryError(error))
      }
      try? await Task.sleep(for: backoff.next())
    }
  }
}

// MARK: As a C pointer

extension ExportedRegistry {
  /// A pointer that holds the instance until ``release(_:)``.
  func retained() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

  static func at(_ pointer: UnsafeMutableRawPointer) -> ExportedRegistry {
    Unmanaged<ExportedRegistry>.fromOpaque(pointer).takeUnretainedValue()
  }

  static func release(_ pointer: UnsafeMutableRawPointer) {
    let instance = Unmanaged<ExportedRegistry>.fromOpaque(pointer).takeRetainedValue()
    instance.connection.close()
    instance.publicationSink.finish()
  }
}
