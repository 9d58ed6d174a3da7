import ClusterResources
public import Rollcall

extension OutputWorld {
  /// The cluster as `snapshot` has it.
  ///
  /// - Parameters:
  ///   - restored: the registries of which it was read from a file what they last said: they needn't be heard before
  ///     the cluster counts as known.
  ///   - revision: what the revision is called; nil: its number.
  public init(_ snapshot: ClusterSnapshot, restored: Set<String> = [], revision: String? = nil) {
    let isKnown = snapshot.registries.allSatisfy {
      $0.state == .disabled || $0.hasSynced || restored.contains($0.name)
    }
    self.init(isKnown: isKnown, revision: revision ?? "\(snapshot.revision)") {
      ExportedMember.rows(snapshot.members.map(\.value), life: snapshot.life)
    }
  }
}
