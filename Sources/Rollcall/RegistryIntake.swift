package import ClusterModel
import Platform
package import RegistryKit
import Synchronization

/// What one run of a registry has applied and the table hasn't taken yet: the one place where it is validated.
///
/// Nothing waits here. What piles up is bounded by what there is to know, not by how often it is applied: of
/// each node of a source only the newest update is kept, and a source's snapshot replaces all that came before
/// it. Sources are independent of each other, so the order within each is all that counts.
package final class RegistryIntake: Sendable {
  struct Limits {
    /// The most nodes that a registry may have.
    var nodes = 250_000
    var sources = RegistrySource.maximumCount
  }

  /// What was applied since the last time, of each node the newest update only.
  package struct Batch: Sendable {
    /// What nodes that are removed were confirmed as last, by upserts that the removals replaced.
    package var confirmations: [Confirmation] = []
    package var updates: [RegistryUpdate] = []
    package var reports: [HealthReport] = []
    package var outages = Outages()
    package var publicAddress: IPAddress?
    /// The sources that were named and have had no snapshot yet; nil where that didn't change.
    package var awaited: Set<RegistrySource>?
    /// When the oldest of it was applied.
    var since: Duration?
    /// Whether with this batch each source that was awaited has had a snapshot, for the first time.
    package var completesSync = false

    /// A batch of what is given.
    package init(
      updates: [RegistryUpdate] = [], reports: [HealthReport] = [], outages: Outages = Outages(),
      publicAddress: IPAddress? = nil, awaited: Set<RegistrySource>? = nil, completesSync: Bool = false,
      confirmations: [Confirmation] = []
    ) {
      self.confirmations = confirmations
      self.updates = updates
      self.reports = reports
      self.outages = outages
      self.publicAddress = publicAddress
      self.awaited = awaited
      self.completesSync = completesSync
    }

    var isEmpty: Bool {
      updates.isEmpty && reports.isEmpty && publicAddress == nil && awaited == nil && !completesSync
    }
  }

  /// When a source's record of a node was last confirmed.
  package struct Confirmation: Equatable, Sendable {
    package var nodeID: NodeIdentity
    package var source: RegistrySource
    package var confirmedAt: Timestamp

    /// The source's record of the node was confirmed then.
    package init(nodeID: NodeIdentity, source: RegistrySource, confirmedAt: Timestamp) {
      self.nodeID = nodeID
      self.source = source
      self.confirmedAt = confirmedAt
    }
  }

  /// Sources that couldn't be read for a while. That a source was away counts also where it is back before anybody
  /// takes the report of it.
  package struct Outages: Sendable {
    /// Those that were away before their snapshot in the batch.
    package private(set) var beforeSnapshot: Set<RegistrySource> = []
    /// Those that were away, and have had no snapshot since.
    package private(set) var open: Set<RegistrySource> = []

    /// Outages of these sources.
    package init(beforeSnapshot: Set<RegistrySource> = [], open: Set<RegistrySource> = []) {
      self.beforeSnapshot = beforeSnapshot
      self.open = open
    }

    fileprivate mutating func note(_ report: HealthReport, known: Set<RegistrySource>) {
      guard report.aspect == .reading, report.error != nil else { return }
      open.insert(report.source)
      if report.source == .only { open.formUnion(known) }
    }

    fileprivate mutating func noteSnapshot(of source: RegistrySource) {
      if open.remove(source) != nil { beforeSnapshot.insert(source) }
    }
  }

  private struct State {
    /// What is pending, by source, in the order in which the sources first had something.
    var pending: [PendingSource] = []
    var sources = Sources()
    /// Whether it was handed out that the registry is in sync.
    var isSynced = false
    /// The newest report of each aspect of each source, in order.
    var reports: [HealthReport] = []
    var outages = Outages()
    var publicAddress: IPAddress?
    var isAwaitedChanged = false
    /// When the oldest of what is pending was applied.
    var since: Duration?
    var end: RegistryError?
  }

  /// Which sources there are.
  private struct Sources {
    /// Those that had a snapshot and aren't gone.
    var known: Set<RegistrySource> = []
    /// Those that were named and had no snapshot yet.
    var awaited: Set<RegistrySource> = []
    var hasSnapshot = false
    /// What was reported of them as not working, and not as working since.
    var problems: Set<Problem> = []
  }

  private struct Problem: Hashable {
    let aspect: HealthAspect
    let source: RegistrySource

    /// Whether it is no longer one when the source isn't asked any more. What the registry says of itself goes on.
    func ends(with source: RegistrySource) -> Bool {
      self.source == source && (source != .only || aspect == .reading || aspect == .content)
    }
  }

  private let limits: Limits
  private let time: TimeSource?
  private let state = Mutex(State())
  /// Notified when there is something to take, and at the end.
  let signal = ChangeSignal()

  /// - Parameter time: tells how long what is taken was pending; nil: nobody wants to know.
  init(limits: Limits = Limits(), time: TimeSource? = nil) {
    self.limits = limits
    self.time = time
  }

  /// Why nothing more is taken; nil while it is open.
  var end: RegistryError? { state.withLock { $0.end } }

  /// Takes `batch`, all of it or nothing. What it throws but ``RegistryError/Code/stopped`` ends the run.
  func apply(_ batch: RegistryBatch) throws(RegistryError) {
    let error: RegistryError? = state.withLock { state in
      if let end = state.end { return end.code == .stopped ? end : Self.stopped }
      if state.since == nil { state.since = time?.elapsed }
      do throws(RegistryError) {
        let sources = try validated(batch, after: state.sources)
        if mayExceedLimits(batch, in: state) {
          // What is refused halfway leaves nothing behind.
          var copy = state
          try append(batch, sources, to: &copy)
          state = copy
        } else {
          try append(batch, sources, to: &state)
        }
        return nil
      } catch {
        state.end = error
        return error
      }
    }
    if error?.code != .stopped { signal.notify() }
    if let error { throw error }
  }

  /// Takes out all that there is; nil where there is nothing.
  func take() -> Batch? {
    state.withLock { state in
      var batch = Batch(
        reports: state.reports, outages: state.outages, publicAddress: state.publicAddress)
      // Most often there is one source with one update.
      for source in state.pending {
        batch.confirmations += source.confirmations
        batch.updates += source.updates
      }
      if state.isAwaitedChanged { batch.awaited = state.sources.awaited }
      if !state.isSynced, state.sources.hasSnapshot, state.sources.awaited.isEmpty {
        state.isSynced = true
        batch.completesSync = true
      }
      state.pending = []
      state.reports = []
      state.outages = Outages()
      state.publicAddress = nil
      state.isAwaitedChanged = false
      batch.since = state.since
      state.since = nil
      return batch.isEmpty ? nil : batch
    }
  }

  /// Takes nothing more: whoever applies something gets ``RegistryError/Code/stopped``.
  func close() {
    state.withLock { state in
      if state.end == nil { state.end = Self.stopped }
    }
    signal.notify()
  }

  private static let tooManyReports = RegistryError(
    .limitExceeded, "reports are of more sources than a registry may have")

  private static let stopped = RegistryError(
    .stopped, "the registry has been stopped; nothing of it is taken any more")
}

// MARK: Validation

extension RegistryIntake {
  /// The sources that there are after `batch`.
  ///
  /// - Throws: which rule it breaks, and what would be right.
  private func validated(
    _ batch: RegistryBatch, after before: Sources
  ) throws(RegistryError) -> Sources {
    var sources = before
    if let expected = batch.expectedSources, !expected.isEmpty {
      let expected = Set(expected)
      guard expected.count <= limits.sources else { throw tooManySources(expected.count) }
      sources.awaited = expected.subtracting(sources.known)
    }
    for update in batch.updates {
      switch update {
      case .snapshot(let records, let source, _):
        guard records.count <= limits.nodes else {
          throw .tooManyNodes(records.count, limit: limits.nodes)
        }
        try checkUnique(records)
        if sources.known.insert(source).inserted, sources.known.count > limits.sources {
          throw tooManySources(sources.known.count)
        }
        sources.awaited.remove(source)
        sources.hasSnapshot = true
      case .upsert(let record, let source): try check(source, knownFor: record.affiliate.nodeID, sources)
      case .remove(let nodeID, let source, _): try check(source, knownFor: nodeID, sources)
      case .sourceGone(let source):
        sources.awaited.remove(source)
        sources.known.remove(source)
        for problem in sources.problems where problem.ends(with: source) { sources.problems.remove(problem) }
      }
    }
    for report in batch.reports {
      let problem = Problem(aspect: report.aspect, source: report.source)
      if report.error == nil { sources.problems.remove(problem) } else { sources.problems.insert(problem) }
    }
    guard sources.problems.count <= maximumReports else { throw Self.tooManyReports }
    return sources
  }

  private func check(
    _ source: RegistrySource, knownFor nodeID: NodeIdentity, _ sources: Sources
  ) throws(RegistryError) {
    guard !sources.known.contains(source) else { return }
    let name = source == .only ? "its source" : "source \(quoted(source.name))"
    throw RegistryError(
      .invalidArgument, "node '\(nodeID)' was changed before the first snapshot of \(name)")
  }

  private func checkUnique(_ records: [AffiliateRecord]) throws(RegistryError) {
    var seen = Set<NodeIdentity>(minimumCapacity: records.count)
    for record in records where !seen.insert(record.affiliate.nodeID).inserted {
      throw RegistryError(
        .invalidArgument,
        "node '\(record.affiliate.nodeID)' is in a snapshot twice; each may be in it once")
    }
  }

  private func tooManySources(_ count: Int) -> RegistryError {
    RegistryError(
      .limitExceeded, "\(count) sources are more than the \(limits.sources) that a registry may have")
  }
}

extension RegistryError {
  static func tooManyNodes(_ count: Int, limit: Int) -> RegistryError {
    RegistryError(.limitExceeded, "the registry has \(count) nodes; a registry may have \(limit)")
  }
}

// MARK: Keeping

extension RegistryIntake {
  private var maximumPendingSources: Int { 4 * limits.sources }
  private var maximumReports: Int { HealthAspect.allCases.count * (limits.sources + 1) }

  /// Whether more than is allowed may be pending with `batch`: a bound that costs little, as a copy of what is
  /// pending costs much.
  private func mayExceedLimits(_ batch: RegistryBatch, in state: State) -> Bool {
    var runs = batch.updates.isEmpty ? 0 : 1
    for index in batch.updates.indices.dropFirst()
    where batch.updates[index].source != batch.updates[index - 1].source { runs += 1 }
    let most = state.pending.reduce(0) { max($0, $1.count) }
    return most + batch.updates.count > limits.nodes + 1
      || state.pending.count + runs > maximumPendingSources
      || state.reports.count + state.sources.problems.count + batch.reports.count > maximumReports
  }

  private func append(
    _ batch: RegistryBatch, _ sources: Sources, to state: inout State
  ) throws(RegistryError) {
    // What was reported of sources that end with this batch ends before what the batch reports.
    for problem in state.sources.problems
    where batch.updates.contains(where: { $0 == .sourceGone(problem.source) }) {
      guard problem.ends(with: problem.source) else { continue }
      try append(HealthReport(problem.aspect, nil, source: problem.source), known: [], to: &state)
    }
    for update in batch.updates {
      if case .sourceGone(let source) = update, !state.sources.known.contains(source),
        !state.pending.contains(where: { $0.source == source })
      {
        continue
      }
      if case .snapshot(_, let source, _) = update { state.outages.noteSnapshot(of: source) }
      let index = try place(update.source, in: &state)
      state.pending[index].append(update, limit: limits.nodes)
      guard state.pending[index].count <= limits.nodes + 1 else {
        throw .tooManyNodes(state.pending[index].count, limit: limits.nodes)
      }
    }
    if sources.awaited != state.sources.awaited { state.isAwaitedChanged = true }
    state.sources = sources
    for report in batch.reports { try append(report, known: sources.known, to: &state) }
    if let address = batch.publicAddress { state.publicAddress = address }
  }

  private func append(
    _ report: HealthReport, known: Set<RegistrySource>, to state: inout State
  ) throws(RegistryError) {
    state.reports.removeAll { $0.aspect == report.aspect && $0.source == report.source }
    guard state.reports.count < maximumReports else { throw Self.tooManyReports }
    state.reports.append(report)
    state.outages.note(report, known: known)
  }

  /// Where what is pending of `source` is.
  private func place(_ source: RegistrySource, in state: inout State) throws(RegistryError) -> Int {
    if let index = state.pending.firstIndex(where: { $0.source == source }) { return index }
    // Sources that come and go faster than they are taken.
    guard state.pending.count < maximumPendingSources else {
      throw RegistryError(.limitExceeded, "more than \(maximumPendingSources) sources came and went at once")
    }
    state.pending.append(PendingSource(source: source))
    return state.pending.count - 1
  }

  /// What is pending of one source: why nodes were removed before its newest snapshot, what all its records are to
  /// be, then the newest update of single nodes, then its end.
  private struct PendingSource: Sendable {
    let source: RegistrySource
    /// Removals before the snapshot of nodes that aren't in it: why they are gone only these say.
    private var removals: [RegistryUpdate] = []
    private var newest: [RegistryUpdate] = []
    /// Where in ``newest`` a node's update is.
    private var index: [NodeIdentity: Int] = [:]
    /// When nodes whose removal is pending were last confirmed, by upserts that it replaced.
    private var confirmedAt: [NodeIdentity: Timestamp] = [:]

    init(source: RegistrySource) { self.source = source }

    var updates: [RegistryUpdate] { removals + newest }
    var confirmations: [Confirmation] {
      confirmedAt.map { Confirmation(nodeID: $0.key, source: source, confirmedAt: $0.value) }
    }
    /// How many updates count against the nodes that a registry may have.
    var count: Int { newest.count - (isGone ? 1 : 0) }

    private var isGone: Bool { newest.last == .sourceGone(source) }

    /// - Parameter limit: the most removals that are kept beside a snapshot.
    mutating func append(_ update: RegistryUpdate, limit: Int) {
      switch update {
      case .snapshot(let records, _, _):
        keepRemovals(but: records, limit: limit)
        newest = [update]
        index = [:]
      case .sourceGone:
        // What came before may say why nodes are gone, which the end of a source doesn't.
        if !isGone { newest.append(update) }
        index = [:]
      case .upsert(let record, _): put(update, of: record.affiliate.nodeID)
      case .remove(let nodeID, _, _): put(update, of: nodeID)
      }
    }

    private mutating func keepRemovals(but records: [AffiliateRecord], limit: Int) {
      removals += newest.filter { $0.removed != nil }
      guard !removals.isEmpty else {
        confirmedAt = [:]
        return
      }
      let listed = Set(records.map(\.affiliate.nodeID))
      removals.removeAll { update in update.removed.map(listed.contains) ?? true }
      if removals.count > limit { removals = [] }
      let kept = Set(removals.compactMap(\.removed))
      confirmedAt = confirmedAt.filter { kept.contains($0.key) }
    }

    private mutating func put(_ update: RegistryUpdate, of nodeID: NodeIdentity) {
      if update.removed == nil { confirmedAt[nodeID] = nil }
      if let place = index[nodeID] {
        if update.removed != nil, case .upsert(let record, _) = newest[place] {
          confirmedAt[nodeID] = record.confirmedAt
        }
        newest[place] = update
      } else {
        index[nodeID] = newest.count
        newest.append(update)
      }
    }
  }
}

extension RegistryUpdate {
  /// Which node it removes, and nothing else.
  fileprivate var removed: NodeIdentity? {
    if case .remove(let nodeID, _, _) = self { nodeID } else { nil }
  }
}
