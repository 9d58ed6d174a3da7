import ArgumentParser
import ClusterModel
import ClusterResources
import Platform
import StatusClient

/// `rollcall diff`
struct DiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show what differs: the cluster then and now, or two registries.",
    discussion: """
      With --since, what is another way than it was then; what came and went again isn't shown: history has it. With \
      two registries, node by node what only one of them knows or what they say differently.

        rollcall diff --since 10m
        rollcall diff service inventory
        rollcall diff service inventory --exit-code
      """)

  @Argument(help: "Two registries.", completion: Suggestions.registries)
  var registries: [String] = []

  @Option(
    help: ArgumentHelp("The cluster as it was: so long ago (10m), or an RFC 3339 time.", valueName: "when"),
    transform: TimeOption.parse)
  var since: TimeOption?

  @Option(
    help: ArgumentHelp("And as it was then, instead of now.", valueName: "when"), transform: TimeOption.parse)
  var until: TimeOption?

  @Flag(help: "End with 5 where they differ.")
  var exitCode = false

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("The format: table, yaml, json.", valueName: "format"),
    completion: .list(DocumentFormat.allCases.map(\.rawValue)))
  var output: DocumentFormat = .table

  @Flag(help: "Ask the registries, not the daemon; only for two registries.")
  var direct = false

  @OptionGroup var daemon: SocketOptions
  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    let names = registries.map { ResourceType.registry.id(named: $0) }
    switch (names.count, since) {
    case (0, let since?): try await world(since)
    case (2, nil) where until == nil: try await between(names)
    case (0, nil):
      throw CommandError.usage("what is to be compared? 'rollcall diff --since 10m', or two registries")
    case (1, _): throw CommandError.usage("diff compares two registries: name one more beside '\(names[0])'")
    case (2, _): throw CommandError.usage("either --since or two registries, not both")
    default: throw CommandError.usage("diff compares two registries, not \(names.count)")
    }
  }

  private func world(_ since: TimeOption) async throws {
    guard !direct else {
      throw CommandError.usage("--direct knows nothing of earlier: leave it out with --since")
    }
    var query = [(name: "since", value: since.text)]
    if let until { query.append(("until", until.text)) }
    let asked = query
    do {
      let diff = try await daemon.client().get("/v1/diff", asked).document()
      try finish(diff, output.text(of: diff) { DiffText.world($0) })
    } catch let error as StatusError {
      // What was written is a time: that the journal doesn't reach so far is no mistake of who asks.
      throw CommandError(error.message)
    }
  }

  private func between(_ names: [String]) async throws {
    let access = DaemonAccess(daemon: daemon, configuration: configuration, isDirect: direct)
    let command = self
    try await access.run { source in
      let diff = try await source.client.get("/v1/diff", [("registries", names.joined(separator: ","))])
        .document()
      try command.finish(
        diff, command.output.text(of: diff) { DiffText.registries($0, at: .now()) })
    }
  }

  private func finish(_ diff: ResourceValue, _ text: String) throws {
    try Terminal.write(text)
    if exitCode, diff["items"]?.items.isEmpty == false { throw ExitCode(CommandError.different) }
  }
}
