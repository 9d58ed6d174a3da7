import ArgumentParser
import ClusterModel
import ClusterResources
import Rollcall

/// What `get` does without a daemon: it runs the registries itself.
struct DirectGet: Sendable {
  private let request: GetRequest

  init(_ request: GetRequest) { self.request = request }

  func run(_ options: ConfigurationOptions, watching: Bool) async throws {
    let loaded = try await ConfigurationLookup.load(options)
    // This machine's identity needs no configuration.
    if request.type != .identity, loaded.isEmpty { throw CommandError(ConfigurationLookup.advice) }
    let session = try await ClusterSession(loaded)
    let view = ResourceView(
      type: request.type, namespace: request.namespace, node: session.nodeLabel, ids: request.ids)
    if watching {
      try await session.run { try await watch($0, view) }
    } else {
      try await session.run { try await once($0, view) }
    }
  }

  /// Prints what there is once the registries have told what they know.
  private func once(_ aggregator: Aggregator, _ view: ResourceView) async throws {
    let sync = await Sync.wait(for: aggregator, within: request.timeout)
    let snapshot = aggregator.snapshot()
    let resources = view.resources(in: snapshot)
    sync.report()
    try view.checkFound(resources, in: snapshot)
    var printer = request.printer()
    try Printing.print(
      try request.rows(resources.map { $0.value() }, node: view.node), with: &printer)
    for note in printer.notes { Terminal.note(note) }
    if request.format == .table { reportConflicts(in: snapshot, view) }
    if view.type != .registry, view.type != .identity { try sync.checkWhole(allowed: request.isPartAllowed) }
  }

  /// The most conflicts that are told beside the members.
  private static let maximumConflicts = 5

  /// Tells which nodes aren't listed, as another one is the member of their name.
  private func reportConflicts(in snapshot: ClusterSnapshot, _ view: ResourceView) {
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
  private func watch(_ aggregator: Aggregator, _ view: ResourceView) async throws {
    await Sync.wait(for: aggregator, within: request.timeout).report()
    var printer = request.printer(watching: true)
    var known = WatchedResources()
    for await event in aggregator.changes() {
      let events = known.take(event, view) { aggregator.snapshot() }.filter { request.includes($0.document) }
      // A table's header comes at once, even where nothing is below it yet.
      try Printing.print(events, with: &printer)
    }
  }
}
