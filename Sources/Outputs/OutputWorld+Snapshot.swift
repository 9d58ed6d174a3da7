import ClusterResources
public import Rollcall

extension OutputWorld {
  /// The cluster as `snapshot` has it.
  ///
  /// - Parameters:
  ///   - isKnown: whether the whole cluster is known; nil: what the snapshot says.
  ///   - revision: what the revision is called; nil: its number.
  public init(_ snapshot: ClusterSnapshot, isKnown: Bool? = nil, revision: String? = nil) {
    self.init(isKnown: isKnown ?? snapshot.isKnown, revision: revision ?? "\(snapshot.revision)") {
      ExportedMember.rows(
        snapshot.members.map(\.value), labels: snapshot.merge.labels(of:), life: snapshot.life)
    }
  }
}
