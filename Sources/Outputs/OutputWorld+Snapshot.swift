import ClusterModel
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
        snapshot.members.map(\.value), life: snapshot.life, labels: { snapshot.labels(of: $0) })
    }
  }
}

extension ClusterSnapshot {
  /// The labels that registries give the node; of several values of one the last in the order of raw ids.
  fileprivate func labels(of node: NodeIdentity) -> NodeLabels {
    let all = merge.rawAffiliates(of: node).map(\.record.value.labels).filter { !$0.isEmpty }
    guard all.count > 1 else { return all.first ?? NodeLabels() }
    var merged: [String: String] = [:]
    for labels in all {
      for (key, value) in labels { merged[key] = value }
    }
    // Together they may be more than one may have.
    return (try? NodeLabels(merged)) ?? all.last ?? NodeLabels()
  }
}
