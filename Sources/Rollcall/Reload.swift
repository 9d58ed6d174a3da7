import AffiliateMerge
import ClusterModel
import LocalNode
import RegistryKit
public import RollcallConfiguration

/// What a reload did, by the registries' names.
public struct ReloadSummary: Hashable, Sendable {
  /// Those that run as before.
  public var kept: [String] = []
  public var added: [String] = []
  /// Those that were made anew; what they last told stays until they tell it again.
  public var changed: [String] = []
  /// Those that were stopped, and what they told dropped; those that are disabled now too.
  public var removed: [String] = []

  public init() {}

  /// Whether all registries run as before.
  public var isUnchanged: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
}

extension Aggregator {
  /// Takes on `configuration` in place of the one before. Registries whose settings are the same keep
  /// running. Returns when those that don't have stopped or been left behind.
  ///
  /// A registry that is removed withdraws what it published; one that is made anew doesn't, as it publishes
  /// the same again.
  ///
  /// - Throws: ``AggregatorError`` where the configuration's registries don't go together; nothing has
  ///   changed then. Of cancellation, where another reload was under way for as long.
  @discardableResult
  public func reload(_ configuration: Configuration) async throws -> ReloadSummary {
    try await reloading.take()
    defer { reloading.giveBack() }
    let plan = try await Self.plan(configuration, registries: ownRegistries, plugins: plugins)
    // What is removed withdraws what it published while it still runs.
    let staying = Set(plan.definitions.lazy.filter { $0.disabled == nil }.map(\.name))
    let leaving = state.withLock { state in
      state.supervisors.values.filter { !staying.contains($0.key.name) }
    }
    let keys = Set(leaving.map(\.key))
    // A task of its own, waited for, which takes bounded time: who gives up on a reload still wants this.
    await Task { await self.withdraw(keys) }.value
    let (summary, stopped) = adopt(plan, localNode: localNode(for: configuration))
    for supervisor in stopped { await supervisor.waitUntilEnded() }
    return summary
  }

  static func plan(
    _ configuration: Configuration, registries: [RegistryDefinition], plugins: any PluginSource
  ) async throws(AggregatorError) -> RegistryPlan {
    let definitions =
      registries
      + configuration.cluster.discovery.registries.map {
        RegistryDefinition($0, in: configuration, from: plugins)
      }
    var descriptors: [String: RegistryDescriptor] = [:]
    for definition in definitions where definition.disabled == nil {
      // A plugin that can't be loaded is the registry's failure, told when it is run.
      descriptors[definition.name] = try? await definition.describe?()
    }
    return try RegistryPlan(
      definitions, policy: MergePolicy(precedence: configuration.merge.precedence), descriptors: descriptors)
  }

  /// Makes `plan` what is run: stops what it no longer has and readies what is new in it for ``run()``.
  /// Readers see all of it at once.
  ///
  /// - Returns: what was done, and the supervisors that were told to stop.
  func adopt(_ plan: RegistryPlan, localNode: LocalNodeProvider?) -> (ReloadSummary, [Supervisor]) {
    let adoption = state.withLock { state in
      state.localNode = localNode
      var adoption = Adoption()
      let old = Dictionary(
        state.definitions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
      let names = Set(plan.definitions.map(\.name))
      for definition in state.definitions where !names.contains(definition.name) {
        adoption.gone.append(definition.name)
        if state.supervisors[definition.name] != nil { adoption.summary.removed.append(definition.name) }
        stop(definition.name, in: &state, &adoption)
      }
      for definition in plan.definitions {
        if let running = state.supervisors[definition.name], definition.disabled == nil,
          keeps(running, for: definition, as: old[definition.name])
        {
          adoption.kept.append((running.key, definition))
          adoption.summary.kept.append(definition.name)
        } else {
          replace(definition, in: &state, &adoption)
        }
      }
      state.definitions = plan.definitions
      return adoption
    }
    store.change { store in
      for name in adoption.gone { store.remove(name) }
      for (key, definition) in adoption.kept { store.adjust(key, to: definition) }
      for (key, definition, hasRun) in adoption.placed {
        store.place(key, definition, replacesRun: hasRun, settleTime: options.settleTime)
      }
      store.setPolicy(plan.policy)
      store.order(plan.definitions.map(\.name))
    }
    state.withLock { $0.unstarted += adoption.started }
    for supervisor in adoption.stopped { supervisor.stop() }
    work.raise()
    return (adoption.summary, adoption.stopped)
  }

  /// What becomes of the registries at a reload.
  private struct Adoption {
    var summary = ReloadSummary()
    var gone: [String] = []
    var kept: [(RegistryKey, RegistryDefinition)] = []
    var placed: [(RegistryKey, RegistryDefinition, hasRun: Bool)] = []
    var started: [Supervisor] = []
    var stopped: [Supervisor] = []
  }

  /// Whether `running` does what `definition` wants. One whose plugin wasn't found is made anew when
  /// plugins are looked for elsewhere.
  private func keeps(
    _ running: Supervisor, for definition: RegistryDefinition, as old: RegistryDefinition?
  ) -> Bool {
    guard var before = old?.origin, let after = definition.origin else { return old != nil }
    if store.read({ $0.entry(running.key)?.status.plugin != nil }) { before.plugins = after.plugins }
    return before == after && old?.prefix == definition.prefix
  }

  /// Takes the registry called `name` out of those that run.
  ///
  /// - Returns: its supervisor, where it had one that was taken on and so has to end.
  @discardableResult
  private func stop(_ name: String, in state: inout State, _ adoption: inout Adoption) -> Supervisor? {
    guard let supervisor = state.supervisors.removeValue(forKey: name) else { return nil }
    if let index = state.unstarted.firstIndex(where: { $0 === supervisor }) {
      state.unstarted.remove(at: index)
      return nil
    }
    adoption.stopped.append(supervisor)
    return supervisor
  }

  private func replace(_ definition: RegistryDefinition, in state: inout State, _ adoption: inout Adoption) {
    let hadSupervisor = state.supervisors[definition.name] != nil
    let predecessor = stop(definition.name, in: &state, &adoption)
    state.generation += 1
    let key = RegistryKey(name: definition.name, generation: state.generation)
    adoption.placed.append((key, definition, hasRun: hadSupervisor))
    guard definition.disabled == nil else {
      if hadSupervisor { adoption.summary.removed.append(definition.name) }
      return
    }
    var logger = logger
    logger[metadataKey: "registry"] = "\(definition.name)"
    let supervisor = Supervisor(
      key: key, definition: definition,
      context: definition.context(localNodeID: state.localNode?.nodeID, logger: logger), store: store,
      options: options, logger: logger, after: predecessor)
    state.supervisors[definition.name] = supervisor
    adoption.started.append(supervisor)
    if hadSupervisor {
      adoption.summary.changed.append(definition.name)
    } else {
      adoption.summary.added.append(definition.name)
    }
  }
}

extension StoreState {
  /// Lets what doesn't need a new run take effect.
  fileprivate mutating func adjust(_ key: RegistryKey, to definition: RegistryDefinition) {
    update(key) { entry in
      entry.onFailure = definition.onFailure
      entry.staleAfter = definition.effectiveStaleAfter
    }
  }

  /// Puts a registry that is to be run, or is disabled now, in the place of the one of its name. What that
  /// one told stays until this one told what it knows, or until it would have gone.
  fileprivate mutating func place(
    _ key: RegistryKey, _ definition: RegistryDefinition, replacesRun: Bool, settleTime: Duration
  ) {
    let before = entry(named: key.name)
    let isDisabled = definition.disabled != nil
    if isDisabled, replacesRun { merge(.registryGone(key.name)) }
    var status = RegistryStatus(
      name: key.name, prefix: before?.status.prefix ?? definition.rawPrefix(nil),
      state: isDisabled ? .disabled : .starting, since: now, disabledReason: definition.disabled)
    status.lastFailure = before?.status.lastFailure
    var entry = RegistryEntry(
      key: key, status: status, onFailure: definition.onFailure, staleAfter: definition.effectiveStaleAfter)
    if !isDisabled, let before {
      entry.status.isStale = before.status.isStale
      entry.sources = before.sources
      entry.staleSources = before.staleSources
      // Should it never tell anything, the old data don't pass for fresh for ever.
      entry.staleAt = before.staleAt
      if entry.staleAt == nil, !entry.status.isStale, !entry.sources.isEmpty {
        entry.staleAt = elapsed + max(entry.staleAfter, settleTime)
      }
      entry.sweepDelay = settleTime
      entry.hasPublished = before.hasPublished
    }
    place(entry)
  }
}
