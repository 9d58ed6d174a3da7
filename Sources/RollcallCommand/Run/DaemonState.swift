import Logging
import Platform
import RollcallConfiguration
import Sealing
import StateFile

/// The state folder of a daemon, which is its own for as long as this lives, and what keeps the state file in it.
struct DaemonState: Sendable {
  /// Keeps what must survive a restart; nil where nothing can be kept.
  let keeper: StateKeeper?
  private let lock: LockFile?

  /// Takes the folder of `configuration`.
  ///
  /// - Throws: ``CommandError`` where another process has it, or it can't be made, and this machine's identity is to be
  ///   in it. A mere observer goes on without.
  init(_ configuration: Configuration, logger: Logger) throws {
    guard let folder = configuration.stateDirectory else {
      (keeper, lock) = (nil, nil)
      return
    }
    do {
      try StateFolder.make(folder)
      // Two with one identity would withdraw it from under each other.
      lock = try StateFolder.lock(folder)
    } catch let error as CommandError
      where !configuration.node.publish && configuration.outputs.isEmpty && configuration.hooks.isEmpty
    {
      logger.warning("what is known won't survive a restart: \(error.lines.joined(separator: "; "))")
      (keeper, lock) = (nil, nil)
      return
    }
    let key: ClusterKey?
    do throws(KeyError) {
      key = try configuration.cluster.secret.map { secret throws(KeyError) in
        try ClusterKey(base64: secret.revealed)
      }
    } catch {
      throw CommandError(error.message)
    }
    keeper = StateKeeper(StateFile(folder: folder, key: key), now: { .now() }, logger: logger)
  }
}
