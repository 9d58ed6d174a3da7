import Logging
import Synchronization

/// What the kernel last told of the machine's network: a machine whose kernel doesn't answer for once hasn't
/// lost its addresses, and mustn't tell others so.
final class KnownNetwork: Sendable {
  private let ask: @Sendable () throws -> NetworkState
  private let last = Mutex(NetworkState())

  /// - Parameter ask: asks the kernel.
  init(_ ask: @escaping @Sendable () throws -> NetworkState = { try RouteSocket().state() }) {
    self.ask = ask
  }

  /// How the network is now; where that can't be found out, which `logger` is told, how it was.
  func state(logger: Logger) -> NetworkState {
    do {
      let state = try ask()
      last.withLock { $0 = state }
      return state
    } catch {
      logger.warning("can't find out this machine's addresses", metadata: ["error": "\(error)"])
      return last.withLock { $0 }
    }
  }
}
