import Glibc
import Platform

/// Where the node keeps its identity.
enum StateFolder {
  /// The folder: `option` (from `--state`), else `configured` (`stateDirectory:`), else the usual one.
  ///
  /// The usual one is what systemd made for the unit (`$STATE_DIRECTORY`), else `/var/lib/rollcall` for root, else `$XDG_STATE_HOME/rollcall` or
  /// `~/.local/state/rollcall`.
  static func path(option: String?, configured: String?) throws -> String {
    if let path = option ?? configured { return path }
    // Of a unit with several folders the first one is ours.
    if let path = environment("STATE_DIRECTORY")?.split(separator: ":").first, path.hasPrefix("/") {
      return String(path)
    }
    if geteuid() == 0 { return "/var/lib/rollcall" }
    // A relative path in the variable counts as none: so says its specification.
    if let base = environment("XDG_STATE_HOME"), base.hasPrefix("/") { return "\(base)/rollcall" }
    if let home = environment("HOME"), home.hasPrefix("/") { return "\(home)/.local/state/rollcall" }
    throw CommandError(
      "there is no folder for the node's identity: HOME isn't set; name one with --state or stateDirectory:")
  }

  /// Makes the folder `path`, and those that it is in, where they aren't there: for its owner alone.
  static func make(_ path: String) throws {
    do throws(FileError) { try FilePaths.makeFolder(path) } catch { throw CommandError(error.description) }
  }

  /// Holds the folder `path`, which has this node's identity, for as long as the value lives.
  ///
  /// - Throws: ``CommandError`` where another process holds it, which it names.
  static func lock(_ path: String?) throws -> LockFile? {
    guard let path else { return nil }
    do throws(LockFile.Failure) {
      return try LockFile(FilePaths.resolve("lock", base: path))
    } catch {
      switch error {
      case .held(let holder):
        let who = holder.map { "the process \($0)" } ?? "another process"
        throw CommandError(
          "the state folder '\(path)' is in use by \(who): one rollcall runs with an identity; stop it, or give this one another folder by --state"
        )
      case .file(let error): throw CommandError(error.description)
      }
    }
  }
}
