import CRegistryPlugin
import RegistryKit
import Synchronization

/// Which instance a plugin speaks for.
///
/// The context that a plugin is given is a number that leads here, and no address: a plugin that goes on
/// speaking after its instance is gone reaches nothing that has been freed.
final class HostContexts: Sendable {
  static let shared = HostContexts()

  /// Instances that are gone are remembered for a while, so that one that speaks on can be named.
  private static let rememberedCount = 256

  private struct State {
    var next: UInt = 1
    var intakes: [UInt: Intake] = [:]
    var retired: [UInt] = []
    /// Plugins may look at their table for ever, too; it is small.
    var tables: [HostTable] = []
  }

  /// `@unchecked`: constant once it was made, and never freed.
  struct HostTable: @unchecked Sendable {
    let pointer: UnsafePointer<registry_host_v1>
  }

  private let state = Mutex(State())

  /// A table whose functions lead to `intake`.
  func register(_ intake: Intake) -> (context: UInt, table: HostTable) {
    PluginLogging.isHostImage.store(true, ordering: .releasing)
    return state.withLock { state in
      let context = state.next
      state.next += 1
      state.intakes[context] = intake
      let memory = UnsafeMutablePointer<registry_host_v1>.allocate(capacity: 1)
      memory.initialize(to: HostFunctions.table(context: UnsafeMutableRawPointer(bitPattern: context)))
      let table = HostTable(pointer: UnsafePointer(memory))
      state.tables.append(table)
      return (context, table)
    }
  }

  /// Tells that the instance of `context` is gone.
  func retire(_ context: UInt) {
    state.withLock { state in
      state.retired.append(context)
      if state.retired.count > Self.rememberedCount {
        state.intakes[state.retired.removeFirst()] = nil
      }
    }
  }

  func intake(_ context: UnsafeMutableRawPointer?) -> Intake? {
    let context = UInt(bitPattern: context)
    return state.withLock { $0.intakes[context] }
  }
}
