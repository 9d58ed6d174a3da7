import RegistryKit
import Synchronization

/// A call into a plugin that may not return, counted for as long as it is known not to have.
///
/// Each such call costs the process a thread. A registry is run again after every failure, so that without a
/// limit one plugin that hangs would in time take the threads that the others need.
final class HungCall: Sendable {
  private enum State { case underWay, hung, returned }

  /// The most that one plugin may have at a time.
  static let limit = 8
  /// By the address of the plugin's table.
  private static let counts = Mutex<[UInt: Int]>([:])

  private let plugin: UInt
  private let state = Mutex(State.underWay)

  init(into plugin: LoadedPlugin) { self.plugin = Self.number(of: plugin) }

  /// Throws where `plugin` has so many calls that hang that it gets no more.
  static func check(_ plugin: LoadedPlugin) throws(RegistryError) {
    guard counts.withLock({ $0[number(of: plugin), default: 0] }) >= limit else { return }
    throw RegistryError(
      .unavailable,
      "\(limit) calls of plugin '\(plugin.descriptor.name)' hang; it isn't used before one of them returns or "
        + "the program is started again")
  }

  /// Nobody waits for the call any more.
  func gaveUp() {
    state.withLock { state in
      guard case .underWay = state else { return }
      state = .hung
      Self.counts.withLock { $0[plugin, default: 0] += 1 }
    }
  }

  /// The call has returned after all.
  func returned() {
    state.withLock { state in
      if case .hung = state { Self.counts.withLock { $0[plugin, default: 1] -= 1 } }
      state = .returned
    }
  }

  private static func number(of plugin: LoadedPlugin) -> UInt { UInt(bitPattern: plugin.table.pointer) }
}
