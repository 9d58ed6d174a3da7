import ClusterModel
import ClusterResources
import Rollcall

/// What `get` says at its end where the registries were asked, beside what it printed.
enum DirectGet {
  /// Tells of members that aren't listed, and ends the command where a registry is missing in what was printed.
  static func finish(_ request: GetRequest, _ sync: Sync, _ snapshot: ClusterSnapshot) throws {
    if request.format == .table, request.type == .member { reportConflicts(in: snapshot, request) }
    if request.isOfRegistries || request.type == .kubeSpanPeerSpec {
      try sync.checkWhole(allowed: request.isPartAllowed)
    }
  }

  /// The most conflicts that are told beside the members.
  private static let maximumConflicts = 5

  /// Tells which nodes aren't listed, as another one is the member of their name.
  private static func reportConflicts(in snapshot: ClusterSnapshot, _ request: GetRequest) {
    let names = snapshot.conflicts.map(\.value).filter { conflict in
      guard case .nodename(let name) = conflict.key else { return false }
      return request.ids.isEmpty || request.ids.contains(name)
    }
    for conflict in names.prefix(maximumConflicts) { Terminal.note(conflict.words) }
    if names.count > maximumConflicts {
      Terminal.note("\(names.count - maximumConflicts) more: see 'rollcall get conflicts'")
    }
  }
}
