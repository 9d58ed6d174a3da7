import AffiliateMerge
import ClusterModel
import RegistryKit
import RollcallConfiguration

/// What the store knows of one registry: its status, and what its data are waiting for.
struct RegistryEntry: Sendable {
  let key: RegistryKey
  var status: RegistryStatus
  var onFailure: RegistrySettings.FailureAction
  var staleAfter: Duration

  /// What the registry says is wrong with it.
  private(set) var trouble: RegistryError?
  /// Why its last publication wasn't accepted.
  private(set) var publishTrouble: RegistryError?

  /// Whether it runs.
  private(set) var isRunning = false
  /// Whether in this run it told what one of its sources knows.
  private var hasSpoken = false
  /// When in this run it first had told what each of its sources knows; nil where it hasn't yet.
  private(set) var syncedAt: Duration?
  /// The sources that there are records of, with the prefix that they are kept under.
  var sources: Set<RegistrySource> = []
  /// Those of them that this run has told of.
  var confirmed: Set<RegistrySource> = []
  /// Those that have waited for this run's word for too long, while it hadn't told of all its sources.
  var staleSources: Set<RegistrySource> = []
  /// How long after its first word this run's unconfirmed sources are kept fresh.
  var sweepDelay: Duration
  /// When its data become stale or are dropped.
  var staleAt: Duration?
  /// When the sources that this run hasn't told of become stale or are dropped.
  var sweepAt: Duration?

  /// Whether it is to withdraw what it published, as it will be stopped.
  var isLeaving = false
  /// Whether others may know of this node through it: something was handed to it, in this run or in one
  /// before, and wasn't withdrawn since.
  var hasPublished = false

  init(
    key: RegistryKey, status: RegistryStatus, onFailure: RegistrySettings.FailureAction,
    staleAfter: Duration
  ) {
    self.key = key
    self.status = status
    self.onFailure = onFailure
    self.staleAfter = staleAfter
    sweepDelay = staleAfter
  }

  mutating func began() {
    isRunning = true
    hasSpoken = false
    syncedAt = nil
    confirmed = []
    sweepAt = nil
    trouble = nil
    publishTrouble = nil
  }

  mutating func ended() {
    isRunning = false
    status.publishes = false
  }

  /// Under whose name the records of `source` are.
  func origin(_ source: RegistrySource) -> RecordOrigin {
    RecordOrigin(registry: key.name, prefix: status.prefix, source: source.name)
  }

  /// Its records are gone.
  mutating func forgetSources() {
    sources = []
    staleSources = []
  }

  /// It told what it knows of one of its sources.
  mutating func spoke(at elapsed: Duration) {
    if !hasSpoken {
      hasSpoken = true
      if !sources.isSubset(of: confirmed) { sweepAt = elapsed + sweepDelay }
    }
    status.isStale = false
    staleAt = nil
  }

  /// It told what it knows of each of its sources.
  mutating func synced(at elapsed: Duration) {
    if syncedAt == nil, !staleSources.isEmpty { sweepAt = elapsed }
    syncedAt = elapsed
    status.hasSynced = true
  }

  mutating func heard(_ health: Batch.Health, at now: Timestamp) {
    switch health {
    case .healthy: trouble = nil
    case .degraded(let error): trouble = error
    }
    if let trouble { noteFailure(trouble, at: now) }
    settle(at: now)
  }

  mutating func publishEnded(_ error: RegistryError?, at now: Timestamp) {
    publishTrouble = error
    if let error { noteFailure(error, at: now) }
    settle(at: now)
  }

  mutating func failed(_ error: RegistryError, at now: Timestamp) {
    noteFailure(error, at: now)
    status.error = error
    enter(.failed, at: now)
  }

  /// Takes on the state that follows from what is known while it runs. A failed registry stays so until its
  /// next run told something.
  mutating func settle(at now: Timestamp) {
    if let error = trouble ?? publishTrouble {
      status.error = error
      enter(.degraded, at: now)
    } else if syncedAt != nil {
      status.error = nil
      enter(.synced, at: now)
    } else if status.state == .degraded {
      status.error = nil
      enter(.starting, at: now)
    }
  }

  private mutating func noteFailure(_ error: RegistryError, at now: Timestamp) {
    if status.error != error || status.lastFailure == nil {
      status.lastFailure = RegistryStatus.Failure(error: error, at: now)
    }
  }

  private mutating func enter(_ state: RegistryStatus.State, at now: Timestamp) {
    guard status.state != state else { return }
    status.state = state
    status.since = now
  }
}
