import AffiliateMerge
import ClusterModel
import Lifecycle
import Rollcall

/// What is counted of a snapshot by a walk over all nodes: once for each revision.
struct ClusterTally: Sendable {
  /// A member that is missing.
  struct Missing: Sendable {
    var name: String
    var reason: String
    var since: Timestamp
  }

  /// One of a conflict's kinds and severities.
  struct ConflictKind: Hashable, Sendable {
    var kind: String
    var severity: String
  }

  /// The most members that are missing which are named.
  static let maximumMissing = 100

  let revision: UInt64
  private(set) var members: [NodeState: Int] = [:]
  private(set) var tombstones: [NodeState: Int] = [:]
  private(set) var flapping = 0
  /// Raw records by registry that say nothing of now.
  private(set) var stale: [String: Int] = [:]
  /// Those of them that were read from a file.
  private(set) var cached = 0
  /// Listed members by registry that has no record of them.
  private(set) var absent: [String: Int] = [:]
  /// Nodes by how many registries list them now.
  private(set) var sources: [Int: Int] = [:]
  private(set) var conflicts: [ConflictKind: Int] = [:]
  /// The newest first.
  private(set) var missing: [Missing] = []

  init(_ snapshot: ClusterSnapshot) {
    revision = snapshot.revision
    let life = snapshot.life
    let registries = snapshot.registries.filter { $0.state != .disabled }.map(\.name)
    let publishers = Set(snapshot.registries.filter { $0.publication != nil }.map(\.name))
    for name in registries { absent[name] = 0 }
    for affiliate in snapshot.affiliates { count(life.sources(of: affiliate.value.nodeID)) }
    var names: Set<String> = []
    for status in life.statuses() {
      members[status.state, default: 0] += 1
      names.insert(status.name)
      if status.flags.contains(.flapping) { flapping += 1 }
      if status.state == .missing { note(status.name, status.reason, status.since) }
      let having = Set(status.sources.filter(\.hasRecord).map(\.registry))
      for name in registries where !having.contains(name) {
        // Registries don't give this node's own record back: whether they have it is known of those that publish it.
        if status.node == snapshot.localID, !publishers.contains(name) { continue }
        absent[name, default: 0] += 1
      }
    }
    for tombstone in life.tombstones {
      tombstones[tombstone.state, default: 0] += 1
      // Somebody has the name now.
      guard tombstone.state == .missing, names.insert(tombstone.name).inserted else { continue }
      note(tombstone.name, tombstone.reason, tombstone.since)
    }
    missing.sort { $0.since != $1.since ? $0.since > $1.since : $0.name < $1.name }
    missing.removeLast(max(0, missing.count - Self.maximumMissing))
    for conflict in snapshot.conflicts {
      let severity = snapshot.isWarning(conflict.value) ? "warning" : "info"
      conflicts[ConflictKind(kind: conflict.value.key.kind, severity: severity), default: 0] += 1
    }
  }

  private mutating func note(_ name: String, _ reason: StatusReason, _ since: Moment) {
    missing.append(Missing(name: name, reason: reason.text, since: since.wall))
  }

  private mutating func count(_ presences: [SourcePresence]) {
    var fresh = 0
    for source in presences {
      switch source.presence {
      case .fresh, .published: fresh += 1
      case .stale(let why):
        stale[source.registry, default: 0] += 1
        if why == .cached { cached += 1 }
      case .gone, .unknown: break
      }
    }
    sources[fresh, default: 0] += 1
  }
}

extension SourcePresence {
  fileprivate var hasRecord: Bool {
    switch presence {
    case .fresh, .stale, .published: true
    case .gone, .unknown: false
    }
  }
}

extension ConflictKey {
  fileprivate var kind: String {
    switch self {
    case .field(let field, _): field.rawValue
    case .label: "label"
    case .address: "address"
    case .nodename: "nodename"
    case .publicKey: "publicKey"
    case .identity: "identity"
    case .match: "match"
    }
  }
}
