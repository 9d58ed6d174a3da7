public import ClusterResources

/// The cluster at one moment, as far as outputs need it. Made in constant time; rows are made when they are read.
public struct OutputWorld: Sendable {
  /// The members, and those that are gone.
  public let rows: @Sendable () -> [ExportedMember]
  /// Whether each enabled registry was heard since the start, or its last known good is there.
  public let isKnown: Bool
  /// What the revision is called in a file's header.
  public let revision: String

  /// The cluster with these rows.
  public init(isKnown: Bool, revision: String, rows: @escaping @Sendable () -> [ExportedMember]) {
    self.isKnown = isKnown
    self.revision = revision
    self.rows = rows
  }
}
