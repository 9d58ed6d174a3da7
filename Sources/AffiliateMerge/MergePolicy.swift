public import ClusterModel

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
/// was there is better than nothing when the node has to be reached, and the order says what to try first. Without
/// ``precedence`` a record that was joined to its node by ``matching`` is in the same way weaker than those that have
/// the node's identity.
public struct MergePolicy: Hashable, Sendable {
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes.
  public var precedence: [String]
  /// By the registry's name, how its records without an identity are joined to nodes; a registry that isn't in it
  /// joins none, and its machines are members by themselves.
  public var matching: [String: RegistryMatching]
  /// Addresses that tell no machines apart, beside those that never do.
  public var ignoredAddresses: IgnoredAddresses

  /// The policy of that order; without one the rule of existing nodes.
  public init(
    precedence: [String] = [], matching: [String: RegistryMatching] = [:],
    ignoredAddresses: IgnoredAddresses = IgnoredAddresses()
  ) {
    self.precedence = precedence
    self.matching = matching
    self.ignoredAddresses = ignoredAddresses
  }
}

/// Addresses that tell no machines apart, as many machines have them.
public struct IgnoredAddresses: Hashable, Sendable {
  /// Those in these networks.
  public var networks: [IPPrefix]
  /// Those that container bridges have by default.
  public var defaultBridges: Bool

  /// Those in `networks`, and unless said otherwise those of container bridges.
  public init(_ networks: [IPPrefix] = [], defaultBridges: Bool = true) {
    self.networks = networks
    self.defaultBridges = defaultBridges
  }
}

/// What decides the order of a walk: the policy, and which registries and origins are stale as a whole.
struct MergeRules: Sendable {
  let policy: MergePolicy
  /// What of records is compared.
  let columns: MatchColumns
  /// Positions of the registries that the policy names.
  private let ranks: [String: Int]
  /// Registries and origins that are stale as a whole.
  private var staleRegistries: Set<String> = []
  private var staleOrigins: Set<RecordOrigin> = []

  init(_ policy: MergePolicy) {
    self.policy = policy
    columns = MatchColumns(policy)
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

  func isStale(_ raw: RawEntry) -> Bool { raw.record.isStale || isStale(raw.origin.name) }

  /// Whether the origin is stale as a whole.
  func isStale(_ origin: RecordOrigin) -> Bool {
    if !staleRegistries.isEmpty, staleRegistries.contains(origin.registry) { return true }
    return !staleOrigins.isEmpty && staleOrigins.contains(origin)
  }

  /// Whether a node is a member that only the registries of these records know.
  func isMember(_ raws: [RawEntry]) -> Bool {
    if policy.matching.isEmpty { return true }
    return raws.contains { policy.matching[$0.origin.name.registry]?.alone != .affiliate }
  }

  // MARK: Order

  /// Whether the policy names an order of registries.
  var isExplicit: Bool { !policy.precedence.isEmpty }

  /// Whether `left` is walked before `right`, strength aside. Total, whatever origins are called.
  func walks(_ left: RawEntry, before right: RawEntry) -> Bool {
    if left.origin === right.origin { return left.record.affiliate.nodeID < right.record.affiliate.nodeID }
    if isExplicit {
      let leftRank = ranks[left.origin.name.registry] ?? .max
      let rightRank = ranks[right.origin.name.registry] ?? .max
      if leftRank != rightRank { return leftRank < rightRank }
    }
    return left.origin < right.origin
  }

  /// The walk of one node's records, which are in the order of ``walks(_:before:)``.
  func walk(_ raws: [RawEntry]) -> Walk {
    let hasJoined = !isExplicit && raws.indices.contains { raws[$0].record.isLocalID }
    guard hasJoined || hasStale(raws) else { return Walk(raws: raws, tiers: [], lastWins: !isExplicit) }
    // A stable sort of few.
    var (walked, tiers): ([RawEntry], [Int]) = ([], [])
    for tier in MatchStrength.allCases.map(\.rawValue) {
      for raw in raws where self.tier(raw) == tier {
        walked.append(raw)
        tiers.append(tier)
      }
    }
    return Walk(raws: walked, tiers: tiers, lastWins: !isExplicit)
  }

  private func tier(_ raw: RawEntry) -> Int {
    MatchStrength(isLocalID: !isExplicit && raw.record.isLocalID, isStale: isStale(raw)).rawValue
  }

  private func hasStale(_ raws: [RawEntry]) -> Bool {
    if raws.indices.contains(where: { raws[$0].record.isStale }) { return true }
    return !(staleRegistries.isEmpty && staleOrigins.isEmpty) && raws.contains(where: isStale)
  }
}
