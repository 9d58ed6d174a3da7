package import AffiliateMerge
package import ClusterModel
package import Lifecycle
package import RegistryKit

/// All that an aggregator changes its table by, as values: the same inputs at the same moments make the same table,
/// whoever gives them.
package enum TableInput: Sendable {
  /// Registries came, changed or went, and perhaps whose record counts.
  case adopted(TableAdoption)
  /// What was known before a restart, and which node is this one.
  case restored(SavedState, local: NodeIdentity?)
  /// The process began: what this node is called, empty for a mere observer; when the state before was saved and of how
  /// many nodes, where there was one.
  case started(String, savedAt: Timestamp?, nodeCount: Int)
  /// What this node says of itself; nil for a mere observer.
  case local(AffiliateRecord?)
  /// A run of the registry begins.
  case began(RegistryKey, isRestart: Bool)
  /// The registry has been made: what its raw ids start with, what its plugin is, and whether its records are leases,
  /// where the configuration says so.
  case made(RegistryKey, prefix: String, RegistryDescriptor?, leases: Bool?)
  /// What the registry applied. One that has more than that many nodes then has failed.
  case applied(RegistryKey, RegistryIntake.Batch, nodeLimit: Int)
  /// The run failed.
  case failed(RegistryKey, RegistryError)
  /// The registry was stopped.
  case stopped(RegistryKey)
  /// The registry reads what is to be published.
  case readsPublications(RegistryKey)
  /// What became of the publication of that revision, or of its withdrawal.
  case published(RegistryKey, revision: UInt64, isWithdrawal: Bool, RegistryError?)
  /// The registry doesn't publish, as it is set up.
  case doesNotPublish(RegistryKey)
  /// The tombstones of a nodename or a node end.
  case forgot(String)
  /// Something was due.
  case expired
}

/// What becomes of the registries at the start and at a reload.
package struct TableAdoption: Sendable {
  /// A registry that is new, made anew, or disabled now.
  package struct Placed: Sendable {
    package var key: RegistryKey
    /// What its raw ids start with until it is made.
    package var prefix: String
    /// Why it isn't run; nil where it is.
    package var disabled: String?
    package var retention: RetentionPolicy
    /// Whether one of its name ran before.
    package var hasRun: Bool

    /// A registry to be placed.
    package init(
      key: RegistryKey, prefix: String, disabled: String?, retention: RetentionPolicy, hasRun: Bool
    ) {
      self.key = key
      self.prefix = prefix
      self.disabled = disabled
      self.retention = retention
      self.hasRun = hasRun
    }
  }

  /// Names of those that are no longer configured.
  package var gone: [String] = []
  /// Those that run as before, and what becomes of their records from now on.
  package var kept: [(key: RegistryKey, retention: RetentionPolicy)] = []
  /// The others.
  package var placed: [Placed] = []
  /// Whose record counts, and how records are joined.
  package var policy = MergePolicy()
  /// All names in the order in which registries are shown.
  package var order: [String] = []
  /// How long records of sources that a registry that is made anew has no snapshot of are kept.
  package var settleTime = Duration.zero

  /// Nothing.
  package init() {}
}

/// What a registry has to know of what its input led to.
struct TableOutcome: Sendable {
  /// Why the registry can't be run.
  var clash: RegistryError?
  /// How many records there are of the registry.
  var recordCount = 0
  var forgetError: MemberLifecycle.ForgetError?
}

/// A commit of a table: what it was made by, and what came of it.
package struct TableCommit: Sendable {
  package let input: TableInput
  package let moment: Moment
  /// What readers of changes are given.
  package let events: [ClusterEvent]
  /// How the cluster is now; nil where nothing changed.
  package let snapshot: ClusterSnapshot?
}

extension TableWriter {
  /// Changes the table by `input`.
  mutating func take(_ input: TableInput) -> TableOutcome {
    var outcome = TableOutcome()
    switch input {
    case .adopted(let adoption): adopt(adoption)
    case .restored(let saved, let local): restore(saved, local: local)
    case .started(let name, let savedAt, let nodeCount):
      noteStart(of: name, savedAt: savedAt, nodeCount: nodeCount)
    case .local(let record): setLocal(record)
    case .began(let key, let isRestart):
      _ = update(key) { $0.began(isRestart: isRestart, at: $1.elapsed) }
    case .made(let key, let prefix, let descriptor, let leases):
      outcome.clash = made(key, prefix: prefix, descriptor: descriptor, leases: leases)
    case .applied(let key, let batch, let nodeLimit):
      outcome.recordCount = apply(batch, from: key)
      guard outcome.recordCount > nodeLimit else { break }
      // What is only kept of an earlier run gives way before what this one has is refused.
      _ = update(key) { $0.sweep(in: &$1) }
      outcome.recordCount = recordCount(of: key)
    case .failed(let key, let error): _ = update(key) { $0.failed(error, in: &$1) }
    case .stopped(let key): _ = update(key) { registry, _ in registry.stopped() }
    case .readsPublications(let key): _ = update(key) { registry, _ in registry.readsPublications() }
    case .published(let key, let revision, let isWithdrawal, let error):
      _ = update(key) { registry, transaction in
        registry.readsPublications()
        registry.published(revision, isWithdrawal: isWithdrawal, error, in: transaction)
        let report = error.map { Self.publishingError($0, isWithdrawal: isWithdrawal) }
        registry.report(HealthReport(.publishing, report), in: transaction)
      }
    case .doesNotPublish(let key): _ = update(key) { $0.doesNotPublish(in: $1) }
    case .forgot(let name):
      do throws(MemberLifecycle.ForgetError) {
        try forget(name)
      } catch {
        outcome.forgetError = error
      }
    case .expired: expire()
    }
    return outcome
  }

  private static func publishingError(_ error: RegistryError, isWithdrawal: Bool) -> RegistryError {
    let what = isWithdrawal ? "this node isn't withdrawn" : "this node isn't published"
    return RegistryError(error.code, "\(what): \(error.message)", cause: error.cause)
  }

  private mutating func adopt(_ adoption: TableAdoption) {
    for name in adoption.gone { remove(name) }
    for (key, retention) in adoption.kept {
      _ = update(key) { registry, transaction in registry.adjust(retention, at: transaction.elapsed) }
    }
    for registry in adoption.placed { place(registry, settleTime: adoption.settleTime) }
    setPolicy(adoption.policy)
    order(adoption.order)
  }

  /// Puts a registry that is to be run, or is disabled now, in the place of the one of its name.
  private mutating func place(_ placed: TableAdoption.Placed, settleTime: Duration) {
    let name = placed.key.name
    let before = registry(named: name)
    let isDisabled = placed.disabled != nil
    if isDisabled, placed.hasRun { dropRecords(of: name) }
    let status = RegistryStatus(
      name: name, prefix: before?.status.prefix ?? placed.prefix, state: isDisabled ? .disabled : .starting,
      since: now, disabledReason: placed.disabled)
    place(
      before?.succeeded(
        by: placed.key, status: status, retention: placed.retention, settleTime: settleTime, at: elapsed)
        ?? RegistryState(key: placed.key, status: status, retention: placed.retention))
  }
}
