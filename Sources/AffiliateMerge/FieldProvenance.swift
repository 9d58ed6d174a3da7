public import ClusterModel

/// What one origin says of one field.
public struct FieldClaim: Hashable, Sendable {
  /// Which origin says it; nil for this node's own data.
  public let origin: RecordOrigin?
  /// The local id of a record that was joined to the node, or founds it; nil for one of the node's identity.
  public let localID: NodeIdentity?
  private let said: Said
  /// Whether the merged value has it, or a part of it.
  public let isChosen: Bool
  /// Whether the record is stale.
  public let isStale: Bool
  /// When it was last reported or, where the registry knows better, confirmed.
  public let at: Timestamp

  /// What `origin` says; nil for this node's own data.
  public init(
    origin: RecordOrigin?, localID: NodeIdentity? = nil, values: [String], isChosen: Bool, isStale: Bool,
    at: Timestamp
  ) {
    self.init(
      origin: origin, localID: localID, .values(values), isChosen: isChosen, isStale: isStale, at: at)
  }

  init(
    origin: RecordOrigin?, localID: NodeIdentity?, _ field: AffiliateField, of affiliate: Affiliate,
    isChosen: Bool, isStale: Bool, at: Timestamp
  ) {
    self.init(
      origin: origin, localID: localID, .field(field, of: affiliate), isChosen: isChosen, isStale: isStale,
      at: at)
  }

  private init(
    origin: RecordOrigin?, localID: NodeIdentity?, _ said: Said, isChosen: Bool, isStale: Bool, at: Timestamp
  ) {
    self.origin = origin
    self.localID = localID
    self.said = said
    self.isChosen = isChosen
    self.isStale = isStale
    self.at = at
  }

  /// What it says, as a person reads it: one text for a scalar, any number for a list.
  public var values: [String] {
    switch said {
    case .values(let values): values
    case .field(let field, let affiliate): field.values(in: affiliate)
    }
  }

  /// Whether both say the same.
  func hasValues(of other: FieldClaim) -> Bool {
    if case .field(let field, let affiliate) = said, case .field(field, let theirs) = other.said {
      return field.isEqual(in: affiliate, and: theirs)
    }
    return values == other.values
  }

  /// Texts are made when they are read: a conflict of each of many nodes would hold many.
  private enum Said: Sendable {
    case values([String])
    case field(AffiliateField, of: Affiliate)
  }
}

extension FieldClaim {
  public static func == (left: FieldClaim, right: FieldClaim) -> Bool {
    left.origin == right.origin && left.localID == right.localID && left.isChosen == right.isChosen
      && left.isStale == right.isStale
      && left.at == right.at && left.hasValues(of: right)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(origin)
    hasher.combine(localID)
    hasher.combine(values)
    hasher.combine(isChosen)
    hasher.combine(isStale)
    hasher.combine(at)
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
  /// The others are stale, or were joined to the node without knowing its identity.
  case identity
  /// A list: all that anybody says.
  case union
  /// Nobody says a nodename, and only lists without node identities know the machine: its hostname is its name.
  case hostname
  /// This node knows itself best.
  case local
}

/// Where a merged field came from.
public struct FieldProvenance: Hashable, Sendable {
  /// The field that it is about.
  public let field: AffiliateField
  /// The merged value, as a person reads it: one text for a scalar, any number for a list.
  public let values: [String]
  /// Why the field has this value.
  public let rule: MergeRule
  /// All that say something of it, in the order of the walk, the chosen ones marked.
  public let claims: [FieldClaim]

  /// Where the values of `field` came from.
  public init(field: AffiliateField, values: [String], rule: MergeRule, claims: [FieldClaim]) {
    self.field = field
    self.values = values
    self.rule = rule
    self.claims = claims
  }
}

/// Where a merged label came from.
public struct LabelProvenance: Hashable, Sendable {
  /// The label's key.
  public let key: String
  /// The merged value.
  public let value: String
  /// Why the label has this value.
  public let rule: MergeRule
  /// All that say something of it, in the order of the walk, the chosen ones marked.
  public let claims: [FieldClaim]

  /// Where the value of the label `key` came from.
  public init(key: String, value: String, rule: MergeRule, claims: [FieldClaim]) {
    self.key = key
    self.value = value
    self.rule = rule
    self.claims = claims
  }
}

/// Finds where merged fields came from: never stored, found anew from a node's records.
struct ProvenanceReader {
  let rules: MergeRules
  let local: LocalNode?
  let origins: OriginTable

  /// Where each field of `node` that is set came from.
  func provenance(of node: NodeEntry) -> [FieldProvenance] {
    AffiliateField.allCases.compactMap { field in
      let values = field.values(in: node.merged.affiliate)
      if values.isEmpty { return nil }
      let claims = claims(on: field, of: node)
      return FieldProvenance(
        field: field, values: values, rule: rule(for: field, node.id, claims), claims: claims)
    }
  }

  /// What the node's own data and its records say of `field`, in the order of the walk.
  func claims(on field: AffiliateField, of node: NodeEntry) -> [FieldClaim] {
    let merged = node.merged.affiliate
    var claims: [FieldClaim] = []
    func note(
      _ affiliate: Affiliate, _ origin: RecordOrigin?, _ localID: NodeIdentity?, isStale: Bool,
      _ at: Timestamp
    ) {
      guard field.isSet(in: affiliate) else { return }
      claims.append(
        FieldClaim(
          origin: origin, localID: localID, field, of: affiliate,
          isChosen: field.overlaps(in: affiliate, and: merged),
          isStale: isStale, at: at))
    }
    if let local, local.id == node.id { note(local.affiliate, nil, nil, isStale: false, local.updatedAt) }
    for raw in rules.walk(node.raws).raws {
      let affiliate = raw.record.affiliate
      note(
        affiliate, raw.origin.name, raw.record.isLocalID ? affiliate.nodeID : nil,
        isStale: rules.isStale(raw), lastConfirmed(raw))
    }
    return claims
  }

  /// Where each label of `node` came from.
  func labelProvenance(of node: NodeEntry) -> [LabelProvenance] {
    (node.merged.labels?.values ?? NodeLabels()).map { key, value in
      let claims = claims(onLabel: key, of: node)
      return LabelProvenance(
        key: key, value: value, rule: rule(forLabel: key, node.id, claims), claims: claims)
    }
  }

  /// What the node's own data and its records say of the label `key`, in the order of the walk.
  func claims(onLabel key: String, of node: NodeEntry) -> [FieldClaim] {
    let merged = node.merged.labels?.values[key]
    var claims: [FieldClaim] = []
    let own = local?.id == node.id ? local : nil
    if let own, let value = own.record.labels[key] {
      claims.append(
        FieldClaim(origin: nil, values: [value], isChosen: value == merged, isStale: false, at: own.updatedAt)
      )
    }
    for raw in rules.walk(node.raws).raws {
      guard let value = raw.record.labels[key] else { continue }
      // Of this node only those give labels that were joined to it.
      let counts = own == nil || raw.record.isLocalID
      claims.append(
        FieldClaim(
          origin: raw.origin.name, localID: raw.record.isLocalID ? raw.record.affiliate.nodeID : nil,
          values: [value], isChosen: counts && value == merged, isStale: rules.isStale(raw),
          at: lastConfirmed(raw)))
    }
    return claims
  }

  private func lastConfirmed(_ raw: RawEntry) -> Timestamp {
    if let confirmedAt = raw.record.confirmedAt { return confirmedAt }
    return origins[raw.origin.name]?.lastSnapshot.map { max($0, raw.reportedAt) } ?? raw.reportedAt
  }

  private func rule(for field: AffiliateField, _ id: NodeIdentity, _ claims: [FieldClaim]) -> MergeRule {
    if id == local?.id { return .local }
    if claims.isEmpty { return .hostname }
    if claims.count == 1 { return .onlyClaim }
    if Self.agree(claims) { return .agreement }
    if field.isList { return .union }
    return rule(among: claims, inOrder: field == .operatingSystem ? .firstByRawID : .lastByRawID)
  }

  private func rule(forLabel key: String, _ id: NodeIdentity, _ claims: [FieldClaim]) -> MergeRule {
    if id == local?.id, claims.first?.origin == nil { return .local }
    let claims = id == local?.id ? claims.filter { $0.localID != nil } : claims
    if claims.count == 1 { return .onlyClaim }
    if Self.agree(claims) { return .agreement }
    return rule(among: claims, inOrder: .lastByRawID)
  }

  /// Why one of several different values counts; `order` where nothing but their order decides.
  private func rule(among claims: [FieldClaim], inOrder order: MergeRule) -> MergeRule {
    let fresh = claims.filter { !$0.isStale }
    if !fresh.isEmpty, Self.agree(fresh) { return .fresh }
    if rules.isExplicit { return .precedence }
    let strongest = (fresh.isEmpty ? claims : fresh).filter { $0.localID == nil }
    if !strongest.isEmpty, Self.agree(strongest) { return .identity }
    return order
  }

  private static func agree(_ claims: [FieldClaim]) -> Bool {
    claims.dropFirst().allSatisfy { $0.hasValues(of: claims[0]) }
  }
}
