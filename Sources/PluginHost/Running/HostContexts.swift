import CRegistryPlugin
import RegistryKit
import Synchronization

/// Which instance a plugin's call is of.
///
/// The context that a plugin is given is a number that leads here, and no address: a plugin that goes on calling
/// after its instance is gone reaches nothing that has been freed.
final class HostContexts: Sendable {
  static let shared = HostContexts()

  /// Instances that are gone are remembered for a while, so that one that calls late can be named.
  private static let rememberedCount = 256

  private struct State {
    var next: UInt = 1
    var fences: [UInt: HostFence] = [:]
    var retired: [UInt] = []
    /// Plugins may look at their table for ever, too; it is small.
    var tables: [HostTable] = []
    /// The first table of each host program, whose texts all others have.
    var programs: [HostProgram: HostTable] = [:]
  }

  /// `@unchecked`: constant once it was made, and never freed.
  struct HostTable: @unchecked Sendable {
    let pointer: UnsafePointer<registry_host_v1>
  }

  private let state = Mutex(State())

  /// A table whose functions lead to `fence`.
  func register(_ fence: HostFence, host: HostProgram) -> (context: UInt, table: HostTable) {
    PluginLogging.isHostImage.store(true, ordering: .releasing)
    return state.withLock { state in
      let context = state.next
      state.next += 1
      state.fences[context] = fence
      let memory = UnsafeMutablePointer<registry_host_v1>.allocate(capacity: 1)
      let first = state.programs[host]?.pointer.pointee
      memory.initialize(
        to: HostFunctions.table(
          context: UnsafeMutableRawPointer(bitPattern: context),
          name: first?.name ?? .init(immortal: host.name),
          version: first?.version ?? .init(immortal: host.version)))
      let table = HostTable(pointer: UnsafePointer(memory))
      state.tables.append(table)
      if first == nil { state.programs[host] = table }
      return (context, table)
    }
  }

  /// The instance of `context` is gone.
  func retire(_ context: UInt) {
    state.withLock { state in
      state.retired.append(context)
      if state.retired.count > Self.rememberedCount {
        state.fences[state.retired.removeFirst()] = nil
      }
    }
  }

  func fence(_ context: UnsafeMutableRawPointer?) -> HostFence? {
    let context = UInt(bitPattern: context)
    return state.withLock { $0.fences[context] }
  }
}
