import ArgumentParser
import ClusterResources
import Platform
import Rollcall

/// `rollcall explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show where every fact about a node came from.",
    discussion: """
      For every field: what is shown, who says so, who says otherwise, and the rule that chose. The node is named \
      by its nodename, identity (or a beginning of it that only it has), hostname or an address. Of several the \
      member of that name is meant, and the others are told; identity/ID means one by its identity alone.

        rollcall explain worker-1
        rollcall explain 10.5.0.3 -o yaml
      """)

  @Argument(help: "The node.")
  var node: String

  @Option(
    name: [.short, .long], help: ArgumentHelp("The format: table, yaml, json.", valueName: "format"),
    completion: .list(["table", "yaml", "json"]))
  var output = "table"

  @Option(
    help: ArgumentHelp("How long registries may take to tell what they know.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(10))

  @Flag(help: "End with 0 instead of 3 where only a part can be shown.")
  var partialOk = false

  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    guard ["table", "yaml", "json"].contains(output) else {
      throw CommandError.usage("'\(output)' isn't a format of explain: write table, yaml or json")
    }
    guard !node.isEmpty else { throw CommandError.usage("the node's name is empty") }
    let loaded = try await ConfigurationLookup.load(configuration)
    loaded.adviseIfEmpty()
    let session = try await ClusterSession(loaded)
    let (node, output, timeout, isPartAllowed) = (node, output, timeout.duration, partialOk)
    try await session.run { aggregator in
      let sync = await Sync.wait(for: aggregator, within: timeout)
      sync.report()
      let snapshot = aggregator.snapshot()
      let found = try NodeLookup(node, in: snapshot)
      guard let explanation = Explanation(of: found.identity, in: snapshot, at: .now()) else {
        throw CommandError("nothing is known of node '\(found.identity)'")
      }
      if let others = found.othersText(node, in: snapshot) { Terminal.note(others) }
      switch output {
      case "yaml": try Terminal.write(YAMLText.text(of: explanation.value))
      case "json": try Terminal.write(JSONText.pretty(explanation.value) + "\n")
      default: try Terminal.write(explanation.text(.standardOutput))
      }
      try sync.checkWhole(allowed: isPartAllowed)
    }
  }
}
