import ClusterModel
import Logging
import Platform
import RegistryKit
import Synchronization

/// The registries that run, and what a plan makes of them.
final class SupervisorSet: Sendable {
  private struct State {
    var supervisors: [String: Supervisor] = [:]
    /// Those that nobody runs yet.
    var unstarted: [Supervisor] = []
    var definitions: [RegistryDefinition] = []
    var generation: UInt64 = 0
    var isStopping = false
  }

  private let state = Mutex(State())
  private let table: ClusterTable
  private let publications: PublicationReconciler
  private let options: AggregatorOptions
  private let logger: Logger
  /// Notified when there are supervisors to run, and at the end.
  let signal = ChangeSignal()

  init(
    table: ClusterTable, publications: PublicationReconciler, options: AggregatorOptions, logger: Logger
  ) {
    self.table = table
    self.publications = publications
    self.options = options
    self.logger = logger
  }

  /// Whether no registry is to be run.
  var isIdle: Bool { state.withLock { $0.definitions.allSatisfy { $0.disabled != nil } } }

  /// Names of registries that run and aren't in `names`.
  func names(without names: Set<String>) -> Set<String> {
    state.withLock { Set($0.supervisors.keys).subtracting(names) }
  }

  /// The supervisors to run; nil at the end. One that isn't handed out stays noted as such: nobody may wait for its
  /// end.
  func takeUnstarted() -> [Supervisor]? {
    state.withLock { state in
      if state.isStopping { return nil }
      defer { state.unstarted = [] }
      return state.unstarted
    }
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    signal.notify()
  }

  /// Makes `plan` what is run: stops what it no longer has and readies what is new in it. Readers see all of it at
  /// once.
  ///
  /// - Parameter localNodeID: this node, for registries that are made anew.
  /// - Returns: what was done, and the supervisors that were told to stop.
  func adopt(_ plan: RegistryPlan, localNodeID: NodeIdentity?) -> (ReloadSummary, [Supervisor]) {
    let adoption = state.withLock { state in
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
          replace(definition, localNodeID: localNodeID, in: &state, &adoption)
        }
      }
      state.definitions = plan.definitions
      return adoption
    }
    commit(adoption, plan)
    for name in adoption.gone { publications.remove(name) }
    for supervisor in adoption.started { publications.include(supervisor.key.name) }
    state.withLock { $0.unstarted += adoption.started }
    for supervisor in adoption.stopped { supervisor.stop() }
    signal.notify()
    return (adoption.summary, adoption.stopped)
  }

  /// What becomes of the registries.
  private struct Adoption {
    var summary = ReloadSummary()
    var gone: [String] = []
    var kept: [(RegistryKey, RegistryDefinition)] = []
    var placed: [(RegistryKey, RegistryDefinition, hasRun: Bool)] = []
    var started: [Supervisor] = []
    var stopped: [Supervisor] = []
  }

  private func commit(_ adoption: Adoption, _ plan: RegistryPlan) {
    var changes = TableAdoption()
    changes.gone = adoption.gone
    changes.kept = adoption.kept.map { ($0, $1.retention) }
    changes.placed = adoption.placed.map { key, definition, hasRun in
      TableAdoption.Placed(
        key: key, prefix: definition.rawPrefix(nil), disabled: definition.disabled,
        retention: definition.retention, hasRun: hasRun)
    }
    changes.policy = plan.policy
    changes.order = plan.definitions.map(\.name)
    changes.settleTime = options.settleTime
    table.take(.adopted(changes))
  }

  /// Whether `running` does what `definition` wants. One whose plugin wasn't found is made anew when
  /// plugins are looked for elsewhere.
  private func keeps(
    _ running: Supervisor, for definition: RegistryDefinition, as old: RegistryDefinition?
  ) -> Bool {
    guard var before = old?.plugin, let after = definition.plugin else { return old != nil }
    if table.read({ $0.registry(running.key)?.status.plugin != nil }) { before.settings = after.settings }
    return before == after && old?.prefix == definition.prefix && old?.leases == definition.leases
  }

  /// Takes the registry called `name` out of those that run.
  ///
  /// - Returns: its supervisor, where it had one that was run and so has to end.
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

  private func replace(
    _ definition: RegistryDefinition, localNodeID: NodeIdentity?, in state: inout State,
    _ adoption: inout Adoption
  ) {
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
      key: key, definition: definition, context: definition.context(localNodeID: localNodeID, logger: logger),
      table: table, publications: publications, options: options, logger: logger, after: predecessor)
    state.supervisors[definition.name] = supervisor
    adoption.started.append(supervisor)
    if hadSupervisor {
      adoption.summary.changed.append(definition.name)
    } else {
      adoption.summary.added.append(definition.name)
    }
  }
}
