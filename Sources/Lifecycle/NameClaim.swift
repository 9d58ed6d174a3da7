import ClusterModel

/// How good a node's claim on its nodename is among those that have the same: this node itself; one that is up; then
/// the order of the merge: the freshest record that says the name, the identity that came last, health, creation, an
/// identity before a local id, the lower text.
struct NameClaim {
  private let id: NodeIdentity
  private let isLocal: Bool
  private let isUp: Bool
  /// 0 a fresh record with an identity says the name, 1 a fresh one without, 2 a stale one with, 3 without.
  private var strength = 3
  private let arrival: Duration?
  /// Of the best records: 0 where one is ready, 2 where all are not ready, else 1.
  private var health = 1
  private var createdAt: Timestamp?

  /// The claim of `node`, which is called as its affiliate says.
  init(_ node: NodeLife, isLocal: Bool, isUp: Bool, _ registries: RegistryTable) {
    id = node.id
    self.isLocal = isLocal
    self.isUp = isUp
    arrival = node.arrival?.elapsed
    guard let affiliate = node.affiliate else { return }
    var (said, unready) = (0, 0)
    for record in node.records where record.record.affiliate.isEqual(.nodename, to: affiliate) {
      let source = registries[record.source]
      let isStale = source.position == nil || record.staleness(source) != nil
      let strength = (isStale ? 2 : 0) + (record.record.isLocalID ? 1 : 0)
      if strength < self.strength || said == 0 {
        self.strength = strength
        (said, unready, health, createdAt) = (0, 0, 1, nil)
      }
      guard strength == self.strength else { continue }
      said += 1
      switch record.record.health {
      case .ready: health = 0
      case .notReady: unready += 1
      case nil: break
      }
      if let made = record.record.createdAt { createdAt = max(createdAt ?? made, made) }
    }
    if said > 0, unready == said { health = 2 }
  }

  /// Whether it goes before `other`.
  func goes(before other: NameClaim) -> Bool {
    if isLocal != other.isLocal { return isLocal }
    if isUp != other.isUp { return isUp }
    if strength != other.strength { return strength < other.strength }
    if arrival != other.arrival {
      guard let arrival, let others = other.arrival else { return arrival != nil }
      return arrival > others
    }
    if health != other.health { return health < other.health }
    if createdAt != other.createdAt {
      guard let createdAt, let others = other.createdAt else { return createdAt != nil }
      return createdAt > others
    }
    if id.isLocal != other.id.isLocal { return other.id.isLocal }
    return id < other.id
  }
}
