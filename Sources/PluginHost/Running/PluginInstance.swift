import CRegistryPlugin
import Logging
import RegistryKit
import Synchronization

/// One life of a plugin's instance: create, start, publish, stop, destroy, all on one thread of its own.
///
/// A call that doesn't return in time loses its thread: the instance is fenced off and left alone for good, as a
/// thread can't be ended from outside.
final class PluginInstance: Sendable {
  private enum Life {
    case new
    case created(Handle)
    case started(Handle)
    case gone
  }

  /// `@unchecked`: the plugin's own pointer, only handed back to it, on the control thread.
  private struct Handle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
  }

  let fence: HostFence
  private let registry: PluginRegistrySettings
  private let logger: Logger
  private let thread: ControlThread
  private let context: UInt
  private let host: HostContexts.HostTable
  /// Only changed on the control thread.
  private let life = Mutex(Life.new)

  init(_ registry: PluginRegistrySettings, session: RegistrySession) throws(RegistryError) {
    try HungCall.check(registry.plugin)
    self.registry = registry
    logger = session.logger
    thread = try ControlThread(name: registry.context.name)
    fence = HostFence(session: session, limits: registry.limits, lateCalls: registry.lateCalls)
    (context, host) = HostContexts.shared.register(fence, registry: registry.context)
  }

  /// Runs the instance until it fails or the task is cancelled, and puts it away.
  ///
  /// - Parameter desired: what is to be published; nil where the plugin doesn't publish.
  func run(desired: DesiredPublications?) async throws(RegistryError) {
    var failure: RegistryError?
    do throws(RegistryError) {
      try await call("create", registry.callTimeout) { () throws(RegistryError) in try self.create() }
      if !Task.isCancelled {
        try await call("start", registry.callTimeout) { () throws(RegistryError) in try self.start() }
      }
      failure = await untilEnd(desired)
    } catch {
      failure = error
    }
    fence.close()
    if failure?.code != .deadlineExceeded {
      do throws(RegistryError) { try await putAway() } catch { failure = error }
    }
    thread.end()
    if let failure { throw failure }
  }

  /// Makes the instance and puts it away, without starting it.
  func check() async throws(RegistryError) {
    var failure: RegistryError?
    do throws(RegistryError) {
      try await call("create", registry.callTimeout) { () throws(RegistryError) in try self.create() }
    } catch {
      failure = error
    }
    fence.close()
    if failure?.code != .deadlineExceeded {
      do throws(RegistryError) { try await putAway() } catch { failure = failure ?? error }
    }
    thread.end()
    if let failure { throw failure }
  }

  /// Hands publications to the plugin until its end, and tells why that came.
  private func untilEnd(_ desired: DesiredPublications?) async -> RegistryError? {
    await withTaskGroup(of: Void.self) { group in
      if let desired {
        group.addTask {
          for await publication in desired { await self.publish(publication) }
        }
      }
      let failure = await withTaskCancellationHandler {
        await fence.end.value
      } onCancel: {
        fence.end.fulfil(nil)
      }
      group.cancelAll()
      return failure
    }
  }

  /// Hands `publication` to the plugin, after what it is doing.
  private func publish(_ publication: DesiredPublication) async {
    do throws(RegistryError) {
      try await call("publish", registry.callTimeout) { () throws(RegistryError) in
        try self.publishNow(publication)
      }
    } catch {
      if error.code == .deadlineExceeded {
        // The thread is lost, and with it the instance.
        fence.fail(error)
      } else {
        fence.refused(publication.revision, error)
      }
    }
  }

  private func putAway() async throws(RegistryError) {
    try await call("stop", registry.stopTimeout) { self.stop() }
    try await call("destroy", registry.stopTimeout) { self.destroy() }
    fence.instanceIsGone()
    HostContexts.shared.retire(context)
  }

  private func call(
    _ function: String, _ limit: Duration, _ body: @escaping @Sendable () throws(RegistryError) -> Void
  ) async throws(RegistryError) {
    let call = HungCall(into: registry.plugin)
    let outcome = await thread.perform(within: limit, clock: registry.clock) {
      () -> Result<Void, RegistryError> in
      defer { call.returned() }
      do throws(RegistryError) { return .success(try body()) } catch { return .failure(error) }
    }
    guard let outcome else {
      call.gaveUp()
      fence.close()
      let error = RegistryError(
        .deadlineExceeded,
        "\(function) of plugin '\(registry.plugin.descriptor.name)' didn't return within \(limit); its thread "
          + "is left alone, and nothing of it is taken any more")
      logger.error("\(error)")
      throw error
    }
    try outcome.get()
  }
}

// MARK: On the control thread

extension PluginInstance {
  private var functions: registry_plugin_v1 { registry.plugin.table.functions }

  private func create() throws(RegistryError) {
    var pointer: UnsafeMutableRawPointer?
    try registry.withSettings { settings throws(RegistryError) in
      try BoundaryMessage.throwing("create failed, and the plugin doesn't say why") {
        functions.create(host.pointer, settings, &pointer, $0)
      }
    }
    let handle = Handle(pointer: pointer)
    life.withLock { $0 = .created(handle) }
  }

  private func start() throws(RegistryError) {
    guard case .created(let handle) = life.withLock({ $0 }) else { return }
    try BoundaryMessage.throwing("start failed, and the plugin doesn't say why") {
      functions.start(handle.pointer, $0)
    }
    life.withLock { $0 = .started(handle) }
  }

  private func publishNow(_ publication: DesiredPublication) throws(RegistryError) {
    guard case .started(let handle) = life.withLock({ $0 }) else {
      throw RegistryError(.stopped, "the registry isn't running")
    }
    guard registry.plugin.descriptor.publishes, let publish = functions.publish else {
      throw RegistryError(
        .unsupported, "plugin '\(registry.plugin.descriptor.name)' doesn't publish")
    }
    try BoundaryWriter.withPublication(publication) { raw throws(RegistryError) in
      try BoundaryMessage.throwing("publish failed, and the plugin doesn't say why") {
        publish(handle.pointer, raw, $0)
      }
    }
  }

  private func stop() {
    guard case .started(let handle) = life.withLock({ $0 }) else { return }
    functions.stop(handle.pointer)
    life.withLock { $0 = .created(handle) }
  }

  private func destroy() {
    guard case .created(let handle) = life.withLock({ $0 }) else { return }
    functions.destroy(handle.pointer)
    life.withLock { $0 = .gone }
  }
}
