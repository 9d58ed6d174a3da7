import AffiliateMerge
import ClusterModel
import Lifecycle
import RegistryKit

/// Names one supervised registry: a registry that is made anew by a reload keeps its name, not its generation, so
/// that what the old one still applies isn't taken for the new one's.
package struct RegistryKey: Hashable, Sendable {
  package let name: String
  package let generation: UInt64

  /// The registry called `name`, made for the `generation`th time.
  package init(name: String, generation: UInt64) {
    self.name = name
    self.generation = generation
  }
}

/// What is known of one registry, and what becomes of its records: a pure state machine.
///
/// Its records stay while it is restarted. What a new run doesn't have a snapshot of in time is dropped, or stale
/// where it may only be out of reach. Where its records are leases, those that a peer no longer lists after it was
/// away are held as stale for `missingGrace`: the peer may have come back empty, and the nodes renew their leases one
/// by one.
struct RegistryState: Sendable {
  let key: RegistryKey
  private(set) var status: RegistryStatus
  private var retention: RetentionPolicy

  /// Whether it runs.
  private(set) var isRunning = false
  /// When in this run it first was in sync; nil where it hasn't been yet.
  private(set) var syncedAt: Duration?
  /// Whether it is known whether its records are leases: what only the plugin knows isn't until it is loaded.
  private var isMade = false
  /// Whether in this run one of its sources had a snapshot.
  private var hasSnapshot = false
  /// The sources that this run named and that had no snapshot yet.
  private var awaited: Set<RegistrySource> = []
  /// What doesn't work.
  private var problems: [Place: RegistryError] = [:]

  /// The sources that there are records of, in this run or before.
  private var sources: [RegistrySource: SourceState] = [:]
  /// How long after its first snapshot this run's unconfirmed sources are kept fresh.
  private var sweepDelay: Duration
  /// When its records become stale or are dropped.
  private var staleAt: Duration?
  /// When the sources that this run had no snapshot of become stale or are dropped.
  private var sweepAt: Duration?

  /// What a report is of.
  private struct Place: Hashable, Comparable {
    let aspect: HealthAspect
    let source: RegistrySource

    static func < (left: Place, right: Place) -> Bool {
      left.aspect != right.aspect
        ? left.aspect.rank < right.aspect.rank : left.source < right.source
    }
  }

  /// The most characters of what is wrong in all.
  private static let maximumErrorLength = 1024

  init(key: RegistryKey, status: RegistryStatus, retention: RetentionPolicy) {
    self.key = key
    self.status = status
    self.retention = retention
    self.status.retention = retention
    sweepDelay = retention.staleAfter
  }

  /// The same registry after a reload, under another key: its records stay until its first snapshot, or until they
  /// would have gone.
  ///
  /// - Parameter settleTime: how long records of sources that the new one has no snapshot of are kept.
  func succeeded(
    by key: RegistryKey, status new: RegistryStatus, retention: RetentionPolicy, settleTime: Duration,
    at elapsed: Duration
  ) -> RegistryState {
    var next = RegistryState(key: key, status: new, retention: retention)
    next.status.lastFailure = status.lastFailure
    guard new.state != .disabled else { return next }
    next.status.isStale = status.isStale
    next.status.leases = status.leases
    next.isMade = isMade
    next.status.isRestored = status.isRestored
    next.status.updates = status.updates
    next.status.lastSuccess = status.lastSuccess
    next.status.publication = status.publication
    next.sources = sources.mapValues { $0.unconfirmed(at: elapsed) }
    // Should it never have a snapshot, the old records don't pass for fresh for ever.
    next.staleAt = deadline(under: retention)
    if staleAt == nil, !status.isStale, !sources.isEmpty {
      next.staleAt = elapsed + max(retention.staleAfter, settleTime)
    }
    next.sweepDelay = settleTime
    return next
  }

  /// Lets what doesn't need a new run take effect, also on what is under way.
  mutating func adjust(_ retention: RetentionPolicy, at elapsed: Duration) {
    staleAt = deadline(under: retention)
    // What became stale under the policy before is dropped where it would have been.
    if status.isStale, retention.onFailure == .drop, self.retention.onFailure == .keep { staleAt = elapsed }
    self.retention = retention
    status.retention = retention
  }

  /// What is known of its records from before a restart: their sources, none of which is confirmed.
  mutating func restored(_ restored: Set<RegistrySource>, prefix: String, at elapsed: Duration) {
    status.prefix = prefix
    status.isRestored = true
    for source in restored { sources[source] = SourceState().unconfirmed(at: elapsed) }
    // Nothing that is cached is dropped by its age, but where it is to be dropped when the registry fails.
    if retention.onFailure == .drop, !sources.isEmpty { staleAt = elapsed + retention.staleAfter }
  }

  /// When its records become stale or are dropped, had `retention` been there from the start.
  private func deadline(under retention: RetentionPolicy) -> Duration? {
    staleAt.map { $0 - self.retention.staleAfter + retention.staleAfter }
  }

  // MARK: Runs

  mutating func began(isRestart: Bool, at elapsed: Duration) {
    isRunning = true
    hasSnapshot = false
    syncedAt = nil
    awaited = []
    sources = sources.mapValues { $0.unconfirmed(at: elapsed) }
    sweepAt = nil
    problems = [:]
    status.problems = []
    if isRestart { status.restarts += 1 }
  }

  /// The registry has been made: what it is, and what its raw ids start with from now on.
  mutating func made(
    prefix: String, descriptor: RegistryDescriptor?, leases: Bool?, in transaction: inout TableTransaction
  ) {
    if status.prefix != prefix, !sources.isEmpty {
      transaction.removeRegistry(key.name, as: .removed)
      sources = [:]
    }
    isMade = true
    status.prefix = prefix
    status.plugin = descriptor?.name
    status.pluginVersion = descriptor?.version
    status.leases = leases ?? descriptor?.leases ?? false
  }

  /// Whether what this node publishes is read by it.
  mutating func readsPublications() {
    status.publishes = true
    if status.publication == nil { status.publication = PublicationStatus(state: .pending) }
  }

  /// What became of the publication `revision`, or of its withdrawal.
  mutating func published(
    _ revision: UInt64, isWithdrawal: Bool, _ error: RegistryError?, in transaction: TableTransaction
  ) {
    guard !isWithdrawal || error != nil else {
      status.publication = nil
      return
    }
    var publication = status.publication ?? PublicationStatus(state: .pending)
    publication.state = error == nil ? .accepted : .retrying
    publication.revision = revision
    if error == nil { publication.acceptedAt = transaction.now }
    status.publication = publication
  }

  /// It reads what is to be published and doesn't publish it, as it is set up: no trouble of anybody.
  mutating func doesNotPublish(in transaction: TableTransaction) {
    status.publishes = false
    status.publication = nil
    report(HealthReport(.publishing, nil), in: transaction)
  }

  /// The run ended, or the registry couldn't be made. Its records stay until ``expire(in:)`` says otherwise.
  mutating func failed(_ error: RegistryError, in transaction: inout TableTransaction) {
    stopped()
    if staleAt == nil, !status.isStale { staleAt = transaction.elapsed + retention.staleAfter }
    sweepAt = nil
    sources = sources.mapValues { $0.unconfirmed(at: transaction.elapsed) }
    noteFailure(error, at: transaction.now)
    status.error = error
    status.isSettled = true
    enter(.failed, at: transaction.now)
    expire(in: &transaction)
  }

  mutating func stopped() {
    isRunning = false
    status.publishes = false
  }

  // MARK: What it applies

  /// Takes what the registry applied.
  mutating func apply(_ batch: RegistryIntake.Batch, in transaction: inout TableTransaction) {
    for source in batch.outages.beforeSnapshot { sources[source]?.wentAway(at: transaction.elapsed) }
    for confirmation in batch.confirmations {
      transaction.confirm(
        confirmation.nodeID, from: origin(confirmation.source), at: confirmation.confirmedAt)
    }
    for update in batch.updates { apply(update, in: &transaction) }
    for source in batch.outages.open { sources[source]?.wentAway(at: transaction.elapsed) }
    if !batch.updates.isEmpty { status.lastUpdate = transaction.now }
    if !batch.updates.isEmpty || batch.reports.contains(where: { $0.aspect == .reading && $0.error == nil }) {
      status.lastSuccess = transaction.now
    }
    if let address = batch.publicAddress { status.publicAddress = address }
    if let awaited = batch.awaited { self.awaited = awaited }
    if batch.completesSync {
      if syncedAt == nil, sources.values.contains(where: \.isStale) { sweepAt = transaction.elapsed }
      syncedAt = transaction.elapsed
      if !status.hasSynced { transaction.noteSynced(registry: key.name) }
      status.hasSynced = true
    }
    for report in batch.reports { take(report, at: transaction.now, transaction.elapsed) }
    if batch.completesSync || !batch.reports.isEmpty { settle(at: transaction.now) }
  }

  private mutating func apply(_ update: RegistryUpdate, in transaction: inout TableTransaction) {
    let source = update.source
    switch update {
    case .snapshot(let records, _, let absent):
      status.updates.snapshots += 1
      var state = sources[source] ?? SourceState()
      let held = state.confirm(
        records, holding: status.leases ? retention.missingGrace : nil, elapsed: transaction.elapsed
      ) { transaction.records(of: origin(source)) }
      let reason = absent ?? (!status.leases ? .deleted : held.wasAway ? .unlisted : .expired)
      transaction.apply(
        .snapshot(records + held.records, source: source, absent: reason), of: registryID)
      transaction.noteHeld(held.records, from: origin(source))
      if status.isStale { transaction.setStale(false, registry: key.name) }
      if state.isStale { transaction.setStale(false, origin: origin(source)) }
      state.isStale = false
      sources[source] = state
      if !hasSnapshot {
        hasSnapshot = true
        if sources.values.contains(where: { !$0.isConfirmed }) {
          sweepAt = transaction.elapsed + sweepDelay
        }
      }
      status.isStale = false
      staleAt = nil
    case .upsert(let record, _):
      status.updates.upserts += 1
      sources[source]?.release(record.affiliate.nodeID)
      transaction.apply(update, of: registryID)
    case .remove(let nodeID, _, _):
      status.updates.removals += 1
      sources[source]?.release(nodeID)
      transaction.apply(update, of: registryID)
    case .sourceGone:
      status.updates.removals += 1
      sources[source] = nil
      // What somebody declared went with what it was declared in.
      transaction.removeOrigin(origin(source), as: status.leases ? .removed : .deleted)
    }
  }

  private var registryID: RegistryID { RegistryID(name: key.name, prefix: status.prefix) }
  private func origin(_ source: RegistrySource) -> RecordOrigin { registryID.origin(source) }

  // MARK: How it is

  /// One aspect of it is another one, beside what the registry itself reports.
  mutating func report(_ report: HealthReport, in transaction: TableTransaction) {
    take(report, at: transaction.now, transaction.elapsed)
    settle(at: transaction.now)
  }

  private mutating func take(_ report: HealthReport, at now: Timestamp, _ elapsed: Duration) {
    let place = Place(aspect: report.aspect, source: report.source)
    if let error = report.error, problems[place] != error {
      noteFailure(error, at: now)
    }
    problems[place] = report.error
    guard report.aspect == .reading else { return }
    for (source, state) in sources where source == report.source || report.source == .only {
      if report.error != nil {
        sources[source]?.wentAway(at: elapsed)
      } else if source == report.source || state.isConfirmed && !cannotRead(source) {
        // What the registry says of itself as a whole doesn't speak for a source of which it says otherwise.
        sources[source]?.cameBack(at: elapsed)
      }
    }
  }

  private func cannotRead(_ source: RegistrySource) -> Bool {
    problems[Place(aspect: .reading, source: source)] != nil
  }

  /// Takes on the state that follows from what is known while it runs. A failed registry stays so until its
  /// next run applied something.
  private mutating func settle(at now: Timestamp) {
    status.problems = problems.sorted { $0.key < $1.key }.map {
      HealthReport($0.key.aspect, $0.value, source: $0.key.source)
    }
    if let first = status.problems.first?.error {
      // One cause may be in the way of several aspects.
      var messages: [String] = []
      for problem in status.problems {
        if let message = problem.error?.message, !messages.contains(message) { messages.append(message) }
      }
      let text = messages.joined(separator: "; ")
      let isLong = text.count > Self.maximumErrorLength
      status.error = RegistryError(
        first.code, isLong ? text.prefix(Self.maximumErrorLength) + "…" : text, cause: first.cause)
      enter(.degraded, at: now)
    } else if syncedAt != nil {
      status.error = nil
      enter(.synced, at: now)
    } else if status.state == .degraded {
      status.error = nil
      enter(.starting, at: now)
    }
    if status.hasSynced || isKnownToHaveTrouble { status.isSettled = true }
  }

  /// Whether each source that had no snapshot yet can't be read.
  private var isKnownToHaveTrouble: Bool {
    if cannotRead(.only) { return true }
    // One that expects no sources by name is waited for until any of them has a snapshot.
    return awaited.isEmpty ? problems.keys.contains { $0.aspect == .reading } : awaited.allSatisfy(cannotRead)
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

  // MARK: Nodes' lives

  /// What nodes' lives depend on of it.
  var condition: RegistryCondition {
    var condition = RegistryCondition(name: key.name)
    condition.leases = isMade ? status.leases : nil
    condition.expect = retention.expect
    condition.isHeard = isRunning && syncedAt != nil && !sources.values.contains(where: \.isAway)
    condition.isStale = status.isStale
    for (source, state) in sources where state.isStale { condition.staleSources.insert(source) }
    condition.isPublished = status.publication?.state == .accepted
    return condition
  }

  // MARK: Time

  /// When ``expire(in:)`` has something to do next; nil: nothing.
  var nextDeadline: Duration? {
    let registry = [staleAt, sweepAt].compactMap { $0 }.min()
    guard isRunning, status.leases else { return registry }
    let grace = status.isStale ? nil : retention.missingGrace
    return (sources.values.compactMap { $0.nextDeadline(staleAfter: grace) } + [registry].compactMap { $0 })
      .min()
  }

  /// Does what is due: records that were kept long enough become stale or are dropped.
  mutating func expire(in transaction: inout TableTransaction) {
    let elapsed = transaction.elapsed
    if let staleAt, staleAt <= elapsed { becomeStale(in: &transaction) }
    if let sweepAt, sweepAt <= elapsed { waitedEnough(in: &transaction) }
    guard isRunning, status.leases else { return }
    for source in sources.keys.sorted() {
      guard var state = sources[source] else { continue }
      for nodeID in state.drop(at: elapsed) {
        transaction.apply(.remove(nodeID, source: source, reason: .unlisted), of: registryID)
      }
      if !status.isStale, state.isSilent(for: retention.missingGrace, at: elapsed) {
        state.isStale = true
        transaction.setStale(true, origin: origin(source))
      }
      sources[source] = state
    }
  }

  private mutating func becomeStale(in transaction: inout TableTransaction) {
    staleAt = nil
    switch retention.onFailure {
    case .keep:
      transaction.setStale(true, registry: key.name)
      status.isStale = true
    case .drop:
      transaction.removeRegistry(key.name, as: .dropped)
      sources = [:]
    }
  }

  /// Sources that this run had no snapshot of. If it is in sync it has no such sources; if not they may be out of
  /// reach, and their last records are better than none.
  private mutating func waitedEnough(in transaction: inout TableTransaction) {
    guard retention.onFailure == .keep, syncedAt == nil else { return sweep(in: &transaction) }
    sweepAt = nil
    for (source, state) in sources.sorted(by: { $0.key < $1.key }) where !state.isConfirmed {
      transaction.setStale(true, origin: origin(source))
      sources[source]?.isStale = true
    }
  }

  /// Drops the sources that this run had no snapshot of, though it may not be time yet.
  mutating func sweep(in transaction: inout TableTransaction) {
    sweepAt = nil
    for (source, state) in sources.sorted(by: { $0.key < $1.key }) where !state.isConfirmed {
      transaction.removeOrigin(origin(source), as: .disabled)
      sources[source] = nil
    }
  }
}

extension HealthAspect {
  /// What is told first: without reading, the rest matters less.
  fileprivate var rank: Int {
    switch self {
    case .reading: 0
    case .credentials: 1
    case .content: 2
    case .publishing: 3
    }
  }
}
