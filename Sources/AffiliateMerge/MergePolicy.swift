/// Which registry's record counts where several have one node. Data, not code.
///
/// Without an explicit order this is the rule of existing nodes: a node's raw affiliates are walked in the
/// order of their raw ids as text; lists are unions in order of first appearance; of a scalar the last one
/// that is set wins, but the operating system is the first one that is set.
///
/// With ``precedence`` registries are walked from the strongest to the weakest: lists start with the
/// strongest one's items, and of every scalar the first one that is set wins. Registries that aren't named
/// come after those that are, by their raw prefixes as text.
///
/// Either way a stale record is weaker than every fresh one: fresh ones decide, and a stale one gives only
/// what no fresh one sets. What a stale record alone has of a list is kept, at the list's end: that a node
/// was there is better than nothing when the node has to be reached, and the order says what to try first.
public struct MergePolicy: Hashable, Sendable {
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes.
  public var precedence: [String]

  /// The policy of that order; without one the rule of existing nodes.
  public init(precedence: [String] = []) { self.precedence = precedence }
}

/// What decides the order of a walk: the policy, and which registries and origins are stale as a whole.
struct MergeRules: Sendable {
  let policy: MergePolicy
  /// Positions of the registries that the policy names.
  private let ranks: [String: Int]
  /// Registries and origins that are stale as a whole.
  private var staleRegistries: Set<String> = []
  private var staleOrigins: Set<RecordOrigin> = []

  init(_ policy: MergePolicy) {
    self.policy = policy
    ranks = Dictionary(
      policy.precedence.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The same with another policy.
  func with(_ policy: MergePolicy) -> MergeRules {
    var rules = MergeRules(policy)
    rules.staleRegistries = staleRegistries
    rules.staleOrigins = staleOrigins
    return rules
  }

  // MARK: Staleness

  /// - Returns: whether that was different before.
  mutating func setStale(_ isStale: Bool, registry: String) -> Bool {
    isStale ? staleRegistries.insert(registry).inserted : staleRegistries.remove(registry) != nil
  }

  /// - Returns: whether that was different before.
  mutating func setStale(_ isStale: Bool, origin: RecordOrigin) -> Bool {
    isStale ? staleOrigins.insert(origin).inserted : staleOrigins.remove(origin) != nil
  }

  /// What comes again under the registry's name comes fresh.
  mutating func forget(registry: String) {
    staleRegistries.remove(registry)
    for origin in staleOrigins where origin.registry == registry { staleOrigins.remove(origin) }
  }

  func isStale(_ raw: RawEntry) -> Bool {
    if raw.record.isStale { return true }
    if !staleRegistries.isEmpty, staleRegistries.contains(raw.origin.name.registry) { return true }
    return !staleOrigins.isEmpty && staleOrigins.contains(raw.origin.name)
  }

  // MARK: Order

  /// Whether the policy names an order of registries.
  var isExplicit: Bool { !policy.precedence.isEmpty }

  /// Whether `left` is walked before `right`, staleness aside. Total, whatever origins are called.
  func walks(_ left: Origin, before right: Origin) -> Bool {
    if isExplicit {
      let leftRank = ranks[left.name.registry] ?? .max
      let rightRank = ranks[right.name.registry] ?? .max
      if leftRank != rightRank { return leftRank < rightRank }
    }
    return left < right
  }

  /// The walk of one node's records, which are in the order of ``walks(_:before:)``.
  func walk(_ raws: [RawEntry]) -> Walk {
    guard hasStale(raws) else {
      return Walk(raws: raws, freshCount: raws.count, lastWins: !isExplicit)
    }
    let fresh = raws.filter { !isStale($0) }
    return Walk(raws: fresh + raws.filter(isStale), freshCount: fresh.count, lastWins: !isExplicit)
  }

  private func hasStale(_ raws: [RawEntry]) -> Bool {
    if raws.indices.contains(where: { raws[$0].record.isStale }) { return true }
    return !(staleRegistries.isEmpty && staleOrigins.isEmpty) && raws.contains(where: isStale)
  }
}
