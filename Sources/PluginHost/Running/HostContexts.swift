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
    var extensions: [UInt: Extensions] = [:]
    /// The first table of each host program, whose texts all others have.
    var programs: [HostProgram: HostTable] = [:]
  }

  /// `@unchecked`: constant once it was made, and never freed.
  struct HostTable: @unchecked Sendable {
    let pointer: UnsafePointer<registry_host_v1>
  }

  /// What `get_extension` hands out. `@unchecked`: as ``HostTable``.
  private struct Extensions: @unchecked Sendable {
    let staleAfter: UnsafePointer<UInt64>

    init(_ registry: RegistryContext) {
      let milliseconds = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
      milliseconds.initialize(to: UInt64(min(max(0, registry.staleAfter / .milliseconds(1)), 1e15)))
      staleAfter = UnsafePointer(milliseconds)
    }
  }

  private let state = Mutex(State())

  /// A table whose functions lead to `fence`, for an instance that runs in `registry`'s place.
  func register(_ fence: HostFence, registry: RegistryContext) -> (context: UInt, table: HostTable) {
    let host = registry.host
    let extensions = Extensions(registry)
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
      state.extensions[context] = extensions
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

  /// What `get_extension` returns to the instance of `context`.
  func `extension`(_ context: UnsafeMutableRawPointer?, _ id: registry_string_v1) -> UnsafeRawPointer? {
    let name = UnsafeRawBufferPointer(start: id.data, count: id.data == nil ? 0 : Int(id.length))
    guard name.elementsEqual(REGISTRY_EXTENSION_STALE_AFTER.utf8) else { return nil }
    let context = UInt(bitPattern: context)
    return state.withLock { $0.extensions[context] }.map { UnsafeRawPointer($0.staleAfter) }
  }

  func fence(_ context: UnsafeMutableRawPointer?) -> HostFence? {
    let context = UInt(bitPattern: context)
    return state.withLock { $0.fences[context] }
  }
}
