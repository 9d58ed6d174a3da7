import ClusterModel

/// How good a node's claim on its nodename is, among those that have the same: the better one is the lower.
struct NameRank {
  let id: NodeIdentity
  let isLocal: Bool
  /// The best record that says the name: 0 fresh with an identity, 1 fresh without, 2 stale with, 3 stale without.
  private(set) var strength = 3
  let heard: HeardTime
  /// Of the best records: 0 where one is ready, 2 where all are not ready, else 1.
  private(set) var health = 1
  /// When the youngest object of the best records was made.
  private(set) var createdAt: Timestamp?

  /// The rank of `node`, of whose records `rules` know which are stale.
  init(_ node: NodeEntry, isLocal: Bool, rules: MergeRules) {
    id = node.id
    self.isLocal = isLocal
    heard = node.heard
    var (said, unready) = (0, 0)
    for raw in node.raws where raw.record.affiliate.isEqual(.nodename, to: node.merged.affiliate) {
      let strength = (rules.isStale(raw) ? 2 : 0) + (raw.record.isLocalID ? 1 : 0)
      if strength < self.strength || said == 0 {
        self.strength = strength
        (said, unready, health, createdAt) = (0, 0, 1, nil)
      }
      guard strength == self.strength else { continue }
      said += 1
      switch raw.record.health {
      case .ready: health = 0
      case .notReady: unready += 1
      case nil: break
      }
      if let made = raw.record.createdAt { createdAt = max(createdAt ?? made, made) }
    }
    if said > 0, unready == said { health = 2 }
  }

  /// Whether it goes before `other`, and by which rule.
  func goes(before other: NameRank) -> (Bool, NameRule) {
    if isLocal != other.isLocal { return (isLocal, .local) }
    if strength != other.strength { return (strength < other.strength, .freshness) }
    if heard != other.heard { return (heard > other.heard, .heardLast) }
    if health != other.health { return (health < other.health, .health) }
    if createdAt != other.createdAt {
      return (createdAt ?? .distantPast > other.createdAt ?? .distantPast, .createdLast)
    }
    if id.isLocal != other.id.isLocal { return (other.id.isLocal, .identity) }
    return (id < other.id, .text)
  }
}

/// When an identity first came. Where it was there with an origin's first snapshot that isn't known, and counts as
/// the earliest.
struct HeardTime: Comparable, Sendable {
  private let time: Timestamp

  static let unknown = HeardTime(time: .distantPast)

  private init(time: Timestamp) { self.time = time }
  init(_ time: Timestamp) { self.time = time }

  static func < (left: HeardTime, right: HeardTime) -> Bool { left.time < right.time }
}

extension Timestamp {
  /// Before everything.
  fileprivate static var distantPast: Timestamp { Timestamp(milliseconds: .min) }
}

/// Which of several nodes with one nodename is the member.
final class NameOwner: Sendable {
  let id: NodeIdentity
  /// Why it goes before the next one; nil where there are too many to look at each.
  let rule: NameRule?

  init(_ id: NodeIdentity, _ rule: NameRule?) {
    self.id = id
    self.rule = rule
  }
}
