import ClusterModel
import HashTreeCollections

/// How each member is, since when and why: what its registries say of its life, beside what the merge makes of its
/// records.
///
/// A pure value: it neither waits nor logs nor reads a clock. Times are given with each update. It costs what is
/// touched; where nothing happens nothing is computed, and ``nextDeadline`` says when something has to be looked at
/// though nothing happened. Arrival order can't matter: a node is judged from all that is known of it.
///
/// # Wiring
///
/// The one that commits what registries report owns a lifecycle beside the merge, and at the end of each commit calls
/// ``apply(_:at:)`` once, with the moment of the commit on both clocks, and then publishes ``view`` with the
/// snapshot: it is copied in constant time. In the order of the configuration, and of the merge's changes:
///
/// - ``LifecycleUpdate/registries(_:)`` where a registry's status changed, of all that are enabled. `isHeard` is
///   whether it was in sync in this run and none of its sources is out of reach, `isStale` and `staleSources` what the
///   merge was told by its `setStale`, `isPublished` what the publication says.
/// - ``LifecycleUpdate/record(_:from:of:)`` and ``LifecycleUpdate/gone(record:from:of:reason:lastSeen:)`` for each
///   raw change of the merge. Why records of a whole registry go says who drops them: ``DepartureReason/dropped``
///   for `onFailure: drop`, ``DepartureReason/disabled`` otherwise. Where a record comes to be of another node, its
///   going from the former one has no reason. `lastSeen` is the old record's time of confirmation.
/// - ``LifecycleUpdate/merged(_:isNewcomer:isMember:)`` for each changed affiliate that is there, this node's own too.
/// - ``LifecycleUpdate/dispute(_:_:)`` for each changed conflict about addresses, public keys, identities and
///   matches, with the nodes that it names. Not about nodenames, which are settled here, or single fields.
/// - ``LifecycleUpdate/local(_:)`` where this node's own data are set.
///
/// Holding what a peer no longer lists for `missingGrace` (stale records), dropping it then (`unlisted`), and calling
/// a registry stale after `staleAfter` stay where they are: their outcome is what is given here.
///
/// Whose a nodename is depends on how nodes are, so that it is settled here and not in the merge: the merge has to
/// take ``LifecycleChanges/owners`` over as the members of these names. Deadlines: the lesser one of
/// ``nextDeadline`` and the registries' own; at it a commit without updates is enough. Transitions carry the moment
/// at which they were due, however late that commit is.
///
/// At a start ``restore(_:_:at:)`` takes what ``state`` was, with the registries as the configuration has them
/// (`leases` is nil where only the plugin knows) and this node; the merge gets the same records, as stale ones, and
/// what it says of those is not passed on. A registry's first snapshot confirms them by raw changes, as they are
/// stale no more.
public struct MemberLifecycle: Sendable {
  /// How members are now, for readers.
  public private(set) var view = LifecycleView()

  private let retention: TombstoneRetention
  /// The moment of the last update.
  private var now = Moment(elapsed: .zero, wall: Timestamp(milliseconds: 0))
  /// When a node has to be looked at though nothing happens to it.
  private var timers = TimerHeap<NodeIdentity>()
  /// Nodes that may yet be called never seen, at a time that depends on all lease registries.
  private var awaited: Set<NodeIdentity> = []
  /// Nodenames that several nodes claim.
  private var contested: Set<String> = []
  private var graves = GraveIndex()
  private var disputes = DisputeIndex()
  private var working = WorkingSet()
  private var registries = RegistryTable() { didSet { view.registries = SharedRegistries(registries) } }
  /// What held before the update that is being taken.
  private var (registriesBefore, localBefore) = (SharedRegistries(RegistryTable()), NodeIdentity?.none)

  /// A lifecycle that knows nothing yet.
  public init(retention: TombstoneRetention = TombstoneRetention()) { self.retention = retention }

  /// When ``apply(_:at:)`` has something to do though nothing happens, as ``Moment/elapsed``; nil: never.
  public var nextDeadline: Duration? { timers.first?.at }

  // MARK: Updates

  /// Takes what happened up to `now`, and says what came of it.
  ///
  /// What was due before is done first, as of its own time. A moment before that of the last update counts as that.
  public mutating func apply(_ updates: [LifecycleUpdate], at now: Moment) -> LifecycleChanges {
    apply(atMost: updates.count, at: now) { take in for update in updates { take(update) } }
  }

  /// The same of updates that are made one by one, where they would be many to keep.
  ///
  /// - Parameters:
  ///   - count: how many nodes may be touched, for room.
  ///   - walk: calls what it is given with each update in order.
  public mutating func apply(
    atMost count: Int, at now: Moment, _ walk: (_ take: (LifecycleUpdate) -> Void) -> Void
  ) -> LifecycleChanges {
    var changes = LifecycleChanges()
    let elapsed = max(now.elapsed, self.now.elapsed)
    let now = Moment(elapsed: elapsed, wall: now.wall)
    while let due = timers.first?.at, due < elapsed {
      begin(at: now.moved(to: max(due, self.now.elapsed)))
      settle(&changes)
    }
    begin(at: now)
    working.reserve(count)
    walk { take($0) }
    settle(&changes)
    return changes
  }

  private mutating func begin(at now: Moment) {
    self.now = now
    (registriesBefore, localBefore) = (view.registries, view.local)
    while let due = timers.first, due.at <= now.elapsed {
      timers.removeFirst()
      touch(due.key)
    }
  }

  private mutating func take(_ update: LifecycleUpdate) {
    switch update {
    case .registries(let conditions): take(conditions)
    case .record(let record, let source, let node):
      let number = number(of: source)
      touch(node) { life, now in life.put(record, from: number, source, at: now) }
    case .gone(let id, let source, let node, let reason, let lastSeen):
      guard let number = registries.number(of: source) else { return }
      touch(node) { life, now in
        life.remove(id, from: number, source, reason: reason, lastSeen: lastSeen, at: now)
      }
    case .merged(let affiliate, let isNewcomer, let isMember):
      touch(affiliate.nodeID) { life, now in
        life.affiliate = affiliate
        life.isMember = isMember
        if !life.hasArrived {
          life.hasArrived = true
          life.arrival = isNewcomer ? now : nil
        } else if !isNewcomer, life.arrival?.elapsed == now.elapsed {
          // Of several registries that it comes with at one moment any may be first.
          life.arrival = nil
        }
        return true
      }
    case .local(let node):
      guard node != view.local else { return }
      for id in [view.local, node].compactMap({ $0 }) { touch(id) }
      view.local = node
    case .dispute(let value, let nodes):
      for id in disputes.set(value, to: nodes) { touch(id) }
    }
  }

  private mutating func number(of source: RecordSource) -> SourceNumber {
    registries.number(of: source) ?? registries.add(source)
  }

  private mutating func take(_ conditions: [RegistryCondition]) {
    let difference = registries.take(conditions, at: now.elapsed)
    if difference.touchesAll {
      working.reserve(view.nodes.count)
      for entry in view.nodes.all where working.find(entry.life.id) == nil {
        working.append(WorkingSet.Item(old: entry, life: entry.life))
      }
    } else if difference.touchesExpected {
      for id in awaited { touch(id) }
    }
    if difference.touchesLocal, let local = view.local { touch(local) }
    for name in difference.removed { removeRegistry(name) }
  }

  private mutating func removeRegistry(_ name: String) {
    for index in working.items.indices {
      working.items[index].life.removeRegistry(name, registries, at: now)
    }
  }

  private mutating func touch(_ id: NodeIdentity) {
    if working.find(id) != nil { return }
    let old = view.nodes[id]
    working.append(WorkingSet.Item(old: old, life: old?.life ?? NodeLife(id)))
  }

  /// Lets `body` change the node, which is looked at where it says so.
  private mutating func touch(_ id: NodeIdentity, _ body: (inout NodeLife, Moment) -> Bool) {
    if let position = working.find(id) {
      _ = body(&working.items[position].life, now)
      return
    }
    let old = view.nodes[id]
    var life = old?.life ?? NodeLife(id)
    if body(&life, now) { working.append(WorkingSet.Item(old: old, life: life)) }
  }

  // MARK: Forgetting

  /// Why a member can't be forgotten.
  public enum ForgetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no tombstone of that name.
    case unknown(String)
    /// These registries still list the node, which would come back at once.
    case listed(String, registries: [String])

    public var description: String {
      switch self {
      case .unknown(let name): "there is no tombstone of \(quoted(name))"
      case .listed(let name, let registries):
        "\(quoted(name)) is still listed by \(registries.joined(separator: ", ")); remove it there first"
      }
    }
  }

  /// Ends the tombstones of a nodename, or of the node whose identity that is, and what is remembered of where the
  /// node was.
  ///
  /// - Throws: ``ForgetError``
  public mutating func forget(_ name: String, at now: Moment) throws(ForgetError) -> LifecycleChanges {
    let ended = view.tombstones(of: name)
    if ended.isEmpty {
      let id = view.names[name]?.owner ?? (try? NodeIdentity(name))
      guard let id, view.nodes[id] != nil else { throw .unknown(name) }
      throw .listed(name, registries: view.sources(of: id).filter { $0.presence.isListed }.map(\.registry))
    }
    var changes = apply([], at: now)
    begin(at: self.now)
    for tombstone in ended {
      touch(tombstone.node) { life, _ in
        life.removeTombstones { $0 == tombstone }
        return true
      }
    }
    settle(&changes)
    return changes
  }

  // MARK: Restart

  /// What must survive a restart.
  public var state: LifecycleState {
    var nodes: [LifecycleState.Node] = []
    view.forEachSaved { nodes.append($0) }
    return LifecycleState(leases: view.leases, nodes: nodes.sorted { $0.id < $1.id })
  }

  /// Takes over what was known before a restart, in a lifecycle that knows nothing yet, and then `updates`: at least
  /// which registries are enabled, and which node is this one. Records of registries that aren't enabled any more
  /// are gone as ``DepartureReason/disabled``.
  public mutating func restore(
    _ state: LifecycleState, _ updates: [LifecycleUpdate], at now: Moment
  ) -> LifecycleChanges {
    var changes = apply([], at: now)
    begin(at: self.now)
    registries.remember(state.leases)
    for node in state.nodes where view.nodes[node.id] == nil {
      let life = node.life(at: self.now, retention: retention) { number(of: $0) }
      working.append(WorkingSet.Item(old: nil, life: life))
    }
    for update in updates { take(update) }
    let enabled = Set(registries.all.map(\.condition.name))
    let known = Set(state.nodes.flatMap { $0.records.map(\.source.registry) })
    for name in known.subtracting(enabled) { removeRegistry(name) }
    settle(&changes)
    return changes
  }

  // MARK: What follows

  /// Works out what follows for all nodes that were touched.
  private mutating func settle(_ changes: inout LifecycleChanges) {
    guard !working.isEmpty else { return }
    let (names, renamed) = settleClaims()
    judgeAll()
    if !names.isEmpty { settleOwners(of: names, &changes) }
    for id in renamed { for partner in disputes.partners(of: id) { touch(partner) } }
    judgeAll()
    if working.items.count == 1 {
      finish(0, &changes)
    } else {
      for position in working.order { finish(position, &changes) }
    }
    working.removeAll()
    let evicted = graves.evict(beyond: retention.maximumCount)
    if !evicted.isEmpty { evict(evicted, &changes) }
  }

  /// Settles who claims which nodename.
  ///
  /// - Returns: the nodenames of which the owner may be another one, with who had them, and the nodes that claim another one now. All that
  ///   claim one of the names are touched.
  private mutating func settleClaims() -> (names: [String: NameHolders?], renamed: [NodeIdentity]) {
    var names: [String: NameHolders?] = [:]
    var renamed: [NodeIdentity] = []
    for index in working.items.indices {
      let before = working.items[index].claim
      let claim = working.items[index].life.claim(before: before, view.local)
      if claim == before {
        if let claim, contested.contains(claim), names[claim] == nil {
          names[claim] = .some(view.names[claim])
        }
        continue
      }
      let id = working.items[index].life.id
      renamed.append(id)
      working.items[index].claim = claim
      if let before, let known = view.names[before] {
        let rest = known.removing(id)
        view.names[before] = rest
        if rest != nil, names[before] == nil { names[before] = .some(known) }
      }
      // That of a name which nobody else has there is nothing to settle.
      if let claim, let known = view.names.updateValue(NameHolders(owner: id), forKey: claim) {
        view.names[claim] = known.adding(id)
        if names[claim] == nil { names[claim] = .some(known) }
      }
    }
    for name in names.keys {
      let holders = view.names[name]
      if holders?.others.isEmpty ?? true { contested.remove(name) } else { contested.insert(name) }
      guard let holders else { continue }
      let before = names[name].flatMap { $0 }
      if holders.isCrowd, before?.isCrowd == true {
        // Each of so many is touched by what happens to itself; the member too by what happens to others.
        for id in [before?.owner, holders.owner].compactMap({ $0 }) where holders.contains(id) { touch(id) }
      } else {
        for id in holders.all { touch(id) }
      }
    }
    return (names, renamed)
  }

  /// Settles whose each of the nodenames is.
  private mutating func settleOwners(of names: [String: NameHolders?], _ changes: inout LifecycleChanges) {
    for (name, before) in names.sorted(by: { $0.key < $1.key }) {
      guard let holders = view.names[name] else { continue }
      let claims = contenders(for: name, holders, before: before).compactMap { id in
        claim(of: id, on: name).map { (id: id, claim: $0) }
      }
      guard let best = claims.min(by: { $0.claim.goes(before: $1.claim) })?.id else { continue }
      var settled = holders.owned(by: best)
      settled.isDisputed = settled.isCrowd || settled.others.contains { !isSameMachine($0, best) }
      view.names[name] = settled
      if settled.isCrowd, best != before?.owner {
        // Who gets the name, and who had it, are shown otherwise.
        for id in [best, before?.owner].compactMap({ $0 }) where settled.contains(id) { touch(id) }
      }
      let others = settled.others
      // Also where a name has just come to be contested: others may go by less than is known here.
      let wasContested = before?.others.isEmpty == false
      if before?.owner != best ? !others.isEmpty || wasContested : !others.isEmpty && !wasContested {
        changes.owners.append(OwnerChange(name: name, node: best))
      }
    }
  }

  /// The nodes of which one will have the nodename: where they are a crowd, who was touched and the member so far,
  /// unless that is gone.
  private func contenders(
    for name: String, _ holders: NameHolders, before: NameHolders?
  ) -> [NodeIdentity] {
    guard holders.isCrowd, let before, before.isCrowd, holders.contains(before.owner),
      working[before.owner]?.judgement?.state.isUp != false
    else { return holders.all }
    return [before.owner] + working.items.map(\.life.id).filter { holders.contains($0) && $0 != before.owner }
  }

  /// How good the node's claim on a nodename is, whether it was touched or not.
  private func claim(of id: NodeIdentity, on name: String) -> NameClaim? {
    if let work = working[id] {
      return NameClaim(
        work.life, isLocal: id == view.local, isUp: work.judgement?.state.isUp == true, registries)
    }
    guard let life = view.nodes[id]?.life else { return nil }
    let judgement = life.judgement(registries, isLocal: id == view.local, at: now.elapsed)
    return NameClaim(life, isLocal: id == view.local, isUp: judgement.state.isUp, registries)
  }

  private mutating func judgeAll() {
    for index in working.items.indices where working.items[index].judgement == nil {
      guard working.items[index].life.isPresent(view.local) else { continue }
      working.items[index].judgement = working.items[index].life.judgement(
        registries, isLocal: working.items[index].life.id == view.local, at: now.elapsed)
    }
  }

  private func life(_ id: NodeIdentity) -> NodeLife? { working[id]?.life ?? view.nodes[id]?.life }

  /// The nodename that the node claims now.
  private func claim(of id: NodeIdentity) -> String? {
    if let work = working[id] { return work.claim }
    return view.nodes[id]?.life.row?.name
  }

  private func isSameMachine(_ left: NodeIdentity, _ right: NodeIdentity) -> Bool {
    guard let left = life(left), let right = life(right) else { return false }
    return left.isSameMachine(as: right)
  }

  /// Works out how the node is shown, what that means for its tombstones, and when it has to be looked at again.
  private mutating func finish(_ position: Int, _ changes: inout LifecycleChanges) {
    var work = working.items[position]
    if let judgement = work.judgement {
      if judgement.reason == .neverSeen {
        work.life.isNeverSeen = true
      } else if judgement.state == .ready, judgement.reason != .local {
        work.life.isNeverSeen = false
      }
      if let name = work.claim { show(&work.life, name, judgement, before: work.old, &changes) }
    }
    if work.claim == nil, let row = work.life.row { conceal(&work.life, row, before: work.old, &changes) }
    work.life.removeTombstones { $0.until.elapsed <= now.elapsed }
    if let flaps = work.life.flaps, flaps.deadline <= now.elapsed { work.life.flaps = nil }
    keep(&work, &changes)
  }

  /// Shows a node that is there and has a nodename.
  private func show(
    _ life: inout NodeLife, _ name: String, _ judgement: Judgement, before: LifeEntry?,
    _ changes: inout LifecycleChanges
  ) {
    let holders = contested.contains(name) ? view.names[name] : nil
    let heldBy = holders.flatMap { $0.owner == life.id ? nil : $0.owner }
    var (state, reason) = (judgement.state, judgement.reason)
    if let heldBy, holders?.isCrowd != true, isSameMachine(life.id, heldBy) {
      (state, reason) = (.left, .superseded)
    }

    let old = life.row
    if let old, old.name != name {
      bury(&life, old, .left, .renamed, since: now, before?.life.affiliate ?? life.affiliate)
    }
    let earlier =
      old.map { PriorStatus(state: $0.state, since: $0.since) }
      ?? life.grave.map { PriorStatus(state: $0.state, since: $0.since) }
    let isPending = life.prior != nil && life.id != view.local && life.hasCachedRecord
    var since = now
    let compared = isPending ? nil : life.prior ?? earlier
    if isPending {
      // Until its registries have spoken again nothing has happened to it.
      for known in [life.prior, earlier].compactMap({ $0 }) where known.state == state {
        since = known.since
        break
      }
    } else if let compared, compared.state == state {
      since = compared.since
    } else {
      note(&life, name, from: compared?.state, to: state, reason, &changes)
    }
    if !isPending, life.prior != nil { life.prior = nil }
    // Its own tombstone ends, and that of a name which it has again.
    life.removeTombstones { $0.reason != .renamed || $0.name == name }
    life.row = NodeRow(name: name, state: state, reason: reason, since: since)
    life.set(heldBy: heldBy, conflicts: conflicts(of: life.id, name, holders))
  }

  /// Shows a node no longer: it has no nodename any more, or is gone.
  private func conceal(
    _ life: inout NodeLife, _ row: NodeRow, before: LifeEntry?, _ changes: inout LifecycleChanges
  ) {
    life.set(heldBy: nil, conflicts: [])
    var (state, reason) = (NodeState.left, StatusReason.unnamed)
    if !life.isPresent(view.local) {
      guard let last = life.lastMark else {
        // It isn't gone, its records are another node's now.
        (life.row, life.prior) = (nil, nil)
        return
      }
      (state, reason) = (last.reason.isDeliberate ? .left : .missing, StatusReason(last.reason))
      if row.reason == .superseded, !last.reason.isDeliberate { (state, reason) = (.left, .superseded) }
    }
    let known = life.prior ?? PriorStatus(state: row.state, since: row.since)
    if known.state != state { note(&life, row.name, from: known.state, to: state, reason, &changes) }
    if life.prior != nil { life.prior = nil }
    life.row = nil
    bury(
      &life, row, state, reason, since: known.state == state ? known.since : now,
      before?.life.affiliate ?? life.affiliate)
  }

  private func bury(
    _ life: inout NodeLife, _ row: NodeRow, _ state: NodeState, _ reason: StatusReason, since: Moment,
    _ affiliate: Affiliate?
  ) {
    life.removeTombstones { $0.name == row.name }
    life.tombstones.append(
      Tombstone(
        name: row.name, node: life.id, state: state, reason: reason, since: since,
        until: now.advanced(by: retention.duration(state)), affiliate: affiliate))
  }

  private func note(
    _ life: inout NodeLife, _ name: String, from old: NodeState?, to new: NodeState, _ reason: StatusReason,
    _ changes: inout LifecycleChanges
  ) {
    let flaps = FlapDetector.after(life.flaps, from: old, to: new, at: now.elapsed)
    if flaps != nil { life.flaps = flaps }
    changes.transitions.append(
      StatusTransition(
        at: now, name: name, node: life.id, from: old, to: new, reason: reason,
        isFlapping: flaps?.isFlapping == true, isFromBeforeRestart: life.prior != nil))
  }

  /// What is disputed between the node and others.
  private func conflicts(of id: NodeIdentity, _ name: String, _ holders: NameHolders?) -> [RowConflict] {
    var conflicts: [RowConflict] = []
    if let holders, holders.isDisputed {
      let others = holders.isCrowd ? [] : holders.all.filter { $0 != id }.sorted().map(\.text)
      conflicts.append(RowConflict(value: .nodename(name), others: others))
    }
    for (value, nodes) in disputes.of(id) {
      let others = nodes.filter { $0 != id && !(value.isBetweenNames && claim(of: $0) == name) }
      if others.isEmpty, value.isBetweenNames { continue }
      conflicts.append(RowConflict(value: value, others: others.map { claim(of: $0) ?? $0.text }))
    }
    return conflicts
  }

  // MARK: What is kept

  /// Keeps what is known of the node now, and tells of what is shown otherwise.
  private mutating func keep(_ work: inout WorkingSet.Item, _ changes: inout LifecycleChanges) {
    let id = work.life.id
    let isHere = work.life.isPresent(view.local)
    if !isHere, work.life.tombstones.isEmpty { work.life.removeMarks() }
    let isNeeded = isHere || !work.life.tombstones.isEmpty || work.life.flaps != nil
    let deadline = isNeeded ? deadline(of: work) : nil
    if deadline != work.old?.life.deadline { timers.set(id, to: deadline) }
    let isAwaited = work.judgement?.isAwaited == true
    if isAwaited != (work.old?.life.isAwaited == true) {
      if isAwaited { awaited.insert(id) } else { awaited.remove(id) }
    }
    if work.life.deadline != deadline { work.life.deadline = deadline }
    work.life.isAwaited = isAwaited
    let entry = isNeeded ? LifeEntry(work.life, hash: work.old?.hash) : nil
    if let entry { view.nodes.set(entry) } else if let old = work.old { view.nodes.remove(old) }
    let (before, after) = (work.old?.life.tombstones ?? [], work.life.tombstones)
    if !(before.isEmpty && after.isEmpty), before != after {
      for tombstone in before where !after.contains(tombstone) {
        changes.tombstones.append(TombstoneChange(tombstone: tombstone, hasEnded: true))
        graves.remove(tombstone)
      }
      for tombstone in after where !before.contains(tombstone) {
        changes.tombstones.append(TombstoneChange(tombstone: tombstone, hasEnded: false))
        graves.insert(tombstone)
      }
      if after.isEmpty { view.buried.remove(id) } else { view.buried.insert(id) }
    }
    let old = work.old.flatMap { NodeStatus($0, registriesBefore, isLocal: id == localBefore) }
    let new = entry.flatMap { NodeStatus($0, view.registries, isLocal: id == view.local) }
    let isSame = if let old, let new { old.isShown(as: new) } else { old == nil && new == nil }
    if !isSame { changes.statuses.append(StatusChange(node: id, old: old, new: new)) }
  }

  /// When the node has to be looked at though nothing happens to it.
  private func deadline(of work: WorkingSet.Item) -> Duration? {
    var deadline = work.claim == nil ? nil : work.judgement?.due
    for tombstone in work.life.tombstones {
      deadline = min(deadline ?? tombstone.until.elapsed, tombstone.until.elapsed)
    }
    if let flaps = work.life.flaps { deadline = min(deadline ?? flaps.deadline, flaps.deadline) }
    return deadline
  }

  /// Ends tombstones that are too many.
  private mutating func evict(_ keys: [TombstoneKey], _ changes: inout LifecycleChanges) {
    for key in keys {
      guard let entry = view.nodes[key.node] else { continue }
      var work = WorkingSet.Item(old: entry, life: entry.life)
      work.life.removeTombstones { $0.name == key.name }
      if work.life.isPresent(view.local) {
        work.judgement = work.life.judgement(registries, isLocal: key.node == view.local, at: now.elapsed)
      }
      keep(&work, &changes)
    }
  }
}

extension SourcePresence.Presence {
  fileprivate var isListed: Bool {
    switch self {
    case .fresh, .stale, .published: true
    case .gone, .unknown: false
    }
  }
}
