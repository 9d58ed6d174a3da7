import ClusterModel
import KubeSpan
import Rollcall
import RollcallConfiguration

/// What is known of a mesh where no daemon runs: who would be a peer, as that follows from the registries alone.
enum DirectMesh {
  /// Reports with the peers that follow from `snapshot`; nil where the configuration has the mesh off.
  static func reports(_ configuration: Configuration, _ snapshot: ClusterSnapshot) -> MeshReports? {
    guard configuration.kubeSpan != nil else { return nil }
    let now = Timestamp.now()
    let local = snapshot.localID
    let own = local.flatMap { snapshot.merge.affiliate($0)?.value.kubeSpan }
    let plan = PeerPlan(
      affiliates: snapshot.affiliates.map(\.value),
      local: PeerPlan.LocalPeer(
        nodeID: local ?? .random(), publicKey: own?.publicKey ?? "", address: own?.address))
    var report = MeshReport(moment: now)
    report.specs = plan.specs
    report.omissions = plan.omissions
    report.disputes = plan.conflicts.map { MeshReport.Dispute($0, since: now) }
    report.problem = MeshReport.Problem(
      "no daemon was asked: who is a peer follows from the registries, how peers are only a daemon knows",
      since: now)
    let reports = MeshReports()
    reports.publish(report)
    return reports
  }
}
