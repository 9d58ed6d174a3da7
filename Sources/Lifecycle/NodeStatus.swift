public import ClusterModel

/// How one member is, be it listed or not.
public struct NodeStatus: Sendable {
  private let entry: LifeEntry
  private let registries: SharedRegistries
  private let isLocal: Bool
  /// The node that has the nodename now, where that is known.
  private let owner: NodeIdentity?

  init?(
    _ entry: LifeEntry, _ registries: SharedRegistries, isLocal: Bool, owner: NodeIdentity? = nil
  ) {
    guard entry.isShown else { return nil }
    self.owner = owner
    self.entry = entry
    self.registries = registries
    self.isLocal = isLocal
  }

  /// There is one, or there were no status.
  private var row: NodeRow { entry.life.row ?? .none }

  /// The nodename.
  public var name: String { row.name }
  /// The node's identity.
  public var node: NodeIdentity { entry.life.id }
  /// How it is.
  public var state: NodeState { row.state }
  /// Why.
  public var reason: StatusReason { row.reason }
  /// When ``state``, not ``reason``, was last another one, over restarts and tombstones.
  public var since: Moment { row.since }
  /// What else a person should know.
  public var flags: StatusFlags { entry.life.flags }
  /// Whether it is a member: it has the nodename that it claims.
  public var isListed: Bool { entry.life.heldBy == nil }
  /// The node that has the nodename, where this one hasn't.
  public var heldBy: NodeIdentity? { entry.life.heldBy.map { owner ?? $0 } }
  /// What is disputed between it and others. Not empty where ``StatusFlags/conflict`` is set.
  public var disputes: [DisputedValue] { entry.life.conflicts.map(\.value) }
  /// Where it is listed, and where it was, in the order of the registries.
  public var sources: [SourcePresence] { entry.life.sources(registries.table, isLocal: isLocal) }

  /// When a registry that doesn't list it any more last confirmed it; nil where nobody did, or nobody knows.
  public var lastSeen: Timestamp? { entry.life.marks.compactMap(\.lastSeen).max() }

  /// What a person is told, in one sentence: `left service 12m ago (expired); still in kubernetes, inventory`.
  ///
  /// - Parameters:
  ///   - now: what ages are shown for.
  ///   - replaced: the nodes that it replaced, as ``LifecycleView/replaced(by:)`` has them.
  public func message(at now: Moment, replaced: [NodeStatus] = []) -> String {
    let disputes = entry.life.conflicts.map { $0.sentence }
    let replaced = replaced.map { "replaced \($0.node.short) \($0.since.age(at: now)) ago" }
    let rest = disputes + replaced
    // Who is plainly ready has nothing to add where there is something else to say.
    if state == .ready, !rest.isEmpty { return rest.joined(separator: "; ") }
    return ([stateSentence(at: now)] + rest).joined(separator: "; ")
  }

  private func stateSentence(at now: Moment) -> String {
    let sources = self.sources
    let fresh = sources.filter { $0.presence == .fresh }
    func names(_ sources: [SourcePresence]) -> String { sources.map(\.registry).joined(separator: ", ") }
    switch (state, reason) {
    case (.left, .superseded):
      return "replaced by \(heldBy?.short ?? "another node") \(since.age(at: now)) ago"
    case (.missing, .neverSeen):
      return "listed in \(names(fresh)), and never seen"
    case (.missing, _), (.left, _):
      guard let mark = entry.life.lastCountingMark(registries.table) else { return "\(state) (\(reason))" }
      let gone = "left \(mark.source.registry) \(mark.at.age(at: now)) ago (\(mark.reason.rawValue))"
      let still = sources.filter { if case .gone = $0.presence { false } else { $0.presence != .unknown } }
      return still.isEmpty ? gone : "\(gone); still in \(names(still))"
    case (.notready, _):
      let said = fresh.filter { if case .notReady = $0.health { true } else { false } }
      return "\(names(said.isEmpty ? fresh : said)): \(reason)"
    case (.stale, _):
      let stale = sources.filter { if case .stale = $0.presence { true } else { false } }
      return "not confirmed by \(names(stale)) for \(since.age(at: now)) (\(reason))"
    case (.ready, .local): return "this node itself"
    case (.ready, .leased): return "leased in \(names(fresh.filter(\.leases)))"
    case (.ready, .healthy): return "found ready by \(names(fresh.filter { $0.health == .ready }))"
    case (.ready, _): return "listed in \(names(fresh))"
    }
  }

  /// Whether both are shown alike; what ages say in ``message(at:replaced:)`` at different moments aside.
  func isShown(as other: NodeStatus) -> Bool {
    guard entry.life.isShown(as: other.entry.life) else { return false }
    let (records, others) = (entry.life.records, other.entry.life.records)
    if registries === other.registries, isLocal == other.isLocal,
      records.elementsEqual(others, by: { $0.isShown(as: $1) })
    {
      return true
    }
    return hasSources(of: other)
  }

  /// Whether ``sources`` are equal, without making them.
  private func hasSources(of other: NodeStatus) -> Bool {
    let (table, otherTable) = (registries.table, other.registries.table)
    guard table.hasNames(of: otherTable) else { return sources == other.sources }
    return table.all.indices.allSatisfy { position in
      entry.life.source(position, table, isLocal: isLocal)
        == other.entry.life.source(position, otherTable, isLocal: other.isLocal)
    }
  }
}

extension LifecycleView {
  /// Why a member's state became another one, without ages: `expired in service, last renewed 2026-11-26T02:18:11Z`.
  public func cause(of transition: StatusTransition) -> String {
    let sources = sources(of: transition.node)
    func names(_ isMeant: (SourcePresence) -> Bool) -> String {
      sources.filter(isMeant).map(\.registry).joined(separator: ", ")
    }
    switch (transition.to, transition.reason) {
    case (.ready, .local): return "this node itself"
    case (.ready, .leased): return "leased in \(names { $0.presence == .fresh && $0.leases })"
    case (.ready, .healthy): return "found ready by \(names { $0.presence == .fresh && $0.health == .ready })"
    case (.ready, _): return "listed in \(names { $0.presence == .fresh })"
    case (.notready, let reason):
      let said = names { if case .notReady = $0.health { true } else { false } }
      return said.isEmpty ? "\(reason)" : "\(said): \(reason)"
    case (.stale, let reason):
      return "\(reason): not confirmed by \(names { if case .stale = $0.presence { true } else { false } })"
    case (.missing, .neverSeen): return "listed in \(names { $0.presence == .fresh }), and never seen"
    case (.left, .superseded):
      let owner = self.names[transition.name]?.owner
      return "replaced by \(owner.map(\.short) ?? "another node")"
    case (.left, .renamed), (.left, .unnamed): return transition.reason.text
    case (.missing, let reason), (.left, let reason): return departure(reason, sources)
    }
  }
}

extension Tombstone {
  /// Why the node is gone, without ages: `deleted by inventory, kubernetes`.
  ///
  /// - Parameter sources: what is known of the node in registries, as ``LifecycleView/sources(of:)`` has it.
  public func cause(_ sources: [SourcePresence]) -> String { departure(reason, sources) }

  /// What a person is told, in one sentence: `left 3h ago (deleted by inventory, kubernetes)`.
  ///
  /// - Parameters:
  ///   - now: what ages are shown for.
  ///   - sources: what is known of the node in registries, as ``LifecycleView/sources(of:)`` has it.
  public func message(at now: Moment, sources: [SourcePresence] = []) -> String {
    let verb = state == .missing ? "missing since" : "left"
    let by = sources.filter { source in
      if case .gone(let gone) = source.presence { return StatusReason(gone) == reason }
      return false
    }.map(\.registry)
    return
      "\(verb) \(since.age(at: now)) ago (\(reason)\(by.isEmpty ? "" : " by \(by.joined(separator: ", "))"))"
  }
}

extension RowConflict {
  fileprivate var sentence: String {
    switch value {
    case .address, .publicKey: "\(value) is also \(others.map { "\($0)'s" }.joined(separator: ", "))"
    case .nodename where others.isEmpty:
      "\(value) is claimed by more than \(NameHolders.maximumCount) nodes"
    case .nodename: "\(value) is also claimed by \(others.joined(separator: ", "))"
    case .identity: "\(value) is on two machines"
    case .match:
      // The node that the record itself founded is none that it may be of.
      others.contains { "\(value)".hasSuffix($0) }
        ? "\(value) may be of it" : "\(value) may also be of \(others.joined(separator: ", "))"
    }
  }
}

extension NodeIdentity {
  /// As much of it as people need: `9tKQz1Vn…`.
  fileprivate var short: String { text.count > 12 ? "\(text.prefix(8))…" : text }
}

extension Moment {
  /// How long ago it was, as every output writes it.
  fileprivate func age(at now: Moment) -> String {
    AgeText.text(seconds: (now.elapsed - elapsed).components.seconds)
  }
}

/// In whose word a node is gone for `reason`.
private func departure(_ reason: StatusReason, _ sources: [SourcePresence]) -> String {
  let said = sources.filter { source in
    if case .gone(let gone) = source.presence { return StatusReason(gone) == reason }
    return false
  }
  guard !said.isEmpty else { return reason.text }
  let preposition =
    switch reason {
    case StatusReason(DepartureReason.withdrawn): "from"
    case StatusReason(DepartureReason.deleted): "by"
    default: "in"
    }
  let names = said.map(\.registry).joined(separator: ", ")
  // Who only declares doesn't renew.
  let seen = said.filter(\.leases).compactMap(\.lastSeen).max().map { ", last renewed \($0)" } ?? ""
  return "\(reason) \(preposition) \(names)\(seen)"
}
