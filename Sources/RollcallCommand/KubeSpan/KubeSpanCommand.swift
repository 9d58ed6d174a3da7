import ArgumentParser
import ClusterModel
import ClusterResources
import Platform
import StatusClient

/// `rollcall kubespan`
struct KubeSpanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubespan",
    abstract: "Show the WireGuard mesh: how each peer is, and why one isn't up.",
    discussion: """
      Asks the running daemon, which alone knows how peers are. Of a node it tells everything: its endpoints and which \
      of them aren't tried, what is sent to it, when it last answered. Ends with 1 where no mesh runs, and with 3 \
      where the mesh doesn't stand or its last pass didn't end.

        rollcall kubespan
        rollcall kubespan worker-1
        rollcall kubespan --watch
        rollcall kubespan -o json
      """)

  @Argument(help: "A node, by its nodename, identity, public key or KubeSpan address.")
  var node: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("The format: table, yaml, json.", valueName: "format"),
    completion: .list(DocumentFormat.allCases.map(\.rawValue)))
  var output: DocumentFormat = .table

  @Flag(name: [.short, .long], help: "Go on and show each change.")
  var watch = false

  @Option(
    help: ArgumentHelp("How long the daemon may take to answer.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(10))

  @OptionGroup var daemon: SocketOptions

  func run() async throws {
    if node?.isEmpty == true { throw CommandError.usage("the node's name is empty") }
    let (node, output) = (node, output)
    let view = KubeSpanView(node: node, output: output, width: Terminal.width)
    guard watch else {
      let hasProblem = try await daemon.ask(timeout: timeout.duration) { client in
        let document = try await client.get("/v1/kubespan").document()
        try Terminal.write(try view.text(of: document))
        return document.at("problem", "message") != nil
      }
      if hasProblem { throw ExitCode(CommandError.partial) }
      return
    }
    try await follow(view)
  }

  /// How often a watch looks.
  private static let pace = Duration.seconds(1)

  private func follow(_ view: KubeSpanView) async throws {
    let client = try daemon.client(timeout: timeout.duration)
    let time = TimeSource()
    var shown: ResourceValue?
    var isAway = false
    while !Task.isCancelled {
      do {
        let document = try await client.get("/v1/kubespan").document()
        if isAway { Terminal.note("the daemon is back") }
        isAway = false
        try Terminal.write(try view.text(of: document, after: shown))
        shown = document
      } catch let error as StatusError where error.isTransient && shown != nil {
        if !isAway { Terminal.note("\(error.message); waiting for the daemon") }
        isAway = true
      } catch let error as StatusError {
        throw error.commandError
      }
      try await time.sleep(Self.pace)
    }
  }
}

/// What is shown of each answer.
struct KubeSpanView: Sendable {
  /// The one node that is meant; nil: all.
  let node: String?
  let output: DocumentFormat
  /// How wide the lines may be; nil: as they need.
  let width: Int?

  /// What is printed of `document`, as `GET /v1/kubespan` gives it.
  ///
  /// - Throws: ``CommandError`` where there is no mesh, or no such node in it.
  func text(of document: ResourceValue) throws -> String {
    if document["enabled"]?.bool == false {
      throw CommandError(document["reason"]?.text ?? "KubeSpan is off")
    }
    guard let node else {
      return output.text(of: document) { KubeSpanText.table($0, .standardOutput, width: width) }
    }
    let peer = try peer(node, in: document)
    return output.text(of: peer) {
      KubeSpanText.detail($0, at: Self.moment(document), .standardOutput, width: width)
    }
  }

  /// What is printed of `document` where `old` was seen before: what differs.
  func text(of document: ResourceValue, after old: ResourceValue?) throws -> String {
    guard let old else { return try text(of: document) }
    if node != nil || output != .table {
      return Self.essence(of: document, node) == Self.essence(of: old, node) ? "" : try text(of: document)
    }
    return KubeSpanText.changes(from: old, to: document, .standardOutput, width: width)
  }

  static func moment(_ document: ResourceValue) -> Timestamp {
    document.at("metadata", "now")?.time ?? document["moment"]?.time ?? .now()
  }

  /// What a person waits for, without counters and ages.
  private static func essence(of document: ResourceValue, _ node: String?) -> [String] {
    let peers = (document["peers"]?.items ?? []).filter { node == nil || isMeant($0, by: node ?? "") }
    return [document.at("problem", "message")?.text ?? "", document["enabled"]?.scalarText ?? ""]
      + (document["warnings"]?.items ?? []).compactMap(\.text) + peers.map(essence(ofPeer:))
  }

  /// What a person waits for of a peer.
  static func essence(ofPeer peer: ResourceValue) -> String {
    let why = (peer["why"]?.items ?? []).compactMap(\.text)
    return ([peer["nodeId"]?.text, peer["state"]?.text, peer["endpoint"]?.text].map { $0 ?? "" } + why)
      .joined(separator: "\n")
  }

  private static func isMeant(_ peer: ResourceValue, by text: String) -> Bool {
    ["label", "nodeId", "publicKey", "address"].contains { peer[$0]?.text == text }
  }

  private func peer(_ name: String, in document: ResourceValue) throws(CommandError) -> ResourceValue {
    let peers = document["peers"]?.items ?? []
    let found = peers.filter { Self.isMeant($0, by: name) }
    if found.count == 1 { return found[0] }
    if found.count > 1 {
      let ids = found.compactMap { $0["nodeId"]?.text }.joined(separator: ", ")
      throw CommandError("'\(name)' is the name of \(found.count) peers: show one by its identity, \(ids)")
    }
    let begun = peers.filter { name.utf8.count >= 4 && $0["nodeId"]?.text?.hasPrefix(name) == true }
    if begun.count == 1 { return begun[0] }
    if let omitted = document["omitted"]?.items.first(where: { $0["nodeId"]?.text == name }) {
      throw CommandError("\(name) is no peer: \(omitted["message"]?.text ?? "")")
    }
    let advice = didYouMean(name, among: peers.compactMap { $0["label"]?.text }).map { ": \($0)" } ?? ""
    throw CommandError(
      "no peer has the nodename, identity, public key or KubeSpan address '\(name)'\(advice)")
  }
}
