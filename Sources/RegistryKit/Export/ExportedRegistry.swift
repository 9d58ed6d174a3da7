import Dispatch
import Logging
import Synchronization

/// One instance of an exported plugin: runs its registry in a task between `start` and `stop`.
final class ExportedRegistry: Sendable {
  private let registry: any Registry
  private let context: RegistryContext
  private let connection: HostConnection
  private let desired: AsyncStream<DesiredPublication>
  private let desiredSink: AsyncStream<DesiredPublication>.Continuation
  private let running = Mutex<Running?>(nil)

  private struct Running: Sendable {
    let task: Task<Void, Never>
    /// Left when the task has ended.
    let end: DispatchGroup
  }

  init(_ registry: any Registry, _ context: RegistryContext, _ connection: HostConnection) {
    self.registry = registry
    self.context = context
    self.connection = connection
    // Only the newest publication counts.
    (desired, desiredSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func start() throws(RegistryError) {
    let isFirst = running.withLock { running in
      guard running == nil else { return false }
      let end = DispatchGroup()
      end.enter()
      // Unstructured, as it outlives this C call: `stop` cancels it and waits for it.
      let task = Task {
        await self.run()
        end.leave()
      }
      running = Running(task: task, end: end)
      return true
    }
    guard isFirst else { throw RegistryError(.invalidArgument, "the instance has been started before") }
  }

  func publish(_ publication: DesiredPublication) { desiredSink.yield(publication) }

  /// Cancels the registry's task and blocks until it has ended.
  func stop() {
    guard let running = running.withLock({ $0 }) else { return }
    running.task.cancel()
    running.end.wait()
    connection.close()
  }

  private func run() async {
    let connection = connection
    let session = RegistrySession(
      context: context, desired: DesiredPublications(desired),
      onPublished: { connection.published($0, $1) },
      receive: { (batch) throws(RegistryError) in try connection.apply(batch) })
    do {
      try await registry.run(session)
      guard !Task.isCancelled else { return }
      connection.failed(RegistryError(.failed, "the registry ended by itself"))
    } catch {
      guard !Task.isCancelled else { return }
      connection.failed(RegistryError(error))
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
    instance.desiredSink.finish()
  }
}
