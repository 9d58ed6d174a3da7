import ClusterModel
import ClusterResources
import Lifecycle
import Rollcall

extension ClusterDocuments {
  /// The most members that ``attention`` names.
  static let maximumAttention = 50

  /// How many members there are of each kind.
  var memberCounts: ResourceValue {
    let statuses = life.statuses(unlisted: true)
    let listed = statuses.filter(\.isListed)
    var counts: [(name: String, value: ResourceValue?)] = [("listed", .integer(Int64(listed.count)))]
    for state in NodeState.allCases {
      counts.append((state.rawValue, .integer(Int64(listed.count { $0.state == state }))))
    }
    counts.append(("conflict", .integer(Int64(listed.count { $0.flags.contains(.conflict) }))))
    counts.append(("flapping", .integer(Int64(listed.count { $0.flags.contains(.flapping) }))))
    counts.append(
      ("superseded", .integer(Int64(statuses.count { !$0.isListed && $0.reason == .superseded }))))
    counts.append(("unlisted", .integer(Int64(statuses.count - listed.count))))
    counts.append(("tombstones", .integer(Int64(life.tombstones.count))))
    return .present(counts)
  }

  /// Who isn't plainly ready, the worst first: missing, not ready, stale, ready with a flag, left.
  var attention: [ResourceValue] {
    struct Item {
      let rank: Int
      let since: Duration
      let name: String
      let value: ResourceValue
    }
    func rank(_ state: NodeState) -> Int {
      switch state {
      case .missing: 0
      case .notready: 1
      case .stale: 2
      case .ready: 3
      case .left: 4
      }
    }
    var items: [Item] = []
    for status in life.statuses() where status.state != .ready || !status.flags.isEmpty {
      items.append(
        Item(
          rank: rank(status.state), since: status.since.elapsed, name: status.name,
          value: [
            "id": .text(status.name), "nodeId": .text(status.node.text),
            "state": .text(status.state.rawValue), "reason": .text(status.reason.text),
            "flags": .texts(status.flags.names), "since": .time(status.since.wall),
            "message": .text(status.message(at: now, replaced: life.replaced(by: status))),
          ]))
    }
    for tombstone in life.tombstones where tombstone.state == .missing {
      items.append(
        Item(
          rank: 0, since: tombstone.since.elapsed, name: tombstone.name,
          value: [
            "id": .text(tombstone.name), "nodeId": .text(tombstone.node.text), "state": "missing",
            "reason": .text(tombstone.reason.text), "flags": [], "since": .time(tombstone.since.wall),
            "message": .text(tombstone.message(at: now, sources: life.sources(of: tombstone.node))),
            "phase": "tombstone",
          ]))
    }
    items.sort {
      $0.rank != $1.rank ? $0.rank < $1.rank : $0.since != $1.since ? $0.since < $1.since : $0.name < $1.name
    }
    return items.prefix(Self.maximumAttention).map(\.value)
  }

  /// This node: what it is called, and its identity where it takes part.
  ///
  /// - Parameter label: what it is called where it is no member itself.
  func node(label: String, cluster: String?) -> ResourceValue {
    let local = snapshot.localID
    let name = local.flatMap { snapshot.merge.affiliate($0)?.value.nodename } ?? ""
    return .present([
      ("id", .text(name.isEmpty ? label : name)), ("nodeId", local.map { .text($0.text) } ?? .null),
      ("label", .text(label)), ("cluster", cluster.map { .text($0) }),
    ])
  }
}
