import ArgumentParser
import ClusterModel
import ClusterResources
import Platform
import Rollcall
import StatusClient

/// `rollcall get`
struct GetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show identities, affiliates, members, registries, conflicts or KubeSpan's resources.",
    discussion: """
      Asks the running daemon. Where none runs, and none was asked for by --socket, it runs the registries of the \
      configuration itself until all of them have told what they know, as with --direct; a configuration or a state \
      folder that is named is asked for so too. Nothing is published.

        rollcall get members
        rollcall get members -o wide --status missing,stale
        rollcall get member worker-1 worker-2 -o yaml
        rollcall get members -l rack=r1 --sort-by .status.since
        rollcall get members -o jsonpath='{range .items[*]}{.metadata.id}{"\\n"}{end}'
        rollcall get affiliates --namespace cluster-raw
        rollcall get registries --watch
        rollcall get --raw /v1/members
      """)

  @Argument(
    help:
      "The type, and the ids of those to show: members, member w-1 w-2, member/w-1. The types are \(ResourceType.all.map(\.plural).joined(separator: ", ")); in any form and case.",
    completion: Suggestions.resources)
  var subject: [String] = []

  @Option(
    help: ArgumentHelp(
      "The namespace: cluster, or cluster-raw for what each registry says.", valueName: "name"),
    completion: .list(ResourceType.affiliate.namespaces))
  var namespace: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp(
      "The format: \(OutputFormat.formats.joined(separator: ", ")).", valueName: "format"),
    completion: .list(OutputFormat.formats.map { String($0.prefix { $0 != "=" }) }))
  var output: String?

  @Flag(name: [.short, .long], help: "Go on and show each change.")
  var watch = false

  @Flag(
    help: "Show superseded and gone members too, and conflicts of severity info; members in wide columns.")
  var all = false

  @Option(
    name: [.customShort("l", allowingJoined: true), .customLong("selector")],
    help: ArgumentHelp(
      "By labels, as in Kubernetes: rack=r1,env!=dev,gpu,zone in (a,b).", valueName: "labels"))
  var labelSelector: String?

  @Option(
    help: ArgumentHelp("By fields: status.state=missing,spec.machineType!=worker.", valueName: "fields"))
  var fieldSelector: String?

  @Option(
    help: ArgumentHelp(
      "Members in these states: \(GetRequest.states.joined(separator: ", ")).", valueName: "states"))
  var status: String?

  @Option(help: ArgumentHelp("In the order of what a path finds: .status.since.", valueName: "path"))
  var sortBy: String?

  @Flag(help: "Leave a table's header out.")
  var noHeaders = false

  @Option(help: ArgumentHelp("The port of targets and of SSH, with -o prometheus, ansible or ssh-config."))
  var port: UInt16?

  @Option(
    help: ArgumentHelp(
      "A label to copy, with -o prometheus or ansible; may be given often.", valueName: "key"))
  var label: [String] = []

  @Option(
    help: ArgumentHelp(
      "What the daemon answers to GET of a path of its API, as it is.", valueName: "path"))
  var raw: String?

  @Option(
    help: ArgumentHelp(
      "How long the daemon, or registries, may take to tell what they know.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(10))

  @Flag(help: "End with 0 instead of 3 where only a part can be shown.")
  var partialOk = false

  @Flag(help: "Show this node's private WireGuard key, to who owns its file: with kubespanidentities.")
  var showSecrets = false

  @Flag(help: "Ask the registries, not the daemon.")
  var direct = false

  @OptionGroup var daemon: SocketOptions
  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    if let raw { return try await copy(raw) }
    let request = try request()
    let access = DaemonAccess(
      daemon: daemon, configuration: configuration, isDirect: direct, timeout: timeout.duration,
      // This machine's identity needs none.
      needsConfiguration: request.type != .identity)
    let (isWatching, showsSecrets, options) = (watch, showSecrets, configuration)
    try await access.run { source in
      var get = DaemonGet(request: request, client: source.client, checksWhole: source.direct == nil)
      if showsSecrets { get.reveal = { MeshSecret.reveal(in: $0, options) } }
      if isWatching { return try await get.watch() }
      try await get.once()
      if let direct = source.direct {
        try DirectGet.finish(request, direct.sync, direct.snapshot)
      }
    }
  }

  private func copy(_ path: String) async throws {
    guard subject.isEmpty, !watch, !direct else {
      throw CommandError.usage("--raw takes a path alone: rollcall get --raw \(path)")
    }
    guard path.hasPrefix("/") else {
      throw CommandError.usage("'\(path)' isn't a path of the API: write one such as /v1/members")
    }
    do {
      try await daemon.client(timeout: timeout.duration).copy(path) { try Terminal.write($0) }
    } catch let error as StatusError {
      throw error.commandError
    }
  }

  private func request() throws -> GetRequest {
    do throws(ResourceError) {
      let (type, ids) = try GetRequest.subject(subject)
      let format = try output.map { text throws(ResourceError) in try OutputFormat(text) }
      var request = GetRequest(
        type: type, namespace: try type.namespace(namespace), ids: ids,
        format: format ?? (all && type == .member ? .wide : .table))
      request.isAll = all
      request.labelSelector = labelSelector
      request.fieldSelector = fieldSelector
      request.states = try states(of: type)
      request.order = try sortBy.map { text throws(ResourceError) in try ResourceOrder(text) }
      request.hasHeader = !noHeaders
      request.export = ExportOptions(port: port, labels: label)
      request.timeout = timeout.duration
      request.isPartAllowed = partialOk
      try check(request)
      return request
    } catch {
      throw CommandError.usage(error.message)
    }
  }

  private func states(of type: ResourceType) throws(ResourceError) -> Set<String> {
    guard let status else { return [] }
    guard type == .member else { throw ResourceError("--status is for members: \(type.plural) have none") }
    var states: Set<String> = []
    for state in status.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard GetRequest.states.contains(state) else {
        let advice = didYouMean(state, among: GetRequest.states).map { ": \($0)" } ?? ""
        throw ResourceError(
          "'\(state)' is no state of a member\(advice) (the states are \(GetRequest.states.joined(separator: ", ")))"
        )
      }
      states.insert(state)
    }
    return states
  }

  private func check(_ request: GetRequest) throws(ResourceError) {
    if watch, request.format.isWhole {
      throw ResourceError(
        "-o \(output ?? "") is one list: it can't be watched; outputs: in rollcall.yaml keep files")
    }
    if showSecrets, request.type != .kubeSpanIdentity || watch {
      throw ResourceError("--show-secrets is for kubespanidentities, without --watch: no other type has any")
    }
    if watch, sortBy != nil {
      throw ResourceError("--sort-by has no meaning with --watch: changes come as they are")
    }
    if request.format.isWhole, request.type != .member {
      throw ResourceError("-o \(output ?? "") is a list of members, not of \(request.type.plural)")
    }
    let hasSelector = labelSelector != nil || fieldSelector != nil || status != nil
    if hasSelector, !request.ids.isEmpty {
      throw ResourceError("-l, --field-selector and --status choose of a list: leave them or the ids out")
    }
  }
}
