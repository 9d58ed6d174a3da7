import AffiliateMerge
import ClusterModel
import Lifecycle

/// Makes entries of the history of what came of a commit.
struct HistoryRecorder: Sendable {
  /// How the registries were.
  private var registries: [String: RegistryStatus] = [:]
  /// The conflicts of which the history has the beginning alone.
  private var open: Set<ConflictKey> = []

  /// What happened with the commit that led to `snapshot`.
  mutating func entries(
    _ snapshot: ClusterSnapshot, lives: LifecycleChanges, changes: [ClusterChange], notices: [ClusterEvent]
  ) -> [HistoryEntry] {
    var entries = lives.transitions.compactMap { member($0, snapshot) }
    for change in lives.tombstones where !change.hasEnded {
      entries.append(tombstone(change.tombstone, snapshot))
    }
    for change in changes {
      if case .conflict(let change) = change, let entry = conflict(change, snapshot) { entries.append(entry) }
    }
    for notice in notices {
      switch notice {
      case .registry(let status): if let entry = registry(status, snapshot) { entries.append(entry) }
      case .registryRemoved(let name):
        let old = registries.removeValue(forKey: name)
        entries.append(
          HistoryEntry(
            revision: snapshot.revision, time: snapshot.moment.wall, kind: .registry, id: name,
            from: old?.state.rawValue, to: "removed", registry: name, message: "no longer configured"))
      case .snapshot, .changes, .life, .history: break
      }
    }
    return entries
  }

  private func member(_ transition: StatusTransition, _ snapshot: ClusterSnapshot) -> HistoryEntry? {
    // Who was there at the start is there nobody knows since when.
    if transition.from == nil, transition.reason == .local || !snapshot.merge.isNewcomer(transition.node) {
      return nil
    }
    var entry = HistoryEntry(
      revision: snapshot.revision, time: transition.at.wall, kind: .member, id: transition.name,
      nodeID: transition.node, from: transition.from?.rawValue, to: transition.to.rawValue,
      reason: transition.reason.text, message: snapshot.life.cause(of: transition))
    let sources = snapshot.life.sources(of: transition.node)
    entry.registry =
      sources.first { source in
        if case .gone(let reason) = source.presence { return StatusReason(reason) == transition.reason }
        if case .notReady(let reason) = source.health { return StatusReason(reason) == transition.reason }
        return transition.to == .ready && source.presence == .fresh
      }?.registry
    if transition.isFromBeforeRestart { entry.message += "; it changed while nobody looked" }
    entry.isFlapping = transition.isFlapping
    return entry
  }

  private func tombstone(_ tombstone: Tombstone, _ snapshot: ClusterSnapshot) -> HistoryEntry {
    let sources = snapshot.life.sources(of: tombstone.node)
    return HistoryEntry(
      revision: snapshot.revision, time: snapshot.moment.wall, kind: .member, id: tombstone.name,
      nodeID: tombstone.node, from: tombstone.state.rawValue, to: "removed", reason: tombstone.reason.text,
      message: "\(tombstone.cause(sources)); tombstone until \(tombstone.until.wall)")
  }

  private mutating func conflict(
    _ change: Change<ConflictKey, Conflict>, _ snapshot: ClusterSnapshot
  ) -> HistoryEntry? {
    let (name, about): (String, String)
    switch change.key {
    case .field, .label: return nil
    case .address(let address): (name, about) = ("address/\(address)", "address")
    case .publicKey(let key): (name, about) = ("publicKey/\(key)", "WireGuard public key")
    case .identity(let id): (name, about) = ("identity/\(id)", "identity on two machines")
    case .match(let record): (name, about) = ("match/\(record)", "ambiguous match")
    case .nodename(let nodename):
      (name, about) = ("nodename/\(nodename)", "nodename")
    }
    // What a node shares with the one that it replaced is no news of its own.
    let isConflict = change.new.map { snapshot.isWarning($0.value) } ?? false
    let wasConflict = open.contains(change.key)
    guard isConflict != wasConflict else { return nil }
    if isConflict { open.insert(change.key) } else { open.remove(change.key) }
    let nodes = (change.new ?? change.old)?.value.nodes ?? []
    let names = nodes.map { node -> String in
      let nodename = snapshot.merge.affiliate(node)?.value.nodename ?? ""
      if case .nodename = change.key { return node.text }
      return nodename.isEmpty ? node.text : nodename
    }
    return HistoryEntry(
      revision: snapshot.revision, time: snapshot.moment.wall, kind: .conflict, id: name,
      from: wasConflict ? "conflict" : nil, to: isConflict ? "conflict" : "over",
      reason: about, message: "of \(names.sorted().joined(separator: ", "))")
  }

  private mutating func registry(_ status: RegistryStatus, _ snapshot: ClusterSnapshot) -> HistoryEntry? {
    let old = registries.updateValue(status, forKey: status.name)
    guard old?.state != status.state, !(old == nil && [.starting, .disabled].contains(status.state)) else {
      return nil
    }
    let message =
      switch status.state {
      case .synced: "\(snapshot.registry(status.name)?.affiliateCount ?? status.affiliateCount) records"
      case .degraded, .failed: status.error?.message ?? ""
      case .disabled: status.disabledReason ?? ""
      case .starting: ""
      }
    return HistoryEntry(
      revision: snapshot.revision, time: snapshot.moment.wall, kind: .registry, id: status.name,
      from: old?.state.rawValue ?? "starting", to: status.state.rawValue,
      reason: status.error.map { "\($0.code)" } ?? "", registry: status.name, message: message)
  }
}
