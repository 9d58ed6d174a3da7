import ArgumentParser
import ClusterModel
import Platform
import StatusClient
import Synchronization

/// Which daemon is asked: what all verbs that ask one take.
struct SocketOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The socket of the daemon to ask.",
      discussion:
        "Without it: $ROLLCALL_SOCKET (none: no daemon is asked), rollcall.sock in $RUNTIME_DIRECTORY, /run/rollcall, $XDG_RUNTIME_DIR/rollcall.",
      valueName: "path"), completion: .file())
  var socket: String?

  /// The socket that a person chose; nil where none did.
  var chosen: String? {
    socket ?? Self.inEnvironment
  }

  /// What `$ROLLCALL_SOCKET` has; nil where that is nothing, or ``noneWord``.
  static var inEnvironment: String? {
    environment("ROLLCALL_SOCKET").flatMap { $0.isEmpty || $0 == noneWord ? nil : $0 }
  }

  /// What `$ROLLCALL_SOCKET` is where no daemon is to be asked, and none is to be asked here.
  static let noneWord = "none"

  /// Whether `$ROLLCALL_SOCKET` says that there is to be none.
  static var isNoneInEnvironment: Bool { environment("ROLLCALL_SOCKET") == noneWord }

  /// A client of the daemon.
  ///
  /// - Parameter timeout: how long an answer may take.
  func client(timeout: Duration = .seconds(10)) throws -> StatusClient {
    if let socket, socket.isEmpty { throw CommandError.usage("the path of --socket is empty") }
    let sockets = chosen.map { [$0] } ?? SocketPath.candidates(environment)
    let skew = VersionSkew()
    return StatusClient(sockets: sockets, timeout: timeout) { skew.check($0) }
  }
}

/// Tells the person once where the daemon is of another major version: each may know what the other doesn't.
private final class VersionSkew: Sendable {
  private let isTold = Atomic(false)

  func check(_ version: String?) {
    guard let version, let text = Self.text(daemon: version, own: RollcallVersion.current),
      !isTold.exchange(true, ordering: .relaxed)
    else { return }
    Terminal.note(text)
  }

  /// What a person is told of a daemon's version; nil where it goes with this command's.
  static func text(daemon: String, own: String) -> String? {
    func major(_ version: String) -> Substring { version.prefix { $0 != "." } }
    guard major(daemon) != major(own) else { return nil }
    return "the daemon is rollcall \(daemon) and this command \(own): what only one of them knows isn't shown"
  }
}

extension StatusError {
  /// The error as the command ends with it: a mistake in what was asked is one on the command line.
  var commandError: CommandError {
    var lines = [message]
    let candidates = problem?["candidates"]?.items ?? []
    for candidate in candidates.prefix(10) where status == 300 {
      let names = [candidate["id"]?.text, candidate["nodeId"]?.text, candidate["why"]?.text]
      lines.append("  " + names.compactMap { $0 }.joined(separator: "  "))
    }
    let isUsage = ["invalid-parameter", "invalid-selector"].contains(problemCode)
    return CommandError(lines: lines, exitCode: isUsage ? CommandError.usage : CommandError.failure)
  }
}
