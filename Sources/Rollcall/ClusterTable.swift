import AffiliateMerge
import ClusterModel
import Lifecycle
import Platform
import RegistryKit
import Synchronization

/// Everything that is known, as one versioned table that serves every reader: a snapshot, a watch, the changes since a
/// revision, whether it is in sync.
///
/// Writers change it one after the other under a lock of their own; each commit is one revision, and readers see all
/// of it or nothing. Readers never wait for a writer: what they see is published at the end of a commit, and a
/// reader is nothing but the revision that it has read, so that a slow one costs nothing.
public final class ClusterTable: Sendable {
  /// What readers see.
  private struct Published {
    var snapshot: ClusterSnapshot
    var journal: ChangeJournal
    var isFinished = false
  }

  /// What happened to members, registries and conflicts.
  public let history: ClusterHistory
  private let writer: Mutex<TableWriter>
  private let published: Mutex<Published>
  private let now: @Sendable () -> Timestamp
  private let observe: (@Sendable (TableCommit) -> Void)?
  let time: TimeSource

  /// Notified when there is another revision, and at the end.
  let revisions = ChangeSignal()
  /// Notified when ``TableWriter/nextDeadline`` may be another one.
  let deadlines = ChangeSignal()

  /// - Parameter journalLimit: how many changes are kept for readers that fell behind.
  ///   - retention: what is remembered of what is over.
  ///   - observe: is given each commit of an input, in order, and holds up writers meanwhile.
  init(
    policy: MergePolicy, journalLimit: Int, retention: HistoryRetention = HistoryRetention(),
    time: TimeSource, now: @escaping @Sendable () -> Timestamp,
    observe: (@Sendable (TableCommit) -> Void)? = nil
  ) {
    let merge = ClusterMerge(policy: policy)
    let moment = Moment(elapsed: time.elapsed, wall: now())
    let writer = TableWriter(merge: merge, retention: retention.tombstones)
    history = ClusterHistory(retention, since: moment.wall)
    published = Mutex(
      Published(
        snapshot: ClusterSnapshot(
          merge: merge, life: writer.life, registries: [], revision: 0, moment: moment),
        journal: ChangeJournal(limit: journalLimit)))
    self.writer = Mutex(writer)
    self.time = time
    self.now = now
    self.observe = observe
  }

  // MARK: Reading

  /// The cluster as it is now. Costs the same however large the cluster is.
  public func snapshot() -> ClusterSnapshot { published.withLock { $0.snapshot } }

  /// What a reader that has read `revision` hasn't seen yet.
  public enum Unread: Sendable {
    /// What happened since, in order, and what it leads to. Empty where nothing did.
    case events([ClusterEvent], ClusterSnapshot)
    /// Everything as it is now, as the changes since are no longer all kept.
    case snapshot(ClusterSnapshot)
    /// Nothing, and nothing will come: the aggregator has stopped.
    case finished
  }

  /// What happened after `revision`; nil: nothing was read yet, which gives a snapshot.
  public func unread(since revision: UInt64?) -> Unread {
    published.withLock { published in
      let newest = published.snapshot.revision
      guard let revision, revision <= newest, let events = published.journal.events(since: revision) else {
        return .snapshot(published.snapshot)
      }
      if events.isEmpty, published.isFinished { return .finished }
      return .events(events, published.snapshot)
    }
  }

  /// Waits until there is a revision above `revision`, the table is finished, or the task is cancelled.
  public func waitForChange(after revision: UInt64) async {
    while !Task.isCancelled {
      let seen = revisions.value
      let isOver = published.withLock { $0.isFinished || $0.snapshot.revision > revision }
      if isOver { return }
      await revisions.wait(after: seen)
    }
  }

  /// Whether nothing will change any more.
  public var isFinished: Bool { published.withLock { $0.isFinished } }

  // MARK: Writing

  /// Changes the table by `input`, as one revision, and notifies whom it concerns.
  @discardableResult
  func take(_ input: TableInput) -> TableOutcome {
    if case .restored(let saved, _) = input { history.restore(saved.history, since: saved.historySince) }
    return commit(input) { $0.take(input) }
  }

  /// Commits what `body` changes as one revision, and notifies whom it concerns.
  ///
  /// - Parameter input: what it is changed by, for who observes that; nil: nobody is to.
  func commit<Result: Sendable>(
    _ input: TableInput? = nil, _ body: (inout TableWriter) -> Result
  ) -> Result {
    let (result, effects) = writer.withLock { writer in
      let moment = Moment(elapsed: time.elapsed, wall: now())
      writer.begin(at: moment)
      let result = body(&writer)
      var commit = writer.end()
      let entries = history.append(commit.entries)
      if !entries.isEmpty { commit.events.append(.history(entries)) }
      if let snapshot = commit.snapshot {
        // What was published before is handed out, so that it isn't freed while readers wait.
        _ = published.withLock { published in
          defer {
            published.snapshot = snapshot
            published.journal.append(commit.events, revision: snapshot.revision)
          }
          return published.snapshot
        }
      }
      if let input, let observe {
        observe(
          TableCommit(input: input, moment: moment, events: commit.events, snapshot: commit.snapshot))
      }
      return (result, commit)
    }
    if effects.snapshot != nil { revisions.notify() }
    if effects.movesDeadlines { deadlines.notify() }
    return result
  }

  /// Reads what only writers need to know.
  func read<Result: Sendable>(_ body: (borrowing TableWriter) -> Result) -> Result {
    writer.withLock { body($0) }
  }

  /// Takes over what was known before a restart, once, before any registry has run: it is there at once, as stale,
  /// until its registry has spoken again.
  ///
  /// - Parameter local: which node is this one.
  func restore(_ saved: SavedState, local: NodeIdentity?) { take(.restored(saved, local: local)) }

  /// What is to survive a restart; who reads it adds its own cursors.
  func captureState() -> StateCapture { StateCapture(snapshot(), history: history, at: now()) }

  /// Nothing more will change: readers get what they haven't read yet, and then the end.
  func finish() {
    published.withLock { $0.isFinished = true }
    revisions.notify()
  }
}

extension RecordSource {
  fileprivate init(_ origin: RecordOrigin) {
    self.init(registry: origin.registry, source: RegistrySource(unchecked: origin.source))
  }
}

/// The merge while it is changed, and what came of it so far.
struct TableTransaction: Sendable {
  fileprivate(set) var merge: ClusterMerge
  /// The moment of the commit: civil time, and time since the table was made.
  fileprivate(set) var now = Timestamp(milliseconds: 0)
  fileprivate(set) var elapsed = Duration.zero
  fileprivate var changes: [ClusterChange] = []
  fileprivate init(merge: ClusterMerge) { self.merge = merge }

  /// Records that are held in this commit, and where they are from.
  fileprivate private(set) var held: [(record: AffiliateRecord, origin: RecordOrigin)] = []
  /// Why records went that weren't taken away by their registry, by the positions of the changes.
  private var departures: [(positions: Range<Int>, reason: DepartureReason)] = []
  /// Whether the merge may be another one though nothing changed: who is stale, and how old claims are, shows in
  /// provenance alone.
  fileprivate var isRevised = false

  mutating func apply(_ update: RegistryUpdate, of registry: RegistryID) {
    note(merge.apply(update, of: registry, at: now))
  }

  /// The record of a node that is about to be removed was confirmed later than was known.
  mutating func confirm(_ nodeID: NodeIdentity, from origin: RecordOrigin, at confirmedAt: Timestamp) {
    merge.confirm(nodeID, from: origin, at: confirmedAt)
  }

  mutating func noteSynced(registry name: String) { merge.noteSynced(registry: name) }

  /// Drops the records of a registry, which says so much of the nodes that they were of.
  mutating func removeRegistry(_ name: String, as reason: DepartureReason) {
    note(merge.removeRegistry(name, at: now), as: reason)
  }
  /// The same for one source of it.
  mutating func removeOrigin(_ origin: RecordOrigin, as reason: DepartureReason) {
    note(merge.removeOrigin(origin, at: now), as: reason)
  }
  mutating func setStale(_ isStale: Bool, registry name: String) {
    note(merge.setStale(isStale, registry: name, at: now))
  }
  mutating func setStale(_ isStale: Bool, origin: RecordOrigin) {
    note(merge.setStale(isStale, origin: origin, at: now))
  }
  fileprivate mutating func setLocal(_ record: AffiliateRecord?) {
    let new = merge.setLocal(record, at: now)
    if !new.isEmpty { note(new) }
  }
  fileprivate mutating func setOwner(_ change: OwnerChange) {
    let new = merge.setOwner(change.node, ofMember: change.name, at: now)
    if !new.isEmpty { note(new) }
  }
  fileprivate mutating func setPolicy(_ policy: MergePolicy) { note(merge.setPolicy(policy, at: now)) }

  /// A source was heard and doesn't list these any more: they are held. Of one that was cached nothing else changes.
  mutating func noteHeld(_ records: [AffiliateRecord], from origin: RecordOrigin) {
    held += records.map { ($0, origin) }
  }

  fileprivate mutating func clear() {
    changes = []
    held = []
    departures = []
    isRevised = false
  }

  /// The same for one node, which wasn't there when the others were.
  fileprivate mutating func restoreVersions(_ saved: SavedState, of affiliate: Affiliate) {
    if let version = saved.affiliates[affiliate.nodeID] {
      merge.restore(
        version: version.number, created: version.created, updated: version.updated,
        ofAffiliate: affiliate.nodeID)
    }
    if let version = saved.members[affiliate.nodename] {
      merge.restore(
        version: version.number, created: version.created, updated: version.updated,
        ofMember: affiliate.nodename)
    }
  }

  /// Gives identities the times at which they first came before a restart.
  fileprivate mutating func restoreHeard(_ saved: LifecycleState) {
    let heard = saved.nodes.compactMap { node in node.arrival.map { (node.id, $0) } }
    note(merge.restore(heard: Dictionary(uniqueKeysWithValues: heard), at: now))
  }

  fileprivate mutating func restoreVersions(_ saved: SavedState) {
    for (id, version) in saved.affiliates {
      merge.restore(
        version: version.number, created: version.created, updated: version.updated, ofAffiliate: id)
    }
    for (name, version) in saved.members {
      merge.restore(
        version: version.number, created: version.created, updated: version.updated, ofMember: name)
    }
  }

  /// What an origin's records are now.
  func records(of origin: RecordOrigin) -> [AffiliateRecord] {
    merge.rawAffiliates().filter { $0.id.origin == origin }.map(\.record.value)
  }

  /// Why the raw record is gone of which the change at `position` says so.
  fileprivate func departure(at position: Int, _ reason: RemovalReason?) -> DepartureReason {
    if let reason { return DepartureReason(reason) }
    return departures.first { $0.positions.contains(position) }?.reason ?? .removed
  }

  /// Gives all that nodes' lives depend on of what happened, in order.
  fileprivate func forEachLifecycleUpdate(_ take: (LifecycleUpdate) -> Void) {
    for (position, change) in changes.enumerated() { giveUpdates(for: change, at: position, take) }
    for (record, origin) in held {
      if let node = merge.node(of: RawID(origin: origin, nodeID: record.affiliate.nodeID)) {
        take(.record(record, from: RecordSource(origin), of: node))
      }
    }
  }

  /// What of it isn't known from before a restart: conflicts, and which nodes aren't members by themselves.
  fileprivate var restoredUpdates: [LifecycleUpdate] {
    var updates: [LifecycleUpdate] = []
    for (position, change) in changes.enumerated() {
      switch change {
      case .conflict: giveUpdates(for: change, at: position) { updates.append($0) }
      case .affiliate(let affiliate) where !merge.isMember(affiliate.key):
        giveUpdates(for: change, at: position) { updates.append($0) }
      case .raw, .moved, .affiliate, .member: break
      }
    }
    return updates
  }

  private func giveUpdates(for change: ClusterChange, at position: Int, _ take: (LifecycleUpdate) -> Void) {
    switch change {
    case .raw(let change, let node, let reason):
      let source = RecordSource(change.key.origin)
      if let record = change.new?.value { return take(.record(record, from: source, of: node)) }
      take(
        .gone(
          record: change.key.nodeID, from: source, of: node, reason: departure(at: position, reason),
          lastSeen: change.old?.value.confirmedAt))
    case .moved(let move):
      let source = RecordSource(move.id.origin)
      take(.gone(record: move.id.nodeID, from: source, of: move.from, reason: nil, lastSeen: nil))
      take(.record(move.record, from: source, of: move.to))
    case .affiliate(let change):
      guard let affiliate = change.new?.value else { return }
      take(
        .merged(
          affiliate, isNewcomer: merge.isNewcomer(change.key), isMember: merge.isMember(change.key)))
    case .conflict(let change):
      let nodes = change.new?.value.nodes ?? []
      switch change.key {
      case .address(let address): take(.dispute(.address(address), nodes))
      case .publicKey(let key): take(.dispute(.publicKey(key), nodes))
      case .identity(let id): take(.dispute(.identity(id), nodes))
      case .match(let record):
        // The one that stands alone because of it has a part in it as well.
        let own = change.new == nil ? nil : merge.node(of: record)
        take(.dispute(.match(record.description), nodes + [own].compactMap { $0 }))
      case .nodename, .field, .label: break
      }
    case .member: break
    }
  }

  private mutating func note(_ new: [ClusterChange], as reason: DepartureReason? = nil) {
    isRevised = true
    if let reason, !new.isEmpty {
      departures.append((changes.count..<changes.count + new.count, reason))
    }
    if changes.isEmpty { changes = new } else { changes += new }
  }
}

/// What a ``ClusterTable``'s writers change, under its lock.
struct TableWriter: Sendable {
  private var transaction: TableTransaction
  /// All registries in their declared order.
  private var registries: [RegistryState] = []
  private var revision: UInt64 = 0
  /// What readers are to be given beside the merge's changes.
  private var notices: [ClusterEvent] = []
  private var isRevised = false
  private var movesDeadlines = false
  private var lifecycle: MemberLifecycle
  /// What was known before a restart, and which node is this one, in the commit that takes it over.
  /// What this node's version was, until it is set.
  private var restoredVersions: SavedState?
  private var restored: (lives: LifecycleState, local: NodeIdentity?)?
  /// What happened beside registries in this commit.
  private var notes: [HistoryEntry] = []
  /// What came of members that were forgotten in this commit.
  private var forgotten: [LifecycleChanges] = []
  private var recorder = HistoryRecorder()
  /// Whether nodes' lives may depend on something else of registries than before.
  private var conditionsChanged = false
  /// The node that is this one, as nodes' lives know it.
  private var localID: NodeIdentity?

  fileprivate init(merge: ClusterMerge, retention: TombstoneRetention) {
    transaction = TableTransaction(merge: merge)
    lifecycle = MemberLifecycle(retention: retention)
  }

  /// How nodes are.
  var life: LifecycleView { lifecycle.view }
  /// Takes over what was known before a restart.
  mutating func restore(_ saved: SavedState, local: NodeIdentity?) {
    var records: [RecordSource: [AffiliateRecord]] = [:]
    for node in saved.lives.nodes {
      for known in node.records {
        var record = known.record
        record.isStale = true
        records[known.source, default: []].append(record)
      }
    }
    for index in registries.indices where registries[index].status.state != .disabled {
      let name = registries[index].key.name
      let sources = records.keys.filter { $0.registry == name }.map(\.source).sorted()
      guard !sources.isEmpty || saved.known.contains(name) else { continue }
      registries[index].restored(
        Set(sources), prefix: saved.prefixes[name] ?? registries[index].status.prefix,
        at: transaction.elapsed)
      let id = RegistryID(name: name, prefix: registries[index].status.prefix)
      for source in sources {
        let known = records[RecordSource(registry: name, source: source)] ?? []
        transaction.apply(.snapshot(known, source: source), of: id)
      }
    }
    transaction.restoreHeard(saved.lives)
    let merge = transaction.merge
    let prefixes = Dictionary(
      registries.map { ($0.key.name, $0.status.prefix) }, uniquingKeysWith: { first, _ in first })
    var lives = saved.lives
    lives.relocate { source, id in
      let origin = RecordOrigin(
        registry: source.registry, prefix: prefixes[source.registry] ?? source.registry,
        source: source.source.name)
      return merge.node(of: RawID(origin: origin, nodeID: id))
    }
    restored = (lives, local)
    transaction.restoreVersions(saved)
    restoredVersions = saved
    conditionsChanged = true
    movesDeadlines = true
  }

  fileprivate mutating func begin(at moment: Moment) {
    transaction.now = moment.wall
    transaction.elapsed = moment.elapsed
  }

  /// What came of a commit.
  fileprivate struct Commit: Sendable {
    /// How the cluster is now; nil where nothing changed.
    var snapshot: ClusterSnapshot?
    var events: [ClusterEvent] = []
    var entries: [HistoryEntry] = []
    var movesDeadlines = false
  }

  fileprivate mutating func end() -> Commit {
    defer {
      transaction.clear()
      notices = []
      notes = []
      isRevised = false
      movesDeadlines = false
    }
    let deadline = lifecycle.nextDeadline
    let isRestoring = restored != nil
    let lives = followLives()
    if lifecycle.nextDeadline != deadline { movesDeadlines = true }
    var commit = Commit(movesDeadlines: movesDeadlines)
    guard isRevised || transaction.isRevised || !notices.isEmpty || !lives.isEmpty || !notes.isEmpty
    else { return commit }
    revision += 1
    let snapshot = ClusterSnapshot(
      merge: transaction.merge.frozen, life: lifecycle.view, registries: registries.map(status),
      revision: revision,
      moment: moment)
    commit.snapshot = snapshot
    if !transaction.changes.isEmpty { commit.events.append(.changes(transaction.changes)) }
    if !lives.isEmpty { commit.events.append(.life(lives)) }
    commit.events += notices
    // What was there before a restart didn't happen now.
    if isRestoring { return commit }
    commit.entries = notes
    commit.entries += recorder.entries(
      snapshot, lives: lives, changes: transaction.changes, notices: notices)
    return commit
  }

  private var moment: Moment { Moment(elapsed: transaction.elapsed, wall: transaction.now) }

  /// Tells nodes' lives what happened in this commit.
  private mutating func followLives() -> LifecycleChanges {
    let isDue = lifecycle.nextDeadline.map { $0 <= transaction.elapsed } ?? false
    guard
      conditionsChanged || isDue || !transaction.changes.isEmpty || !forgotten.isEmpty
        || restored != nil
    else {
      return LifecycleChanges()
    }
    var updates: [LifecycleUpdate] = []
    if conditionsChanged {
      conditionsChanged = false
      updates.append(
        .registries(registries.lazy.filter { $0.status.state != .disabled }.map(\.condition)))
    }
    if let restored {
      // What the merge says of those isn't passed on: their records are known here as they were.
      self.restored = nil
      localID = restored.local
      updates.append(.local(localID))
      updates += transaction.restoredUpdates
      var lives = lifecycle.restore(restored.lives, updates, at: moment)
      for owner in lives.owners { transaction.setOwner(owner) }
      lives.append(lifecycle.apply([], at: moment))
      return lives
    }
    if transaction.merge.localID != localID {
      localID = transaction.merge.localID
      updates.append(.local(localID))
    }
    var lives = Self.apply(updates, transaction, to: &lifecycle, at: moment)
    for changes in forgotten { lives.append(changes) }
    forgotten = []
    // Whose a name is follows from how nodes are, and the merge takes it over.
    for owner in lives.owners { transaction.setOwner(owner) }
    return lives
  }

  private static func apply(
    _ updates: [LifecycleUpdate], _ transaction: borrowing TableTransaction,
    to lifecycle: inout MemberLifecycle,
    at moment: Moment
  ) -> LifecycleChanges {
    lifecycle.apply(atMost: transaction.changes.count, at: moment) { take in
      updates.forEach(take)
      transaction.forEachLifecycleUpdate(take)
    }
  }

  private func status(of registry: RegistryState) -> RegistryStatus {
    var status = registry.status
    status.affiliateCount = transaction.merge.rawCount(of: status.name)
    return status
  }

  // MARK: Registries

  /// Lets `body` change the registry of `key`, if there is one still, and readers know where its status became
  /// another one.
  mutating func update<Result>(
    _ key: RegistryKey, _ body: (inout RegistryState, inout TableTransaction) -> Result
  ) -> Result? {
    guard let index = registries.firstIndex(where: { $0.key == key }) else { return nil }
    return update(at: index, body)
  }

  private mutating func update<Result>(
    at index: Int, _ body: (inout RegistryState, inout TableTransaction) -> Result
  ) -> Result {
    let before = registries[index].status
    let condition = registries[index].condition
    let deadline = registries[index].nextDeadline
    let result = body(&registries[index], &transaction)
    var after = registries[index].status
    if after != before { isRevised = true }
    if registries[index].condition != condition { conditionsChanged = true }
    after = after.withCounts(of: before)
    if after != before { notices.append(.registry(status(of: registries[index]))) }
    if registries[index].nextDeadline != deadline { movesDeadlines = true }
    return result
  }

  /// Takes what a registry applied.
  ///
  /// - Returns: how many records there are of it now.
  mutating func apply(_ batch: RegistryIntake.Batch, from key: RegistryKey) -> Int {
    _ = update(key) { $0.apply(batch, in: &$1) }
    return recordCount(of: key)
  }

  /// How many records there are of the registry.
  func recordCount(of key: RegistryKey) -> Int { transaction.merge.rawCount(of: key.name) }

  /// The registry has been made: what it is, and what its raw ids start with from now on.
  ///
  /// - Returns: why it can't be run: another registry's raw ids start with the same.
  mutating func made(
    _ key: RegistryKey, prefix: String, descriptor: RegistryDescriptor?, leases: Bool?
  ) -> RegistryError? {
    let other = registries.first {
      $0.key.name != key.name && $0.status.state != .disabled && $0.status.prefix == prefix
    }
    if let other {
      return RegistryError(
        .invalidArgument,
        "its raw ids would start with '\(prefix)/' as those of registry '\(other.key.name)' do")
    }
    if let descriptor {
      // A plugin that was found late is known only now.
      var policy = transaction.merge.policy
      policy.matching[key.name] = descriptor.matching
      setPolicy(policy)
    }
    _ = update(key) { $0.made(prefix: prefix, descriptor: descriptor, leases: leases, in: &$1) }
    return nil
  }

  /// Adds `registry`, or puts it in the place of the one of its name. That one's records stay.
  mutating func place(_ registry: RegistryState) {
    if let index = registries.firstIndex(where: { $0.key.name == registry.key.name }) {
      registries[index] = registry
    } else {
      registries.append(registry)
    }
    notices.append(.registry(status(of: registry)))
    movesDeadlines = true
    conditionsChanged = true
  }

  /// Drops what the registry called `name` applied.
  mutating func dropRecords(of name: String) { transaction.removeRegistry(name, as: .disabled) }

  /// Forgets a registry and what it applied.
  mutating func remove(_ name: String) {
    guard let index = registries.firstIndex(where: { $0.key.name == name }) else { return }
    registries.remove(at: index)
    transaction.removeRegistry(name, as: .disabled)
    conditionsChanged = true
    notices.append(.registryRemoved(name))
  }

  /// Puts the registries in the order of `names`.
  mutating func order(_ names: [String]) {
    let rank = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    registries.sort { (rank[$0.key.name] ?? .max) < (rank[$1.key.name] ?? .max) }
    isRevised = true
    conditionsChanged = true
  }

  func registry(_ key: RegistryKey) -> RegistryState? { registries.first { $0.key == key } }
  func registry(named name: String) -> RegistryState? { registries.first { $0.key.name == name } }
  var keys: [RegistryKey] { registries.map(\.key) }
  /// The moment of the commit, as the time since the table was made, and as civil time.
  var elapsed: Duration { transaction.elapsed }
  var now: Timestamp { transaction.now }

  // MARK: Beside registries

  /// Notes in the history that this process began.
  ///
  /// - Parameters:
  ///   - name: what this node is called; empty for a mere observer.
  ///   - savedAt: when one before it last saved what it knew; nil where there was none.
  ///   - nodeCount: of how many nodes that is.
  mutating func noteStart(of name: String, savedAt: Timestamp?, nodeCount: Int) {
    let message =
      savedAt.map { "last ran until \($0); state of \(nodeCount) nodes kept" }
      ?? "nothing is kept from before"
    notes.append(
      HistoryEntry(
        revision: revision + 1, time: transaction.now, kind: .daemon,
        id: name.isEmpty ? "rollcall" : name, to: "started", message: message))
  }

  /// Ends the tombstones of a nodename or a node.
  mutating func forget(_ name: String) throws(MemberLifecycle.ForgetError) {
    let changes = try lifecycle.forget(name, at: moment)
    forgotten.append(changes)
    movesDeadlines = true
  }

  mutating func setPolicy(_ policy: MergePolicy) {
    if policy != transaction.merge.policy { transaction.setPolicy(policy) }
  }

  /// What this node says of itself; nil for a mere observer.
  mutating func setLocal(_ record: AffiliateRecord?) {
    transaction.setLocal(record)
    // Known only now, and before a restart too.
    if let affiliate = record?.affiliate, let saved = restoredVersions {
      restoredVersions = nil
      transaction.restoreVersions(saved, of: affiliate)
    }
  }

  /// When ``expire()`` has something to do next.
  var nextDeadline: Duration? {
    [registryDeadline, lifecycle.nextDeadline].compactMap { $0 }.min()
  }

  /// The part of ``nextDeadline`` that is of registries' records.
  var registryDeadline: Duration? { registries.lazy.compactMap(\.nextDeadline).min() }

  /// Does what is due: records that were kept long enough become stale or are dropped.
  mutating func expire() {
    for index in registries.indices { update(at: index) { $0.expire(in: &$1) } }
  }
}
