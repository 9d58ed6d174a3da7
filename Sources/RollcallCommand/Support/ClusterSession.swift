import ArgumentParser
import LocalNode
import Logging
import PluginHost
import Rollcall

/// A configuration and the aggregator that it makes: what every verb that looks at a cluster starts with.
struct ClusterSession: Sendable {
  let aggregator: Aggregator
  /// The configuration file; nil where there is none.
  let file: String?
  /// What the NODE column says: this node's first address, else its hostname.
  let nodeLabel: String
  /// In words, where the registries come from.
  let origin: String

  /// - Parameter publishing: whether this machine takes part: its identity is made where it has none, and what
  ///   it tells of itself is published. Else it only looks.
  init(
    _ options: ConfigurationOptions, publishing: Bool = false,
    logger: Logger = Logger(label: "rollcall", factory: { _ in SwiftLogNoOpLogHandler() })
  ) throws {
    let loaded = try ConfigurationLookup.load(options)
    file = loaded.file
    let registries = loaded.configuration.cluster.discovery.registries
    if let file {
      origin = "configuration \(file)"
    } else if registries.contains(where: { $0.disabled == nil }) {
      origin = "the files of members in this folder; \(ConfigurationLookup.advice)"
    } else {
      origin = "no configuration"
    }
    var aggregatorOptions = AggregatorOptions()
    aggregatorOptions.publishes = publishing
    // Who only looks leaves nothing behind that would be worth waiting for.
    if !publishing { aggregatorOptions.stopTimeout = .seconds(1) }
    let node = try LocalMachine.node(
      stateDirectory: loaded.configuration.stateDirectory, isMade: publishing && loaded.configuration.node.publish)
    do throws(AggregatorError) {
      aggregator = try Aggregator(
        configuration: loaded.configuration, plugins: LocalMachine.plugins(logger: logger), localNode: node,
        options: aggregatorOptions, logger: logger)
    } catch {
      throw CommandError(error.message)
    }
    let local = node?.applying(loaded.configuration.node).current()
    nodeLabel = local?.addresses.first?.description ?? local?.hostname ?? systemHostname()
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
