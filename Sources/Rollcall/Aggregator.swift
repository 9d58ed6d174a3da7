import AffiliateMerge
public import ClusterModel
public import Lifecycle
public import Logging
import Platform
import RegistryKit
public import ServiceLifecycle
import Synchronization

/// Runs registries side by side, merges what they know by node identity, and lets others watch.
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
/// A registry that fails doesn't disturb the others: its records stay for as long as its retention policy says, and
/// it is run again after pauses that grow. ``run()`` goes on until the task is cancelled or its
/// `ServiceGroup` shuts down; it then lets registries withdraw what they published, and ends in bounded
/// time even where a registry's code doesn't.
public final class Aggregator: Service {
  private struct State {
    var localNode: LocalNodeProvider?
    var hasRun = false
    var isReloading = false
    /// Whether what was published stays at the end.
    var keepsOnExit = false
    /// Whether another one takes its place at once: nothing is withdrawn then.
    var isRestarting = false
  }

  /// Everything that is known, for readers.
  public let table: ClusterTable
  private let supervisors: SupervisorSet
  private let publications: PublicationReconciler
  private let options: AggregatorOptions
  private let logger: Logger
  /// What a program gave beside a definition; a reload leaves it alone.
  private let ownRegistries: [RegistryDefinition]
  /// This node before a definition's settings are applied to it.
  private let givenNode: LocalNodeProvider?
  private let state: Mutex<State>
  /// Notified when there is another local node, and when a reload ends.
  private let changed = ChangeSignal()

  /// An aggregator of registries that are Swift values.
  ///
  /// - Parameters:
  ///   - precedence: names of registries from the strongest to the weakest; empty: the rule of existing
  ///     nodes, see `MergePolicy`.
  ///   - localNode: what this node says of itself; nil for a mere observer.
  /// - Throws: where names or raw prefixes clash.
  public convenience init(
    registries: [RegistryDefinition], precedence: [String] = [], localNode: LocalNodeProvider? = nil,
    options: AggregatorOptions = AggregatorOptions(), logger: Logger = Logger(label: "rollcall")
  ) throws(AggregatorError) {
    let plan = try RegistryPlan(registries, precedence: precedence)
    self.init(
      plan, ownRegistries: registries, givenNode: localNode, localNode: localNode, options: options,
      logger: logger)
  }

  /// An aggregator of what `definition` has, and of `registries` beside it.
  ///
  /// - Parameters:
  ///   - registries: what a ``reload(_:)`` leaves alone.
  ///   - localNode: what this node says of itself, on which the definition's settings are applied; nil for a mere
  ///     observer.
  /// - Throws: where names or raw prefixes clash. A plugin that isn't found is no error: its registry has
  ///   failed, and is tried again.
  public convenience init(
    _ definition: AggregatorDefinition, registries: [RegistryDefinition] = [],
    localNode: LocalNodeProvider? = nil, options: AggregatorOptions = AggregatorOptions(),
    logger: Logger = Logger(label: "rollcall")
  ) async throws(AggregatorError) {
    let plan = try await RegistryPlan.making(
      registries + definition.registries, precedence: definition.precedence,
      ignoredAddresses: definition.ignoredAddresses)
    self.init(
      plan, ownRegistries: registries, givenNode: localNode,
      localNode: Self.localNode(localNode, definition.node), options: options, logger: logger)
    state.withLock { $0.keepsOnExit = definition.node.keepOnExit }
  }

  private init(
    _ plan: RegistryPlan, ownRegistries: [RegistryDefinition], givenNode: LocalNodeProvider?,
    localNode: LocalNodeProvider?, options: AggregatorOptions, logger: Logger
  ) {
    self.ownRegistries = ownRegistries
    self.givenNode = givenNode
    self.options = options
    self.logger = logger
    let table = ClusterTable(
      policy: plan.policy, journalLimit: options.changeLimit, retention: options.history,
      time: TimeSource(options.clock),
      now: options.now, observe: options.observeCommit)
    self.table = table
    // A plugin may give an outcome as often as it likes.
    let failures = LogBudgets()
    publications = PublicationReconciler(
      restart: options.restart, random: options.random, time: table.time
    ) { [logger] key, revision, isWithdrawal, error in
      if let error, error.code == .unsupported {
        logger.info(
          "this registry doesn't publish", metadata: ["registry": "\(key.name)", "why": "\(error)"])
        table.take(.doesNotPublish(key))
        return
      }
      if let error {
        let (isAllowed, leftOut) = failures.take(key.name, at: table.time.elapsed)
        if isAllowed {
          var metadata: Logger.Metadata = ["registry": "\(key.name)", "error": "\(error)"]
          if leftOut > 0 { metadata["left_out"] = "\(leftOut)" }
          logger.warning("publishing failed", metadata: metadata)
        }
      } else if isWithdrawal {
        logger.info("this node is withdrawn", metadata: ["registry": "\(key.name)"])
      }
      table.take(.published(key, revision: revision, isWithdrawal: isWithdrawal, error))
    }
    supervisors = SupervisorSet(
      table: table, publications: publications, options: options, logger: logger)
    state = Mutex(State(localNode: localNode))
    _ = supervisors.adopt(plan, localNodeID: localNode?.nodeID)
    if let restored = options.restored { table.restore(restored, local: localNode?.nodeID) }
  }

  /// Lets what others know of this node stay when the aggregator ends, whatever its definition says: it is to be
  /// started anew at once, as for an upgrade.
  public func keepPublishedAtEnd() { state.withLock { $0.isRestarting = true } }

  /// What is to survive a restart, as of now: for ``AggregatorOptions/restored`` of the next one.
  public func savedState() -> SavedState { table.captureState().state }

  /// The same, to be written piece by piece.
  public func captureState() -> StateCapture { table.captureState() }

  /// Whether there is no registry to run: discovery is off.
  public var isDiscoveryOff: Bool { supervisors.isIdle }

  // MARK: Watching

  /// The cluster as it is now. Costs the same however large the cluster is.
  public func snapshot() -> ClusterSnapshot { table.snapshot() }

  /// The cluster as it is, and again each time that it changed; a slow reader skips.
  public func snapshots() -> ClusterSnapshots { ClusterSnapshots(table: table) }

  /// What changes in the cluster: a snapshot first, then changes. A reader that falls far behind gets in one what
  /// became of all that it missed.
  public func changes() -> ClusterEvents { ClusterEvents(table: table) }

  /// What happened lately to members, registries and conflicts.
  public var history: ClusterHistory { table.history }

  /// The moment that it is now, on the clocks that snapshots' moments are of: what ages are shown for.
  public func now() -> Moment { Moment(elapsed: table.time.elapsed, wall: options.now()) }

  /// Ends the tombstones of a nodename, or of the node whose identity that is: for one that is gone for good.
  ///
  /// - Throws: ``MemberLifecycle/ForgetError`` where there is none, or where a registry still lists the node.
  public func forget(_ name: String) throws(MemberLifecycle.ForgetError) {
    if let error = table.take(.forgot(name)).forgetError { throw error }
  }

  // MARK: This node

  /// Gives registries that publish where this node has seen the WireGuard of others.
  public func publish(seenEndpoints: [NodeIdentity: [IPEndpoint]]) {
    publications.setSeenEndpoints(seenEndpoints)
  }

  private static func localNode(
    _ given: LocalNodeProvider?, _ settings: NodeSettings
  ) -> LocalNodeProvider? {
    settings.publish ? given?.applying(settings) : nil
  }

  private func setLocal(_ record: AffiliateRecord?) {
    table.take(.local(record))
    if options.publishes {
      publications.setLocal(
        record?.affiliate, labels: record?.labels ?? NodeLabels(), machineID: record?.machineID ?? "")
    }
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
        self.supervisors.stop()
      }
    } onCancel: {
      self.supervisors.stop()
    }
  }

  private func supervise() async {
    let (local, saved) = (state.withLock { $0.localNode }?.current(), options.restored)
    table.take(
      .started(
        local?.affiliate.nodename ?? "", savedAt: saved?.savedAt, nodeCount: saved?.lives.nodes.count ?? 0))
    // At once, so that who waits for the registries sees this node too.
    if let local { setLocal(local) }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.expireRecords() }
      group.addTask { await self.followLocalNode() }
      group.addTask { await self.publications.retryFailures() }
      while true {
        let seen = supervisors.signal.value
        guard let unstarted = supervisors.takeUnstarted() else { break }
        for supervisor in unstarted { group.addTask { await supervisor.run() } }
        await supervisors.signal.wait(after: seen)
      }
      if !state.withLock({ $0.keepsOnExit || $0.isRestarting }) {
        await withdraw(from: supervisors.names(without: []))
      }
      group.cancelAll()
    }
    table.finish()
  }

  /// Lets registries withdraw what they published, for as long as they may take.
  private func withdraw(from names: Set<String>) async {
    let late = await publications.withdraw(names, timeout: options.withdrawTimeout)
    if !late.isEmpty {
      logger.warning(
        "what this node published wasn't withdrawn in time", metadata: ["registries": "\(late)"])
    }
  }

  /// Makes records stale, or drops them, when it is time to.
  private func expireRecords() async {
    while !Task.isCancelled {
      let seen = table.deadlines.value
      if let deadline = table.read({ $0.nextDeadline }) {
        await table.time.wait(until: deadline, or: table.deadlines, after: seen)
        guard !Task.isCancelled else { return }
        table.take(.expired)
      } else {
        await table.deadlines.wait(after: seen)
      }
    }
  }

  /// Takes what this node says of itself into the table and to the registries, again at each change.
  private func followLocalNode() async {
    while !Task.isCancelled {
      let seen = changed.value
      let provider = state.withLock { $0.localNode }
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          guard let provider else {
            self.setLocal(nil)
            return false
          }
          for await record in provider.records() { self.setLocal(record) }
          return false
        }
        group.addTask {
          var seen = seen
          while !Task.isCancelled, self.state.withLock({ $0.localNode === provider }) {
            seen = await self.changed.wait(after: seen)
          }
          return true
        }
        for await hasMovedOn in group where hasMovedOn { group.cancelAll() }
      }
    }
  }

  // MARK: Reloading

  /// Takes on `definition` in place of the one before. Registries that are the same keep running. Returns when those
  /// that aren't have stopped or been left behind.
  ///
  /// A registry that is removed withdraws what it published; one that is made anew doesn't, as it publishes
  /// the same again.
  ///
  /// - Throws: ``AggregatorError`` where the registries don't go together; nothing has changed then. Of
  ///   cancellation, where another reload was under way for as long.
  @discardableResult
  public func reload(_ definition: AggregatorDefinition) async throws -> ReloadSummary {
    try await beginReload()
    defer {
      state.withLock { $0.isReloading = false }
      changed.notify()
    }
    let plan = try await RegistryPlan.making(
      ownRegistries + definition.registries, precedence: definition.precedence,
      ignoredAddresses: definition.ignoredAddresses)
    // What is removed withdraws what it published while it still runs.
    let staying = Set(plan.definitions.lazy.filter { $0.disabled == nil }.map(\.name))
    let leaving = supervisors.names(without: staying)
    // A task of its own, waited for, which takes bounded time: who gives up on a reload still wants this.
    await Task { await self.withdraw(from: leaving) }.value
    let localNode = Self.localNode(givenNode, definition.node)
    state.withLock { state in
      state.localNode = localNode
      state.keepsOnExit = definition.node.keepOnExit
    }
    let (summary, stopped) = supervisors.adopt(plan, localNodeID: localNode?.nodeID)
    changed.notify()
    for supervisor in stopped { await supervisor.waitUntilEnded() }
    return summary
  }

  /// Waits until no other reload is under way.
  private func beginReload() async throws {
    while true {
      let seen = changed.value
      let isMine = state.withLock { state in
        defer { state.isReloading = true }
        return !state.isReloading
      }
      if isMine { return }
      try Task.checkCancellation()
      await changed.wait(after: seen)
    }
  }

  // MARK: Waiting

  /// Waits until every enabled registry has been in sync at least once: at once where none is enabled.
  ///
  /// - Parameter timeout: how long to wait; nil: for as long as it takes.
  /// - Throws: ``SyncError``, which names those that haven't and what is wrong with them, when the time is
  ///   up or the aggregator stops; `CancellationError` when the task is cancelled.
  public func waitUntilSynced(timeout: Duration? = nil) async throws {
    try await wait(timeout: timeout) { $0.state == .disabled || $0.hasSynced }
  }

  /// Waits until every enabled registry has been in sync or is known to have trouble: for who wants
  /// the best answer that there is now.
  ///
  /// - Parameter timeout: how long to wait; nil: for as long as it takes.
  /// - Throws: as ``waitUntilSynced(timeout:)``, but only for registries that neither were in sync nor
  ///   have trouble.
  public func waitUntilSettled(timeout: Duration? = nil) async throws {
    try await wait(timeout: timeout) { $0.isSettled }
  }

  private func wait(timeout: Duration?, until isDone: (RegistryStatus) -> Bool) async throws {
    let start = table.time.elapsed
    while true {
      let seen = table.revisions.value
      let isFinished = table.isFinished
      let late = table.snapshot().registries.filter { !isDone($0) }
      if late.isEmpty { return }
      try Task.checkCancellation()
      if isFinished { throw SyncError(late: late, timeout: nil) }
      guard let timeout else {
        await table.revisions.wait(after: seen)
        continue
      }
      let rest = timeout - (table.time.elapsed - start)
      guard rest > .zero else { throw SyncError(late: late, timeout: timeout) }
      await table.time.wait(for: rest, or: table.revisions, after: seen)
    }
  }
}

/// How much may be logged of each registry.
private final class LogBudgets: Sendable {
  private let budgets = Mutex<[String: LogBudget]>([:])

  func take(_ registry: String, at now: Duration) -> (isAllowed: Bool, leftOut: Int) {
    budgets.withLock { $0[registry, default: LogBudget(burst: 20, perSecond: 0.2)].take(at: now) }
  }
}
