/// What decides the order of a walk: the policy, and who is stale as a whole.
struct MergeRules: Sendable {
  let policy: MergePolicy
  var stale: Stale
  /// Positions of the registries that the policy names.
  private let ranks: [String: Int]

  init(_ policy: MergePolicy, stale: Stale = Stale()) {
    self.policy = policy
    self.stale = stale
    ranks = Dictionary(
      policy.precedence.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private var isExplicit: Bool { !policy.precedence.isEmpty }

  /// Whether `left` is walked before `right`, staleness aside. Total, whatever origins are called.
  func walks(_ left: Origin, before right: Origin) -> Bool {
    if isExplicit {
      let leftRank = ranks[left.name.registry] ?? .max
      let rightRank = ranks[right.name.registry] ?? .max
      if leftRank != rightRank { return leftRank < rightRank }
    }
    return left.isBelow(right)
  }

  func isStale(_ raw: RawEntry) -> Bool {
    raw.isStale || !stale.isEmpty && stale.contains(raw.origin.name)
  }

  /// The walk of one node's records, which are in the order of ``walks(_:before:)``.
  func walk(_ raws: [RawEntry]) -> Walk {
    guard raws.contains(where: isStale) else {
      return Walk(raws: raws, freshCount: raws.count, lastWins: !isExplicit)
    }
    let fresh = raws.filter { !isStale($0) }
    return Walk(raws: fresh + raws.filter(isStale), freshCount: fresh.count, lastWins: !isExplicit)
  }
}

extension Origin {
  /// The order of raw ids as text; names decide where two origins have the same raw ids.
  func isBelow(_ other: Origin) -> Bool {
    if rawStart != other.rawStart { return rawStart < other.rawStart }
    if name.registry != other.name.registry { return name.registry < other.name.registry }
    return name.source < other.name.source
  }
}
