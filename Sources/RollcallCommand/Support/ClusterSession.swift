import ClusterModel
import Logging
import PluginHost
import Rollcall
import RollcallConfiguration

/// A configuration and the aggregator that it makes: what every verb that looks at a cluster starts with.
struct ClusterSession: Sendable {
  let aggregator: Aggregator
  /// What the NODE column says: this node's first address, else its hostname.
  let nodeLabel: String
  /// Adds to what this machine says of itself.
  let amendment = LocalAmendment()
  /// This machine's identity; nil where it has none, or is a mere observer.
  let nodeID: NodeIdentity?
  /// Whether this machine has an identity, and tells others of itself.
  let takesPart: Bool
  private let plugins: InstalledPlugins
  private let logger: Logger

  /// - Parameters:
  ///   - publishing: whether this machine takes part: its identity is made where it has none, and what
  ///   it tells of itself is published. Else it only looks.
  ///   - restored: what was known before a restart.
  ///   - observing: is given all that changes the table, in order. This machine is then a mere observer: what it would
  ///   say of itself isn't shown.
  ///   - observeMerge: is told how long each update of a registry took until readers see it.
  init(
    _ loaded: ConfigurationLookup.Loaded, publishing: Bool = false, restored: SavedState? = nil,
    observing: (@Sendable (TableCommit) -> Void)? = nil,
    observeMerge: (@Sendable (String, Duration) -> Void)? = nil, logger: Logger = .silent
  ) async throws {
    let configuration = loaded.configuration
    var aggregatorOptions = AggregatorOptions()
    aggregatorOptions.publishes = publishing
    aggregatorOptions.history = configuration.history
    aggregatorOptions.restored = restored
    aggregatorOptions.observeMerge = observeMerge
    aggregatorOptions.observeCommit = observing
    // Who only looks leaves nothing behind that would be worth waiting for.
    if !publishing { aggregatorOptions.stopTimeout = .seconds(1) }
    let node =
      observing == nil
      ? try LocalMachine.node(
        of: configuration, makesIdentity: publishing, amendment: amendment, logger: logger) : nil
    nodeID = node?.nodeID
    takesPart = publishing && node != nil
    nodeLabel = LocalMachine.label(node, configuration.node)
    plugins = InstalledPlugins(logger: logger)
    self.logger = logger
    do throws(AggregatorError) {
      aggregator = try await Aggregator(
        configuration: configuration, plugins: plugins, localNode: node,
        options: aggregatorOptions, logger: logger)
    } catch {
      throw CommandError(error.message)
    }
  }

  /// Takes on another configuration.
  func reload(_ configuration: Configuration) async throws -> ReloadSummary {
    try await aggregator.reload(configuration, plugins: plugins)
  }

  /// What a reload from `old` to `new` can't change, in words: what needs a restart.
  ///
  /// - Parameter kept: the registries that run as before.
  func needsRestart(_ old: Configuration, _ new: Configuration, kept: [String]) async -> [String] {
    var texts: [String] = []
    if new.node.publish, !takesPart {
      texts.append("node.publish is true: this node is published after a restart, which makes its identity")
    }
    if takesPart, let before = old.stateDirectory, let after = new.stateDirectory, before != after {
      texts.append(
        "stateDirectory: this node keeps the identity in '\(before)' until a restart, which uses '\(after)'")
    }
    guard old.plugins != new.plugins else { return texts }
    let (before, after) = (
      PluginCatalog(old.plugins, logger: logger), PluginCatalog(new.plugins, logger: logger)
    )
    for registry in new.cluster.discovery.registries where kept.contains(registry.name) {
      guard let running = try? await before.plugin(named: registry.plugin).file,
        let found = try? await after.plugin(named: registry.plugin).file, running != found
      else { continue }
      texts.append(
        "plugins: the registry '\(registry.name)' runs '\(running)' until a restart, which uses '\(found)'")
    }
    return texts
  }

  /// Runs the aggregator for as long as `body` takes.
  func run(_ body: @escaping @Sendable (Aggregator) async throws -> Void) async throws {
    let aggregator = aggregator
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await aggregator.run()
        return false
      }
      group.addTask {
        try await body(aggregator)
        return true
      }
      while let isDone = try await group.next(), !isDone {}
      group.cancelAll()
    }
  }
}
