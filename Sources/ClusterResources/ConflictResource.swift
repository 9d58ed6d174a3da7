public import ClusterModel

/// A contradiction as a person is shown it: a type of our own, as existing clusters don't show theirs.
public struct ConflictSummary: Hashable, Sendable {
  /// How much it matters.
  public enum Severity: String, Hashable, Sendable {
    /// Who is who, or where packets go, isn't clear: somebody should look.
    case warning
    /// Registries write something differently, or many share it.
    case info
  }

  /// What it is called: its kind and the thing, as in `address/10.0.0.1`.
  public var id: String
  /// How much it matters.
  public var severity: Severity
  /// `address`, `nodename`, `publicKey`, or the name of a field.
  public var kind: String
  /// What the nodes concerned are called, as many as are worth it.
  public var nodes: [String]
  /// How many nodes are concerned.
  public var nodeCount: Int
  /// Since when.
  public var since: Timestamp
  /// Who says what, in one line.
  public var claims: String

  /// What is shown of a conflict.
  public init(
    id: String, severity: Severity, kind: String, nodes: [String], nodeCount: Int, since: Timestamp,
    claims: String
  ) {
    self.id = id
    self.severity = severity
    self.kind = kind
    self.nodes = nodes
    self.nodeCount = nodeCount
    self.since = since
    self.claims = claims
  }
}

extension Resource {
  /// A conflict, of which `version` and `updated` say when it last changed.
  public static func conflict(
    _ conflict: ConflictSummary, version: UInt64, node: String, updated: Timestamp
  ) -> Resource {
    let more =
      conflict.nodeCount > conflict.nodes.count ? ",+\(conflict.nodeCount - conflict.nodes.count)" : ""
    return Resource(
      node: node,
      metadata: ResourceMetadata(
        namespace: "rollcall", type: .conflict, id: conflict.id, version: version, owner: "rollcall",
        created: conflict.since, updated: updated),
      spec: [
        "severity": .text(conflict.severity.rawValue), "kind": .text(conflict.kind),
        "nodes": .texts(conflict.nodes), "nodeCount": .integer(Int64(conflict.nodeCount)),
        "since": .time(conflict.since), "whoSaysSo": .text(conflict.claims),
      ],
      cells: [
        conflict.severity.rawValue, conflict.kind, conflict.nodes.joined(separator: ",").shown + more,
        conflict.since.description, conflict.claims.shown,
      ])
  }
}
