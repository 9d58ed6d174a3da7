public import ClusterModel

/// What one origin says of one field.
public struct FieldClaim: Hashable, Sendable {
  /// Who says it; nil for this node's own data.
  public let origin: RecordOrigin?
  /// What it says, as a person reads it: one text for a scalar, any number for a list.
  public let values: [String]
  /// Whether the merged value has it, or a part of it.
  public let isChosen: Bool
  /// Whether the record is stale.
  public let isStale: Bool
  /// When it was last heard or, where the registry knows better, confirmed.
  public let at: Timestamp

  public init(origin: RecordOrigin?, values: [String], isChosen: Bool, isStale: Bool, at: Timestamp) {
    self.origin = origin
    self.values = values
    self.isChosen = isChosen
    self.isStale = isStale
    self.at = at
  }
}

/// Why a field chose what it has.
public enum MergeRule: String, Hashable, Sendable {
  /// Only one origin says it.
  case onlyClaim
  /// All that say it say the same.
  case agreement
  /// The last in the order of raw ids.
  case lastByRawID
  /// The first in the order of raw ids: the operating system.
  case firstByRawID
  /// The strongest by `merge.precedence`.
  case precedence
  /// The others are stale.
  case fresh
  /// A list: all that anybody says.
  case union
  /// This node knows itself best.
  case local
}

/// Where a merged field came from.
public struct FieldProvenance: Hashable, Sendable {
  public let field: AffiliateField
  /// The merged value, as a person reads it: one text for a scalar, any number for a list.
  public let values: [String]
  public let rule: MergeRule
  /// All that say something of it, in the order of the walk, the chosen ones marked.
  public let claims: [FieldClaim]

  public init(field: AffiliateField, values: [String], rule: MergeRule, claims: [FieldClaim]) {
    self.field = field
    self.values = values
    self.rule = rule
    self.claims = claims
  }
}
