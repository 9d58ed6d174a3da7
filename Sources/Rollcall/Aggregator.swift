import AffiliateMerge
public import ClusterModel
public import LocalNode
public import Logging
public import RollcallConfiguration
public import ServiceLifecycle
import Synchronization

/// Runs registries side by side, merges what they tell by node identity, and lets others watch.
///
/// ```swift
/// import Rollcall
///
/// let aggregator = try Aggregator(registries: [RegistryDefinition(name: "rack", registry: Rack())])
/// async let running: Void = aggregator.run()
/// for await snapshot in aggregator.snapshots() {
///   print(snapshot.members.map(\.value.id))
/// }
/// ```
///
/// A registry that fails doesn't disturb the others: what it last told stays for as long as its settings
/// say, and it is run again after pauses that grow. ``run()`` goes on until the task is cancelled or its
/// `ServiceGroup` shuts down; it then lets registries withdraw what they published, and ends in bounded
/// time even where a registry's code doesn't.
public final class Aggregator: Service {
  struct State {
    var supervisors: [String: Supervisor] = [:]
    /// Those that ``run()`` hasn't taken on yet.
    var unstarted: [Supervisor] = []
    var definitions: [RegistryDefinition] = []
    var generation: UInt64 = 0
    var localNode: LocalNodeProvider?
    var hasRun = false
    var isStopping = false
  }

  let store: ClusterStore
  let options: AggregatorOptions
  let logger: Logger
  /// What a program gave itself; a reload leaves it alone.
  let ownRegistries: [RegistryDefinition]
  let plugins: any PluginSource
  /// This node before a configuration's settings are applied to it.
  private let givenNode: LocalNodeProvider?
  let state: Mutex<State>
  /// Raised when there are supervisors to take on, another local node, or an end.
  let work = Signal()
  /// One reload at a time.
  let reloading = Turns()

  /// An aggregator of registries that are Swift values.
  ///
  /// - Parameters:
  ///   - precedence: names of registries from the strongest to the weakest; empty: the rule of existing
  ///     nodes, see `MergePolicy`.
  ///   - localNode: what this node tells of itself; nil for a mere observer.
  /// - Throws: where names or raw prefixes clash.
  public init(
    registries: [RegistryDefinition], precedence: [String] = [], localNode: LocalNodeProvider? = nil,
    options: AggregatorOptions = AggregatorOptions(), logger: Logger = Logger(label: "rollcall")
  ) throws(AggregatorError) {
    ownRegistries = registries
    plugins = NoPlugins()
    self.options = options
    self.logger = logger
    givenNode = localNode
    let plan = try RegistryPlan(registries, policy: MergePolicy(precedence: precedence))
    store = ClusterStore(policy: plan.policy, time: TimeSource(options.clock), now: options.now)
    state = Mutex(State())
    _ = adopt(plan, localNode: localNode)
  }

  /// An aggregator of what `configuration` declares, and of `registries` beside it.
  ///
  /// - Parameters:
  ///   - plugins: where the plugins that the configuration names come from; nil: ``InstalledPlugins``.
  ///   - localNode: what this node tells of itself, on which the configuration's `node:` section is
  ///     applied; nil for a mere observer.
  /// - Throws: where names or raw prefixes clash. A plugin that isn't found is no error: its registry has
  ///   failed, and is tried again.
  public init(
    configuration: Configuration, registries: [RegistryDefinition] = [],
    plugins: (any PluginSource)? = nil, localNode: LocalNodeProvider? = nil,
    options: AggregatorOptions = AggregatorOptions(),
    logger: Logger = Logger(label: "rollcall")
  ) async throws(AggregatorError) {
    ownRegistries = registries
    let plugins = plugins ?? InstalledPlugins(logger: logger)
    self.plugins = plugins
    self.options = options
    self.logger = logger
    givenNode = localNode
    let plan = try await Self.plan(configuration, registries: registries, plugins: plugins)
    store = ClusterStore(policy: plan.policy, time: TimeSource(options.clock), now: options.now)
    state = Mutex(State())
    _ = adopt(plan, localNode: Self.localNode(givenNode, configuration))
  }

  /// Whether there is no registry to run: discovery is off.
  public var isDiscoveryOff: Bool {
    state.withLock { state in state.definitions.allSatisfy { $0.disabled != nil } }
  }

  // MARK: Watching

  /// The cluster as it is now. Costs the same however large the cluster is.
  public func snapshot() -> ClusterSnapshot { store.snapshot() }

  /// The cluster as it is, and again each time that it changed; a slow reader skips.
  public func snapshots() -> ClusterSnapshots { ClusterSnapshots(store: store) }

  /// What changes in the cluster, starting from a snapshot; a reader that falls far behind is told a
  /// snapshot again.
  public func changes() -> ClusterChanges { ClusterChanges(store: store, limit: options.changeLimit) }

  // MARK: This node

  /// Tells registries that publish where this node has seen the WireGuard of others.
  public func publish(seenEndpoints: [NodeIdentity: [IPEndpoint]]) {
    store.change { $0.setSeenEndpoints(seenEndpoints) }
  }

  static func localNode(_ given: LocalNodeProvider?, _ configuration: Configuration) -> LocalNodeProvider? {
    configuration.node.publish ? given?.applying(configuration.node) : nil
  }

  func localNode(for configuration: Configuration) -> LocalNodeProvider? {
    Self.localNode(givenNode, configuration)
  }

  // MARK: Running

  /// Runs the registries until the task is cancelled or the `ServiceGroup` that runs this shuts down.
  ///
  /// - Throws: ``AggregatorError`` when run a second time.
  public func run() async throws {
    let isFirst = state.withLock { state in
      defer { state.hasRun = true }
      return !state.hasRun
    }
    guard isFirst else { throw AggregatorError(.alreadyRun, "an aggregator is run only once") }
    // A task of its own, waited for: cancelling it would end the registries before they could withdraw
    // what they published, so cancellation is handed on as a request to stop.
    let supervision = Task { await self.supervise() }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await supervision.value
      } onGracefulShutdown: {
        self.stop()
      }
    } onCancel: {
      self.stop()
    }
  }

  private func stop() {
    state.withLock { $0.isStopping = true }
    work.raise()
  }

  private func supervise() async {
    // At once, so that who waits for the registries sees this node too.
    if let provider = state.withLock({ $0.localNode }) { tellLocal(provider.current()) }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.expireData() }
      group.addTask { await self.followLocalNode() }
      while true {
        let seen = work.value
        let (supervisors, isStopping) = state.withLock { state in
          // What isn't taken on stays noted as such: nobody may wait for its end.
          if state.isStopping { return ([Supervisor](), true) }
          defer { state.unstarted = [] }
          return (state.unstarted, false)
        }
        guard !isStopping else { break }
        for supervisor in supervisors { group.addTask { await supervisor.run() } }
        await work.wait(after: seen)
      }
      await withdraw(store.read { Set($0.entries.map(\.key)) })
      group.cancelAll()
    }
    store.finish()
  }

  /// Lets registries withdraw what they published, for as long as they may take.
  func withdraw(_ keys: Set<RegistryKey>) async {
    store.change { $0.leave(keys) }
    let deadline = store.time.elapsed() + options.withdrawTimeout
    while true {
      let seen = store.revisions.value
      let waitedFor = store.read { $0.withdrawing(keys) }
      guard !waitedFor.isEmpty else { return }
      let rest = deadline - store.time.elapsed()
      guard rest > .zero else {
        logger.warning(
          "what this node published wasn't withdrawn in time",
          metadata: ["registries": "\(waitedFor.map(\.name))"])
        return
      }
      await store.time.wait(for: rest, or: store.revisions, after: seen)
    }
  }

  /// Makes data stale, or drops them, when it is time to.
  private func expireData() async {
    while !Task.isCancelled {
      let seen = store.deadlines.value
      if let deadline = store.read({ $0.nextDeadline }) {
        await store.time.wait(for: deadline - store.time.elapsed(), or: store.deadlines, after: seen)
        guard !Task.isCancelled else { return }
        store.change { $0.expire() }
      } else {
        await store.deadlines.wait(after: seen)
      }
    }
  }

  /// Takes what this node tells of itself into the view and to the registries, again at each change.
  private func followLocalNode() async {
    while !Task.isCancelled {
      let seen = work.value
      let provider = state.withLock { $0.localNode }
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          guard let provider else {
            self.tellLocal(nil)
            return false
          }
          for await affiliate in provider.affiliates() { self.tellLocal(affiliate) }
          return false
        }
        group.addTask {
          var seen = seen
          while !Task.isCancelled, self.state.withLock({ $0.localNode === provider }) {
            seen = await self.work.wait(after: seen)
          }
          return true
        }
        for await hasMovedOn in group where hasMovedOn { group.cancelAll() }
      }
    }
  }

  private func tellLocal(_ affiliate: Affiliate?) {
    store.change { $0.setLocal(affiliate, publishes: options.publishes) }
  }
}

/// Where plugins come from when there are none.
struct NoPlugins: PluginSource {
  func plugin(named name: String, settings: PluginSettings) throws -> AvailablePlugin {
    throw AggregatorError(.invalidRegistries, "there is no plugin '\(name)': this program loads none")
  }
}
