import ArgumentParser
import ClusterResources

/// `rollcall status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how the cluster is: who isn't plainly ready, since when, and who says so.",
    discussion: """
      The members that aren't plainly ready come first, the worst of them first, each with the reason; then the \
      registries, and where this machine is published. Ends with 3 where a registry has failed or was never heard.

        rollcall status
        rollcall status -o json
      """)

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("The format: table, yaml, json.", valueName: "format"),
    completion: .list(DocumentFormat.allCases.map(\.rawValue)))
  var output: DocumentFormat = .table

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
    let access = DaemonAccess(
      daemon: daemon, configuration: configuration, isDirect: direct, timeout: timeout.duration)
    let (output, isPartAllowed) = (output, partialOk)
    try await access.run { source in
      let overview = try await source.client.get("/v1/status").document()
      try Terminal.write(output.text(of: overview) { StatusText.text($0, .standardOutput) })
      if let direct = source.direct { return try direct.sync.checkWhole(allowed: isPartAllowed) }
      let partial = overview.at("metadata", "partial")?.items.compactMap(\.text) ?? []
      try PartialList.check(partial, isPartAllowed: isPartAllowed)
    }
  }
}

/// How one document is printed.
enum DocumentFormat: String, ExpressibleByArgument, CaseIterable {
  case table, yaml, json

  /// `document` in this format; as `table` makes it for a person.
  func text(of document: ResourceValue, table: (ResourceValue) -> String) -> String {
    switch self {
    case .table: table(document)
    case .yaml: YAMLText.text(of: document)
    case .json: JSONText.pretty(document) + "\n"
    }
  }
}

/// The registries that are missing in what was shown.
enum PartialList {
  /// Tells each, and ends the command with ``CommandError/partial`` where there are some, unless that is allowed.
  static func check(_ registries: [String], isPartAllowed: Bool) throws {
    guard !registries.isEmpty else { return }
    for name in registries {
      Terminal.error("registry \(name) has failed, or was never heard: what it knows is missing")
    }
    if !isPartAllowed { throw ExitCode(CommandError.partial) }
  }
}
