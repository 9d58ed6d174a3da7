import ClusterModel
import HashTreeCollections

/// Where records without identities are, and why: what readers of the merge see of matching. Changes rarely, and a copy
/// costs nothing, while ``RecordMatcher`` is at work for each change and nobody's but the writer's.
struct MatchPlaces: Sendable {
  private var places: [RecordOrigin: TreeDictionary<NodeIdentity, MatchPlace>] = [:]
  /// The records that stand alone although something tells nodes, by the nodes concerned.
  private var conflicts = MatchConflictIndex()

  var isEmpty: Bool { places.isEmpty }

  subscript(id: NodeIdentity, origin: RecordOrigin) -> MatchPlace? { places[origin]?[id] }

  /// The records that stand alone although something tells this node.
  func conflicts(about node: NodeIdentity) -> [RawID] { conflicts.records(about: node) }

  mutating func set(_ place: MatchPlace?, of id: NodeIdentity, _ origin: RecordOrigin) {
    let old = places[origin]?[id]
    places[origin, default: [:]][id] = place
    if places[origin]?.isEmpty == true { places[origin] = nil }
    let (before, after) = (old?.conflict ?? [], place?.conflict ?? [])
    if before != after {
      conflicts.set(RawID(origin: origin, nodeID: id), to: after, insteadOf: before)
    }
  }
}
