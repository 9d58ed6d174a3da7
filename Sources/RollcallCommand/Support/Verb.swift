import ArgumentParser
import ClusterResources
import Platform

/// The words with which a command line begins.
enum Verb {
  /// Fails where the first word of `arguments`, or after it a second one, is no verb, and says which was meant perhaps.
  static func check(_ arguments: [String], of command: any ParsableCommand.Type) throws {
    let commands = command.configuration.subcommands
    guard !commands.isEmpty, let word = arguments.first, !word.hasPrefix("-") else { return }
    let names = commands.compactMap { $0.configuration.commandName }
    if word == "help" { return }
    guard let meant = commands.first(where: { Self.names(of: $0).contains(word) }) else {
      let advice = didYouMean(word, among: names).map { ": \($0)" } ?? ""
      throw CommandError.usage(
        "there is no verb '\(String(word.prefix(80)))'\(advice) (the verbs are \(names.joined(separator: ", ")))"
      )
    }
    try check(Array(arguments.dropFirst()), of: meant)
  }

  private static func names(of command: any ParsableCommand.Type) -> [String] {
    [command.configuration.commandName].compactMap { $0 } + command.configuration.aliases
  }
}
