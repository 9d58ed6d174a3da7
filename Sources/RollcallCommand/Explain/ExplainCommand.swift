import ArgumentParser
import ClusterResources
import Platform
import StatusClient

/// `rollcall explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show where every fact about a node came from.",
    discussion: """
      For every field: what is shown, who says so, who says otherwise, and the rule that chose. The node is named \
      by its nodename, identity (or a beginning of it that only it has), hostname or an address. Of several the \
      member of that name is meant, and the others are told; identity/ID means one by its identity alone.

      Asks the running daemon, and where none runs the registries, as 'get' does.

        rollcall explain worker-1
        rollcall explain 10.5.0.3 -o yaml
      """)

  @Argument(help: "The node.", completion: Suggestions.nodes)
  var node: String

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("The format: table, yaml, json.", valueName: "format"),
    completion: .list(DocumentFormat.allCases.map(\.rawValue)))
  var output = "table"

  @Option(
    help: ArgumentHelp(
      "How long the daemon, or registries, may take to tell what they know.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(10))

  @Flag(help: "End with 0 instead of 3 where only a part can be shown.")
  var partialOk = false

  @Flag(help: "Ask the registries, not the daemon.")
  var direct = false

  @OptionGroup var daemon: SocketOptions
  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    guard let format = DocumentFormat(rawValue: output) else {
      throw CommandError.usage("'\(output)' isn't a format of explain: write table, yaml or json")
    }
    guard !node.isEmpty else { throw CommandError.usage("the node's name is empty") }
    let (node, isPartAllowed) = (node, partialOk)
    let access = DaemonAccess(
      daemon: daemon, configuration: configuration, isDirect: direct, timeout: timeout.duration)
    try await access.run { source in
      // A slash is part of what was asked for: identity/ID.
      let parts = node.split(separator: "/", omittingEmptySubsequences: false).map {
        StatusClient.encoded(String($0))
      }
      let document = try await source.client.get("/v1/explain/\(parts.joined(separator: "/"))").document()
      if let others = ExplanationText.others(document, than: node) { Terminal.note(others) }
      try Terminal.write(format.text(of: document) { ExplanationText.text($0, .standardOutput) })
      if let (sync, _) = source.direct { return try sync.checkWhole(allowed: isPartAllowed) }
      let partial = try await source.client.list("/v1/registries").partial
      try PartialList.check(partial, isPartAllowed: isPartAllowed)
    }
  }
}
