public import ClusterModel
import Exposition
import Lifecycle
public import Rollcall
import Synchronization

/// What the daemon counts of itself. Rooms record what they do; any thread may.
///
/// What a snapshot of the cluster has isn't counted here but read of it when a page is made, see ``page(_:at:accept:)``.
public final class DaemonMetrics: Sendable {
  /// What became of a rendering of an output.
  public enum OutputResult: String, Hashable, Sendable, CaseIterable {
    /// The file is another one now.
    case written
    /// The file had that content.
    case unchanged
    /// The file must not be written now.
    case held
    /// The file couldn't be written.
    case failed
  }

  /// Why an output isn't written.
  public enum HoldReason: String, Hashable, Sendable, CaseIterable {
    /// Not every registry was heard.
    case unsynced
    /// Too much would go at once.
    case shrink
    /// Nobody would be left.
    case empty
  }

  /// How a command or a hook ended.
  public enum CommandResult: String, Hashable, Sendable, CaseIterable {
    case ok, failed, timeout
    /// What a hook failed to take for ten minutes was left out.
    case skipped
  }

  struct Output {
    var results: [OutputResult: Int] = [:]
    var hold: HoldReason?
    var currentAt: Timestamp?
  }

  struct Reload {
    var isSuccessful = true
    var successAt: Timestamp?
  }

  struct Cache {
    var currentAt: Timestamp?
    var writeErrors = 0
    var isDamaged = false
  }

  let outputs = Mutex<[String: Output]>([:])
  let reload = Mutex(Reload())
  let cache = Mutex(Cache())
  /// Of commands: name, result.
  let commandRuns = LabelledCounter()
  let commandDurations = LabelledHistogram(bounds: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300])
  /// Listener, of open watches.
  let watchers = LabelledCounter(limit: 16)
  let resyncs = LabelledCounter(limit: 16)
  /// Handler, code, listener.
  let requests = LabelledCounter()
  let requestDurations = LabelledHistogram(bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5])
  let pollDurations = LabelledHistogram(bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60])
  let mergeDelays = LabelledHistogram(bounds: [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1])
  /// Registry, result.
  let publications = LabelledCounter()
  /// Registry.
  let droppedLines = LabelledCounter()
  /// Registry, aspect, code.
  let registryErrors = LabelledCounter()
  /// State, reason.
  let transitions = LabelledCounter(limit: 200)
  /// How registries were, for what changes of them count.
  private let registries = Mutex<[String: RegistryStatus]>([:])
  /// What takes a walk over all nodes, of one revision.
  let tally = Mutex<ClusterTally?>(nil)

  /// Nothing yet.
  public init() {
    for reason in ["expired", "restarted", "ahead", "slow"] { resyncs.add([reason], 0) }
  }

  // MARK: Outputs

  /// There is an output called `name`: its series are there from the start.
  public func addOutput(_ name: String) { outputs.withLock { $0[name, default: Output()].hold = nil } }

  /// The output is no longer configured.
  public func removeOutput(_ name: String) { outputs.withLock { $0[name] = nil } }

  /// An output was rendered.
  ///
  /// - Parameter time: when; from then on the file is current where that is what came of it.
  public func rendered(output: String, _ result: OutputResult, at time: Timestamp) {
    outputs.withLock { outputs in
      outputs[output, default: Output()].results[result, default: 0] += 1
      if result == .written || result == .unchanged { outputs[output]?.currentAt = time }
    }
  }

  /// Whether an output is held, and why; nil: it isn't.
  public func held(output: String, _ reason: HoldReason?) {
    outputs.withLock { $0[output, default: Output()].hold = reason }
  }

  /// A command of an output, or a hook, has ended.
  ///
  /// - Parameter duration: how long it took; nil where it didn't run.
  public func ended(command: String, _ result: CommandResult, took duration: Duration?) {
    commandRuns.add([command, result.rawValue])
    if let duration { commandDurations.observe([command], duration) }
  }

  // MARK: The API

  /// A request was answered.
  ///
  /// - Parameters:
  ///   - handler: the path's pattern, `/v1/members/{id}`: never what a client wrote.
  ///   - duration: how long it took; nil for a stream.
  public func answered(handler: String, code: Int, listener: String, took duration: Duration?) {
    requests.add([handler, "\(code)", listener])
    if let duration { requestDurations.observe([handler], duration) }
  }

  /// A watch was opened on a listener: `unix`, `tcp`.
  public func opened(watchOn listener: String) { watchers.add([listener]) }

  /// A watch has ended.
  public func closed(watchOn listener: String) { watchers.add([listener], -1) }

  /// A watch got everything anew: `expired`, `restarted`, `ahead`, `slow`.
  public func resynced(_ reason: String) { resyncs.add([reason]) }

  // MARK: The state file and the configuration

  /// The state file was written, or found current.
  public func cached(at time: Timestamp) { cache.withLock { $0.currentAt = time } }

  /// The state file couldn't be written.
  public func cacheFailed() { cache.withLock { $0.writeErrors += 1 } }

  /// How the state file is, for whom what keeps it counts itself: when it was last current, nil for never, how many
  /// writes failed, and whether nothing could be made of it at the start.
  public func cached(at time: Timestamp?, writeErrors: Int, isDamaged: Bool = false) {
    cache.withLock { cache in
      cache.currentAt = time
      cache.writeErrors = writeErrors
      cache.isDamaged = isDamaged
    }
  }

  /// The configuration was taken over, at the start or by a reload, or a reload changed nothing as it has an error.
  public func reloaded(successfully isSuccessful: Bool, at time: Timestamp) {
    reload.withLock { reload in
      reload.isSuccessful = isSuccessful
      if isSuccessful { reload.successAt = time }
    }
  }

  // MARK: Registries

  /// A registry's poll or list took that long.
  public func polled(registry: String, took duration: Duration) {
    pollDurations.observe([registry], duration)
  }

  /// What a registry said was in the merged view after that long.
  public func merged(registry: String, after delay: Duration) { mergeDelays.observe([registry], delay) }

  /// Lines about a registry were left out of the log.
  public func droppedLogLines(of registry: String, _ count: Int) { droppedLines.add([registry], count) }

  // MARK: The cluster

  /// Counts what happened: to be given each of an aggregator's changes, in order.
  public func observe(_ event: ClusterEvent) {
    switch event {
    case .snapshot(let snapshot):
      for status in snapshot.registries { observe(status) }
    case .life(let changes): observe(changes)
    case .registry(let status): observe(status)
    case .registryRemoved(let name): registries.withLock { $0[name] = nil }
    case .changes, .history: break
    }
  }

  private func observe(_ changes: LifecycleChanges) {
    for transition in changes.transitions {
      transitions.add([transition.to.rawValue, transition.reason.text])
    }
    // Who fell behind gets what became of all that it missed, without the steps on the way.
    guard changes.transitions.isEmpty else { return }
    var gone: [NodeIdentity: NodeState] = [:]
    for change in changes.statuses {
      if let new = change.new {
        if new.state != change.old?.state { transitions.add([new.state.rawValue, new.reason.text]) }
      } else {
        gone[change.node] = change.old?.state
      }
    }
    for change in changes.tombstones where !change.hasEnded {
      let tombstone = change.tombstone
      guard let before = gone[tombstone.node], before != tombstone.state else { continue }
      transitions.add([tombstone.state.rawValue, tombstone.reason.text])
    }
  }

  private func observe(_ status: RegistryStatus) {
    let old = registries.withLock { $0.updateValue(status, forKey: status.name) }
    for report in status.problems where old?.problems.contains(report) != true {
      guard let error = report.error else { continue }
      registryErrors.add([status.name, report.aspect.rawValue, "\(error.code)"])
    }
    // A run that ended is no matter of one aspect.
    if status.state == .failed, let failure = status.lastFailure, failure != old?.lastFailure,
      let error = status.error
    {
      registryErrors.add([status.name, "run", "\(error.code)"])
    }
    guard let publication = status.publication, publication != old?.publication else { return }
    switch publication.state {
    case .accepted: publications.add([status.name, "accepted"])
    case .retrying: publications.add([status.name, "failed"])
    case .pending: break
    }
  }
}
