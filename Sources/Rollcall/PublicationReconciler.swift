import ClusterModel
import Platform
import RegistryKit
import Synchronization

/// Brings what this node is to have published to every registry that publishes: the one place for newest wins, retry,
/// backoff, and a withdrawal that is waited for by its revision.
///
/// A registry is handed the newest publication; one that fails is handed again after pauses that grow, with the same
/// revision. One that says that it doesn't publish is believed, and handed only what is new. What others may know of this node through a registry is remembered over its runs, so that it can be
/// withdrawn there.
final class PublicationReconciler: Sendable {
  /// One registry, by its name: over its runs, and over reloads.
  private struct Registry {
    /// Where its run takes publications; nil while none does.
    var sink: AsyncStream<DesiredPublication>.Continuation?
    /// Which run ``sink`` is of.
    var run: UInt64 = 0
    /// What it was handed last.
    var handed: DesiredPublication?
    /// Whether others may know of this node through it.
    var hasPublished = false
    /// Whether it is to withdraw what it published, as it will be stopped.
    var isLeaving = false
    var backoff: Backoff
    /// When it is handed the same again.
    var retryAt: Duration?
  }

  private struct State {
    /// What this node says of itself; nil for a mere observer.
    var local: Affiliate?
    var labels = NodeLabels()
    var machineID = ""
    /// Where this node has seen the WireGuard of others.
    var seenEndpoints: [NodeIdentity: [IPEndpoint]] = [:]
    /// The revision of what is to be published.
    var revision: UInt64 = 0
    var registries: [String: Registry] = [:]
    var nextRun: UInt64 = 0

    /// What is to be published; nil for a mere observer.
    var publication: Publication? {
      local.map {
        Publication(local: $0, seenEndpoints: seenEndpoints, labels: labels, machineID: machineID)
      }
    }
  }

  /// Is given each outcome: nil, or why this node can't be published through the registry, or withdrawn.
  typealias Report =
    @Sendable (
      _ registry: RegistryKey, _ revision: UInt64, _ isWithdrawal: Bool, _ error: RegistryError?
    ) -> Void

  private let state = Mutex(State())
  private let restart: RestartPolicy
  private let random: @Sendable () -> Double
  private let time: TimeSource
  private let report: Report
  /// Notified when a retry may be due at another time.
  private let retries = ChangeSignal()
  /// Notified when a withdrawal may be done.
  private let withdrawals = ChangeSignal()

  init(
    restart: RestartPolicy, random: @escaping @Sendable () -> Double, time: TimeSource,
    report: @escaping Report
  ) {
    self.restart = restart
    self.random = random
    self.time = time
    self.report = report
  }

  // MARK: What is to be published

  /// Sets what this node says of itself, its labels and machine id among it; nil withdraws it everywhere.
  func setLocal(_ local: Affiliate?, labels: NodeLabels = NodeLabels(), machineID: String = "") {
    change { ($0.local, $0.labels, $0.machineID) = (local, labels, machineID) }
  }

  /// Sets where this node has seen the WireGuard of others, for as long as this node is published.
  func setSeenEndpoints(_ endpoints: [NodeIdentity: [IPEndpoint]]) { change { $0.seenEndpoints = endpoints } }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      let before = state.publication
      body(&state)
      guard state.publication != before else { return }
      state.revision += 1
      for name in state.registries.keys { hand(to: name, in: &state) }
    }
  }

  // MARK: Runs

  /// A run of a registry: where it takes what is to be published, and where its outcomes go.
  struct Run: Sendable {
    let desired: DesiredPublications
    let published: @Sendable (_ revision: UInt64, _ error: RegistryError?) -> Void
    /// The run is over.
    let end: @Sendable () -> Void
  }

  /// Begins a run of the registry of `key`.
  ///
  /// - Parameter onRead: called when the run begins to read what is to be published.
  func begin(_ key: RegistryKey, onRead: @escaping @Sendable () -> Void) -> Run {
    let (stream, sink) = AsyncStream.makeStream(
      of: DesiredPublication.self, bufferingPolicy: .bufferingNewest(1))
    let run = state.withLock { state in
      state.nextRun += 1
      return state.nextRun
    }
    return Run(
      desired: DesiredPublications(stream) {
        onRead()
        self.attach(key.name, sink, run)
      },
      published: { self.published(key, run, $0, $1) },
      end: {
        sink.finish()
        self.detach(key.name, run)
      })
  }

  /// A registry that nothing is known of.
  private var unknown: Registry { Registry(backoff: restart.backoff) }

  private func attach(_ name: String, _ sink: AsyncStream<DesiredPublication>.Continuation, _ run: UInt64) {
    state.withLock { state in
      var registry = state.registries[name] ?? unknown
      registry.sink = sink
      registry.run = run
      registry.handed = nil
      registry.retryAt = nil
      registry.backoff.reset()
      state.registries[name] = registry
      hand(to: name, in: &state)
    }
  }

  /// The registry called `name` is to be run, whatever it was to do before.
  func include(_ name: String) { state.withLock { $0.registries[name]?.isLeaving = false } }

  private func detach(_ name: String, _ run: UInt64) {
    state.withLock { state in
      guard state.registries[name]?.run == run else { return }
      state.registries[name]?.sink = nil
      state.registries[name]?.retryAt = nil
    }
    withdrawals.notify()
  }

  /// The registry called `name` is no longer configured. Should a run of it begin to read all the same, it is handed
  /// nothing.
  func remove(_ name: String) {
    state.withLock { state in
      state.registries[name] = unknown
      state.registries[name]?.isLeaving = true
    }
  }

  /// Hands the registry what it is to have published now, where that isn't what it was handed last.
  private func hand(to name: String, in state: inout State) {
    guard let registry = state.registries[name], let sink = registry.sink else { return }
    let publication = registry.isLeaving ? nil : state.publication
    // To withdraw something is asked only of whom something was handed to.
    guard publication != nil || registry.hasPublished else { return }
    if let handed = registry.handed, handed.publication == publication { return }
    let desired = DesiredPublication(revision: state.revision, publication: publication)
    state.registries[name]?.handed = desired
    state.registries[name]?.hasPublished = true
    state.registries[name]?.retryAt = nil
    state.registries[name]?.backoff.reset()
    sink.yield(desired)
  }

  // MARK: Outcomes

  private func published(_ key: RegistryKey, _ run: UInt64, _ revision: UInt64, _ error: RegistryError?) {
    let outcome = state.withLock { state -> DesiredPublication? in
      guard var registry = state.registries[key.name], registry.run == run, registry.sink != nil,
        let handed = registry.handed, handed.revision == revision
      else { return nil }
      if error == nil || error?.code == .unsupported {
        registry.retryAt = nil
        registry.backoff.reset()
        registry.hasPublished = error == nil && handed.publication != nil
      } else {
        registry.retryAt = time.elapsed + registry.backoff.next(random: random())
      }
      state.registries[key.name] = registry
      return handed
    }
    guard let outcome else { return }
    report(key, outcome.revision, outcome.publication == nil, error)
    retries.notify()
    withdrawals.notify()
  }

  /// Hands again what failed, when it is time to, until the task is cancelled.
  func retryFailures() async {
    while !Task.isCancelled {
      let seen = retries.value
      let now = time.elapsed
      let next = state.withLock { state in
        for (name, registry) in state.registries {
          guard let retryAt = registry.retryAt, retryAt <= now, let handed = registry.handed else { continue }
          state.registries[name]?.retryAt = nil
          registry.sink?.yield(handed)
        }
        return state.registries.values.compactMap(\.retryAt).min()
      }
      if let next {
        await time.wait(until: next, or: retries, after: seen)
      } else {
        await retries.wait(after: seen)
      }
    }
  }

  // MARK: Leaving

  /// Lets the registries of `names` withdraw what they published, and waits until they have, for `timeout` at most.
  ///
  /// - Returns: those that run and haven't.
  func withdraw(_ names: Set<String>, timeout: Duration) async -> [String] {
    state.withLock { state in
      state.revision += 1
      for name in names {
        // Also one that doesn't read yet, lest it be handed something while the others withdraw.
        state.registries[name, default: unknown].isLeaving = true
        hand(to: name, in: &state)
      }
    }
    let deadline = time.elapsed + timeout
    while true {
      let seen = withdrawals.value
      let late = state.withLock { state in
        names.filter { state.registries[$0].map { $0.hasPublished && $0.sink != nil } ?? false }.sorted()
      }
      let rest = deadline - time.elapsed
      if late.isEmpty || rest <= .zero { return late }
      await time.wait(for: rest, or: withdrawals, after: seen)
    }
  }
}
