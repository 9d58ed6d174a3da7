import ArgumentParser
import ClusterModel
import Glibc
import Platform

/// The command `rollcall`.
@main
struct RollcallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall",
    abstract: "Who is in this cluster, and who says so?",
    discussion: """
      Registries (plugins that you name in rollcall.yaml) each know a part of the cluster. Rollcall runs them \
      side by side, merges what they say by node identity, and tells for every fact where it came from.

      Exit codes: 0 for success, 1 for a failure, 2 for a mistake on the command line, 3 where only a part could be \
      shown, as a registry failed or could read nothing, 4 where what was waited for didn't come in time, 5 where \
      diff --exit-code found a difference.
      """,
    version: "rollcall \(RollcallVersion.current)",
    subcommands: [
      StatusCommand.self, GetCommand.self, ExplainCommand.self, KubeSpanCommand.self, HistoryCommand.self,
      DiffCommand.self,
      WaitCommand.self, ForgetCommand.self, AnsibleCommand.self, RunCommand.self,
      RecordCommand.self, ReplayCommand.self, PluginsCommand.self,
      ConfigCommand.self, GenerateCommand.self, Serve.self, DemoCommand.self,
    ])

  static func main() async {
    // A reader that went away is noticed where it matters: when something is written. Plugins with sockets
    // must not end the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      try Verb.check(Array(CommandLine.arguments.dropFirst()), of: Self.self)
      var command = try await asyncParseAsRoot(nil)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      // Plugins may have threads that nobody waits for.
      Glibc.exit(0)
    } catch {
      Glibc.exit(leave(with: error))
    }
  }

  /// Tells the person what `error` says, in one line.
  ///
  /// - Returns: the exit code.
  private static func leave(with error: any Error) -> Int32 {
    switch error {
    case is OutputClosed:
      // As a program ends that SIGPIPE ended: nobody is there to be told.
      return 128 + SIGPIPE
    case let error as CommandError:
      for line in error.lines { Terminal.error(line) }
      return error.exitCode
    case let code as ExitCode: return code.rawValue
    default: break
    }
    let code = exitCode(for: error)
    if code == .success {
      // Help, the version or a completion script.
      do { try Terminal.write(fullMessage(for: error) + "\n") } catch { return 128 + SIGPIPE }
      return 0
    }
    let message = message(for: error).lines.map(\.trimmed)
    Terminal.error(message.joined(separator: " "))
    return code == .validationFailure ? CommandError.usage : CommandError.failure
  }
}
