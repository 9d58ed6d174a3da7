import ClusterModel

/// All that a member's life follows from, of one node: a value, of which the rules are pure functions.
///
/// It is copied at each touch, and there are as many as nodes, so what few nodes have is apart.
struct NodeLife: Sendable {
  let id: NodeIdentity
  /// What the merge last made of its records; kept where they are gone, for its tombstone.
  var affiliate: Affiliate?
  private(set) var records: [LifeRecord] = []
  /// How it is shown; nil where it isn't a member, be it listed or not.
  var row: NodeRow?
  private var rare: SharedRareLife?
  /// Whether ``arrival`` is settled.
  var hasArrived = false
  /// Whether it was called missing as nothing was ever seen of it.
  var isNeverSeen = false
  /// Whether it may yet be called never seen.
  var isAwaited = false
  /// Whether it is a member where it has a nodename.
  var isMember = true

  init(_ id: NodeIdentity) { self.id = id }

  /// Whether the node is there: listed by anybody, or this one.
  func isPresent(_ local: NodeIdentity?) -> Bool { !records.isEmpty || id == local }

  /// The nodename that it claims, if it is there and has one; `before` is the one that it claimed.
  func claim(before: String?, _ local: NodeIdentity?) -> String? {
    guard isPresent(local), isMember, let affiliate else { return nil }
    // To make the text anew takes longer than to compare.
    if let before, affiliate.isEqual(.nodename, to: before) { return before }
    return affiliate.isEmpty(.nodename) ? nil : affiliate.nodename
  }

  /// The tombstone of the node itself.
  var grave: Tombstone? { tombstones.first { $0.reason != .renamed } }
  var hasCachedRecord: Bool { records.contains { $0.isCached } }
  var flags: StatusFlags {
    guard let rare = rare?.content else { return [] }
    var flags: StatusFlags = []
    if !rare.conflicts.isEmpty { flags.insert(.conflict) }
    if rare.flaps?.isFlapping == true { flags.insert(.flapping) }
    return flags
  }

  // MARK: What few have

  /// Where it isn't listed any more, and why. Kept as long as it is listed by anybody or has a tombstone.
  private(set) var marks: [DepartureMark] {
    get { rare?.content.marks ?? [] }
    set { change { $0.marks = newValue } }
  }
  /// When its identity first came; nil where it was there nobody knows since when, which counts as the earliest.
  var arrival: Moment? {
    get { rare?.content.arrival }
    set { if newValue != arrival { change { $0.arrival = newValue } } }
  }
  /// The node that has the nodename under which this one is shown, where this one hasn't.
  var heldBy: NodeIdentity? { rare?.content.heldBy }
  /// What is disputed between it and others.
  var conflicts: [RowConflict] { rare?.content.conflicts ?? [] }
  /// How it was before a restart, until its registries have spoken again.
  var prior: PriorStatus? {
    get { rare?.content.prior }
    set { change { $0.prior = newValue } }
  }
  var flaps: FlapDetector? {
    get { rare?.content.flaps }
    set { change { $0.flaps = newValue } }
  }
  /// Its own tombstone, and those of nodenames that it had before.
  var tombstones: [Tombstone] {
    get { rare?.content.tombstones ?? [] }
    set { change { $0.tombstones = newValue } }
  }
  /// When it has to be looked at though nothing happens to it.
  var deadline: Duration? {
    get { rare?.content.deadline }
    set { change { $0.deadline = newValue } }
  }

  /// Sets how it is related to others while it is shown.
  mutating func set(heldBy: NodeIdentity?, conflicts: [RowConflict]) {
    if heldBy == self.heldBy, conflicts == self.conflicts { return }
    change { ($0.heldBy, $0.conflicts) = (heldBy, conflicts) }
  }

  mutating func removeTombstones(where isMeant: (Tombstone) -> Bool) {
    if rare?.content.tombstones.contains(where: isMeant) == true { tombstones.removeAll(where: isMeant) }
  }

  mutating func removeMarks(where isMeant: (DepartureMark) -> Bool = { _ in true }) {
    if rare?.content.marks.contains(where: isMeant) == true { marks.removeAll(where: isMeant) }
  }

  private mutating func change(_ body: (inout RareLife) -> Void) {
    var content = rare?.content ?? RareLife()
    body(&content)
    if content == rare?.content ?? RareLife() { return }
    rare = content == RareLife() ? nil : SharedRareLife(content)
  }

  /// Whether it is shown as `other`, what registries have of it aside.
  func isShown(as other: NodeLife) -> Bool {
    guard row == other.row else { return false }
    if rare === other.rare { return true }
    return flags == other.flags && marks == other.marks && heldBy == other.heldBy
      && conflicts == other.conflicts
  }

  // MARK: What registries report

  /// Takes a record, which ends what is known of its being gone.
  ///
  /// - Returns: whether anything is another one.
  mutating func put(
    _ record: AffiliateRecord, from number: SourceNumber, _ source: RecordSource, at now: Moment
  ) -> Bool {
    let wasGone = rare?.content.marks.contains { $0.source == source } == true
    if wasGone { removeMarks { $0.source == source } }
    guard let index = index(of: record.affiliate.nodeID, from: number) else {
      // Exactly as much as is needed: most nodes have few records, and for long.
      records.reserveCapacity(records.count + 1)
      records.append(LifeRecord(source: number, record: record, listedAt: now, isCached: false))
      return true
    }
    let old = records[index]
    // What is held, or said to be stale, is still what is known from before the restart.
    let isCached = old.isCached && record.isStale
    if isCached == old.isCached, !wasGone, old.record == record { return false }
    records[index] = LifeRecord(source: number, record: record, listedAt: old.listedAt, isCached: isCached)
    return true
  }

  /// Takes what was known before a restart.
  mutating func restore(_ record: LifeRecord) { records.append(record) }
  mutating func restore(_ mark: DepartureMark) { marks.append(mark) }

  /// Takes a record away.
  ///
  /// - Returns: whether there was one.
  mutating func remove(
    _ id: NodeIdentity, from number: SourceNumber, _ source: RecordSource, reason: DepartureReason?,
    lastSeen: Timestamp?, at now: Moment
  ) -> Bool {
    guard let index = index(of: id, from: number) else { return false }
    let record = records.remove(at: index)
    if let reason {
      mark(
        DepartureMark(
          source: source, reason: reason, at: now, lastSeen: lastSeen ?? record.record.confirmedAt))
    }
    return true
  }

  /// Takes away what a registry had of it that is no longer enabled. Its marks end as well, where the node is still
  /// listed: nobody is missing by the word of one that isn't asked.
  mutating func removeRegistry(_ name: String, _ registries: RegistryTable, at now: Moment) {
    for record in records {
      let source = registries.source(record.source)
      guard source.registry == name else { continue }
      mark(
        DepartureMark(source: source, reason: .disabled, at: now, lastSeen: record.record.confirmedAt))
    }
    records.removeAll { registries.source($0.source).registry == name }
    if !records.isEmpty { removeMarks { $0.source.registry == name } }
  }

  private mutating func mark(_ mark: DepartureMark) {
    guard let index = marks.firstIndex(where: { $0.source == mark.source }) else { return marks.append(mark) }
    // Of two records of one source that end at one moment either may come first.
    let isWorse = marks[index].at.elapsed == mark.at.elapsed && marks[index].precedes(mark) == false
    if !isWorse { marks[index] = mark }
  }

  private func index(of id: NodeIdentity, from number: SourceNumber) -> Int? {
    records.firstIndex { $0.source == number && $0.record.affiliate.nodeID == id }
  }

  // MARK: Rules

  /// How the node is, names aside: the first rule that holds.
  func judgement(_ registries: RegistryTable, isLocal: Bool, at now: Duration) -> Judgement {
    if isLocal { return Judgement(.ready, .local) }
    var (hasFresh, isLeased, isHealthy) = (false, false, false)
    var unready: (registry: String, reason: String)?
    var (staleLease, staleDeclaration): (StaleReason?, StaleReason?)
    var due: Duration?
    var isExpected = false
    for record in records {
      let source = registries[record.source]
      guard let position = source.position else { continue }
      isExpected = isExpected || source.expect != nil
      if let reason = record.staleness(source) {
        if source.leases {
          staleLease = reason.first(staleLease)
        } else {
          staleDeclaration = reason.first(staleDeclaration)
        }
        continue
      }
      hasFresh = true
      switch record.record.health {
      case .notReady(let reason):
        let registry = registries.all[position].condition.name
        let claim = (registry, reason.isEmpty ? StatusReason.notready.text : reason)
        unready = unready.map { $0 < claim ? $0 : claim } ?? claim
      case .ready:
        isHealthy = true
        isLeased = isLeased || source.leases
      case nil: isLeased = isLeased || source.leases
      }
      if let expect = source.expect, let heard = registries.leasesHeardSince {
        let end = max(record.listedAt.elapsed, heard) + expect
        due = due.map { min($0, end) } ?? end
      }
    }
    let notready = unready.map { Judgement(.notready, StatusReason($0.reason)) }
    if isLeased || isHealthy { return notready ?? Judgement(.ready, isLeased ? .leased : .healthy) }
    if let mark = lastCountingMark(registries) {
      return Judgement(mark.reason == .withdrawn ? .left : .missing, StatusReason(mark.reason))
    }
    if let notready { return notready }
    if let staleLease { return Judgement(.stale, StatusReason(staleLease)) }
    guard hasFresh else { return Judgement(.stale, StatusReason(staleDeclaration ?? .unconfirmed)) }
    if isExpected, isNeverSeen || due.map({ $0 <= now }) == true { return Judgement(.missing, .neverSeen) }
    return Judgement(.ready, .declared, due: due, isAwaited: isExpected)
  }

  /// The mark that says most of the node's life: a goodbye, or the end of a lease, from a registry that has no
  /// record of it. The latest; of two at one moment the loss.
  func lastCountingMark(_ registries: RegistryTable) -> DepartureMark? {
    var last: DepartureMark?
    for mark in marks {
      let name = mark.source.registry
      guard let position = registries.all.firstIndex(where: { $0.condition.name == name }) else { continue }
      guard mark.reason == .withdrawn || registries.all[position].leases && mark.reason.isLoss else {
        continue
      }
      if records.contains(where: { registries[$0.source].position == position }) { continue }
      if last?.precedes(mark) ?? true { last = mark }
    }
    return last
  }

  /// The removal that decides of a node without records whether it left: the last one; of two at one moment the
  /// deliberate one.
  var lastMark: DepartureMark? {
    marks.max { left, right in
      if left.at.elapsed != right.at.elapsed { return left.at.elapsed < right.at.elapsed }
      if left.reason.isDeliberate != right.reason.isDeliberate { return right.reason.isDeliberate }
      return left.reason.rawValue < right.reason.rawValue
    }
  }

  /// Whether both are one machine that was set up anew: they have an address, a machine id or a key in common.
  func isSameMachine(as other: NodeLife) -> Bool {
    guard let affiliate, let others = other.affiliate else { return false }
    if !affiliate.publicKey.isEmpty, affiliate.publicKey == others.publicKey { return true }
    let addresses = affiliate.telltaleAddresses
    if !addresses.isEmpty, others.telltaleAddresses.contains(where: addresses.contains) { return true }
    return records.contains { record in
      let machine = record.record.machineID
      return !machine.isEmpty && other.records.contains { $0.record.machineID == machine }
    }
  }
}

/// What ``NodeLife/judgement(_:isLocal:at:)`` comes to.
struct Judgement: Hashable, Sendable {
  let state: NodeState
  let reason: StatusReason
  /// When it is to be judged anew though nothing happened: an expected node didn't come.
  let due: Duration?
  /// Whether it is waited for, though ``due`` may not be known while a lease registry can't be heard.
  let isAwaited: Bool

  init(_ state: NodeState, _ reason: StatusReason, due: Duration? = nil, isAwaited: Bool = false) {
    self.state = state
    self.reason = reason
    self.due = due
    self.isAwaited = isAwaited
  }
}

/// One registry's record of a node.
///
/// There are as many as anything has, so its parts are where they leave no gaps.
struct LifeRecord: Sendable {
  let record: AffiliateRecord
  /// Whether it was read from the state file, and not confirmed since.
  let isCached: Bool
  let source: SourceNumber
  /// Since when it is listed there, confirmations and restarts aside.
  let listedAt: Moment

  init(source: SourceNumber, record: AffiliateRecord, listedAt: Moment, isCached: Bool) {
    self.source = source
    self.record = record
    self.listedAt = listedAt
    self.isCached = isCached
  }

  /// Why it says nothing of now; nil where it does.
  func staleness(_ facts: SourceFacts) -> StaleReason? {
    if isCached { return .cached }
    if record.isStale { return .unconfirmed }
    return facts.isStale ? .registryFailed : nil
  }

  /// Whether nothing that is shown of a node's presence differs, in one table of registries.
  func isShown(as other: LifeRecord) -> Bool {
    source == other.source && listedAt == other.listedAt && isCached == other.isCached
      && record.isStale == other.record.isStale && record.health == other.record.health
  }
}

/// What few nodes have.
private struct RareLife: Hashable, Sendable {
  var marks: [DepartureMark] = []
  var arrival: Moment?
  var heldBy: NodeIdentity?
  var conflicts: [RowConflict] = []
  var prior: PriorStatus?
  var flaps: FlapDetector?
  var tombstones: [Tombstone] = []
  var deadline: Duration?
}

/// A ``RareLife`` that is never changed, so that copies share it.
private final class SharedRareLife: Sendable {
  let content: RareLife

  init(_ content: RareLife) { self.content = content }
}

/// A registry's source that no longer lists a node, and why.
struct DepartureMark: Hashable, Sendable {
  let source: RecordSource
  let reason: DepartureReason
  let at: Moment
  /// When whom the registry asks last confirmed the record; nil where that isn't known.
  let lastSeen: Timestamp?

  /// Whether `other` is later, or at the same moment worse.
  func precedes(_ other: DepartureMark) -> Bool {
    if at.elapsed != other.at.elapsed { return at.elapsed < other.at.elapsed }
    if reason.isLoss != other.reason.isLoss { return other.reason.isLoss }
    return reason.rawValue < other.reason.rawValue
  }
}

/// How a node was before a restart.
struct PriorStatus: Hashable, Sendable {
  let state: NodeState
  let since: Moment
}

/// How a member is shown.
struct NodeRow: Hashable, Sendable {
  let name: String
  let state: NodeState
  let reason: StatusReason
  /// When the state, not the reason, was last another one.
  let since: Moment

  /// That of a node that isn't shown.
  static let none = NodeRow(
    name: "", state: .left, reason: StatusReason(""),
    since: Moment(elapsed: .zero, wall: Timestamp(milliseconds: 0)))
}

/// What is disputed between a node and others, which are called as they call themselves.
struct RowConflict: Hashable, Sendable {
  let value: DisputedValue
  let others: [String]
}

extension StaleReason {
  /// Of several reasons the first one as text is shown.
  fileprivate func first(_ other: StaleReason?) -> StaleReason {
    other.map { $0.rawValue < rawValue ? $0 : self } ?? self
  }
}

extension Affiliate {
  /// The addresses that tell a machine from others.
  fileprivate var telltaleAddresses: [IPAddress] {
    (addresses + (kubeSpanAddress.map { [$0] } ?? [])).filter {
      !($0.isLoopback || $0.isLinkLocal || $0.isUnspecified || $0.isMulticast || $0.isContainerBridge)
    }
  }
}
