import ArgumentParser
import ClusterResources
import Rollcall

/// `rollcall get`
struct GetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show identities, affiliates, members, registries or conflicts.",
    discussion: """
      Runs the registries of the configuration until all of them have told what they know, and prints it. \
      Nothing is published.

        rollcall get members
        rollcall get affiliates --namespace cluster-raw
        rollcall get member worker-1 -o yaml
        rollcall get members -o jsonpath='{.spec.addresses[0]}'
        rollcall get registries --watch
      """)

  @Argument(
    help: "The type: identities, affiliates, members, registries, conflicts; in any form and case.",
    completion: .list(ResourceType.all.map(\.plural)))
  var type: String

  @Argument(help: "The id of the one to show.")
  var id: String?

  @Option(
    help: ArgumentHelp(
      "The namespace: cluster, or cluster-raw for what each registry says.", valueName: "name"),
    completion: .list(ResourceType.affiliate.namespaces))
  var namespace: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The format: table, yaml, json, jsonpath=EXPRESSION.", valueName: "format"),
    completion: .list(["table", "yaml", "json", "jsonpath="]))
  var output = "table"

  @Flag(name: [.short, .long], help: "Go on and show each change.")
  var watch = false

  @Option(
    help: ArgumentHelp("How long registries may take to tell what they know.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(10))

  @Flag(help: "End with 0 instead of 3 where only a part can be shown.")
  var partialOk = false

  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    let type: ResourceType
    let namespace: String
    let format: OutputFormat
    do throws(ResourceError) {
      type = try ResourceType.named(self.type)
      namespace = try type.namespace(self.namespace)
      format = try OutputFormat(output)
    } catch {
      throw CommandError.usage(error.message)
    }
    let loaded = try await ConfigurationLookup.load(configuration)
    loaded.adviseIfEmpty()
    let session = try await ClusterSession(loaded)
    let get = Get(
      view: ResourceView(type: type, namespace: namespace, node: session.nodeLabel, id: id),
      format: format, timeout: timeout.duration, isPartAllowed: partialOk)
    if watch {
      try await session.run { try await get.watch($0) }
    } else {
      try await session.run { try await get.once($0) }
      // What was asked for is nowhere to be found; this machine's identity needs no configuration.
      if type != .identity, loaded.isEmpty { throw ExitCode.failure }
    }
  }
}

/// What `get` does with a running aggregator.
struct Get: Sendable {
  let view: ResourceView
  let format: OutputFormat
  let timeout: Duration
  /// Whether it is well that registries are missing in what is printed.
  let isPartAllowed: Bool

  /// Prints what there is once the registries have told what they know.
  func once(_ aggregator: Aggregator) async throws {
    let sync = await Sync.wait(for: aggregator, within: timeout)
    let snapshot = aggregator.snapshot()
    let resources = view.resources(in: snapshot)
    sync.report()
    try view.checkFound(resources, in: snapshot)
    var printer = format.printer(of: view.type)
    try print(resources.map { PrintedResource($0) }, with: &printer)
    if format == .table { reportConflicts(in: snapshot) }
    if view.type != .registry, view.type != .identity { try sync.checkWhole(allowed: isPartAllowed) }
  }

  /// The most conflicts that are told beside the members.
  private static let maximumConflicts = 5

  /// Tells which nodes aren't listed, as another one is the member of their name.
  private func reportConflicts(in snapshot: ClusterSnapshot) {
    guard view.type == .member else { return }
    let names = snapshot.conflicts.map(\.value).filter { conflict in
      guard case .nodename(let name) = conflict.key else { return false }
      return view.matches(name)
    }
    for conflict in names.prefix(Self.maximumConflicts) { Terminal.note(conflict.words) }
    if names.count > Self.maximumConflicts {
      Terminal.note("\(names.count - Self.maximumConflicts) more: see 'rollcall get conflicts'")
    }
  }

  /// Prints what there is, and each change until somebody ends the command.
  func watch(_ aggregator: Aggregator) async throws {
    await Sync.wait(for: aggregator, within: timeout).report()
    var printer = format.printer(of: view.type, watching: true)
    var known = WatchedResources()
    for await event in aggregator.changes() {
      let events = known.take(event, view) { aggregator.snapshot() }
      // A table's header comes at once, even where nothing is below it yet.
      try print(events, with: &printer)
    }
  }

  private func print(_ items: [PrintedResource], with printer: inout any ResourcePrinter) throws {
    let text: String
    do throws(ResourceError) { text = try printer.text(of: items) } catch {
      throw CommandError(error.message)
    }
    if !text.isEmpty { try Terminal.write(text) }
  }
}
