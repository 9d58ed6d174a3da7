import ArgumentParser
import ClusterModel
import ClusterResources
import Platform
import StatusClient
import Synchronization

/// `rollcall history`
struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show what happened: who came, went and changed, and why.",
    discussion: """
      The running daemon's journal, newest last, times in UTC. It is kept over restarts, for a day unless \
      history.keep says otherwise.

        rollcall history --since 1h
        rollcall history --node w-3 -w
        rollcall history --since 2026-11-26T02:00:00Z -o ndjson
      """)

  @Flag(name: [.short, .long], help: "Go on and show what happens.")
  var watch = false

  @Option(
    help: ArgumentHelp("Of this node alone, by nodename or identity.", valueName: "name"),
    completion: Suggestions.nodes)
  var node: String?

  @Option(
    help: ArgumentHelp("From then on: so long ago (10m), or an RFC 3339 time.", valueName: "when"),
    transform: TimeOption.parse)
  var since: TimeOption?

  @Option(help: ArgumentHelp("Of these alone: member, registry, conflict, daemon.", valueName: "types"))
  var types: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("The format: table, yaml, json, ndjson.", valueName: "format"),
    completion: .list(EntryPrinter.Format.allCases.map(\.rawValue)))
  var output: EntryPrinter.Format = .table

  @Flag(help: "Leave a table's header out.")
  var noHeaders = false

  @OptionGroup var daemon: SocketOptions

  func run() async throws {
    var query: [(name: String, value: String)] = []
    if let since { query.append(("since", since.text)) }
    if let node { query.append(("node", ResourceType.member.id(named: node))) }
    if let types { query.append(("types", types)) }
    let reader = JournalReader(query: query, printer: EntryPrinter(format: output, hasHeader: !noHeaders))
    let isWatching = watch
    try await daemon.ask { client in
      try await isWatching ? reader.follow(client) : reader.readAll(client)
    }
  }
}

/// A moment on the command line: so long ago, or an RFC 3339 time.
struct TimeOption: Sendable {
  /// As it was written, which is as the daemon takes it.
  let text: String

  @Sendable static func parse(_ text: String) throws -> TimeOption {
    if Timestamp(rfc3339: text) == nil {
      do throws(ModelError) { _ = try DurationText.parse(text) } catch {
        throw ModelError("\(error); or write a time such as 2026-11-26T02:00:00Z")
      }
    }
    return TimeOption(text: text)
  }
}

/// Reads the journal of a daemon and prints it.
private final class JournalReader: Sendable {
  private let query: [(name: String, value: String)]
  private let state: Mutex<JournalState>

  init(query: [(name: String, value: String)], printer: EntryPrinter) {
    self.query = query
    state = Mutex(JournalState(printer: printer))
  }

  /// Prints what there is, page by page.
  func readAll(_ client: StatusClient) async throws {
    var next: String?
    repeat {
      let page = try await client.list("/v1/history", query + (next.map { [("continue", $0)] } ?? []))
      try state.withLock { try $0.printer.print(page.items, at: page.now) }
      next = page.metadata["continue"]?.text
    } while next != nil
  }

  /// Prints what there is, and each entry to come.
  func follow(_ client: StatusClient) async throws {
    try await client.watch("/v1/history", query + [("watch", "true")]) { event in
      try self.state.withLock { try $0.take(event) }
      return true
    }
  }
}

/// What was printed of a journal, and how the daemon is reached.
private struct JournalState {
  var printer: EntryPrinter
  /// The entries before the daemon said that these were all; nil after that.
  private var first: [ResourceValue]? = []
  private var isAway = false
  /// The newest that was printed: after a reset all is told again.
  private var newest: Timestamp?

  init(printer: EntryPrinter) { self.printer = printer }

  mutating func take(_ event: WatchEvent) throws {
    switch event {
    case .disconnected(let error):
      if !isAway { Terminal.note("\(error.message); waiting for the daemon") }
      isAway = true
      return
    case .added(_, let entry), .modified(_, let entry):
      if first != nil { first?.append(entry) } else { try print([entry]) }
    case .reset: if first == nil { first = [] }
    case .synced:
      let entries = first ?? []
      first = nil
      try print(entries)
    case .deleted: break
    }
    if isAway { Terminal.note("the daemon is back") }
    isAway = false
  }

  private mutating func print(_ entries: [ResourceValue]) throws {
    let known = newest
    let new = entries.filter { entry in
      guard let known, let time = entry["time"]?.time else { return true }
      // A folded entry comes again with its count.
      return time > known || entry["count"] != nil
    }
    newest = (entries.compactMap { $0["time"]?.time } + (known.map { [$0] } ?? [])).max()
    try printer.print(new, at: .now())
  }
}
