public import ClusterModel

/// A contradiction as programs are shown it.
public struct ConflictDocument: Hashable, Sendable {
  /// What one says of what is in question.
  public struct Claim: Hashable, Sendable {
    /// The node that it is about.
    public var node: String
    /// Its identity.
    public var nodeID: String
    /// Who says it: registries, with `:` and their source where they have several; `this node` for its own data.
    public var sources: [String]
    /// What they say; empty where that is what the conflict is about.
    public var values: [String]
    /// Whether that is what is shown.
    public var isChosen: Bool
    /// Whether nobody confirms it now.
    public var isStale: Bool

    /// A claim.
    public init(
      node: String, nodeID: String, sources: [String], values: [String] = [], isChosen: Bool = false,
      isStale: Bool = false
    ) {
      self.node = node
      self.nodeID = nodeID
      self.sources = sources
      self.values = values
      self.isChosen = isChosen
      self.isStale = isStale
    }
  }

  /// What a table and a sentence say of it; ``ConflictSummary/claims`` is the sentence.
  public var summary: ConflictSummary
  /// Who says what.
  public var claims: [Claim]

  /// The conflict of `summary`.
  public init(summary: ConflictSummary, claims: [Claim]) {
    self.summary = summary
    self.claims = claims
  }

  /// The document.
  public func value(version: UInt64, updated: Timestamp, resourceVersion: String? = nil) -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "rollcall", type: .conflict, id: summary.id, version: version, owner: "rollcall",
      created: summary.since, updated: updated)
    metadata.resourceVersion = resourceVersion
    return .document(
      metadata,
      spec: [
        "kind": .text(summary.kind), "severity": .text(summary.severity.rawValue),
        "nodes": .texts(summary.nodes), "nodeCount": .integer(Int64(summary.nodeCount)),
        "since": .time(summary.since), "claims": .list(claims.map(Self.value)),
        "message": .text(summary.claims),
      ])
  }

  private static func value(_ claim: Claim) -> ResourceValue {
    .present([
      ("node", .text(claim.node)), ("nodeId", .text(claim.nodeID)), ("sources", .texts(claim.sources)),
      ("values", claim.values.isEmpty ? nil : .texts(claim.values)), ("chosen", .bool(claim.isChosen)),
      ("stale", .bool(claim.isStale)),
    ])
  }
}
