import ClusterModel
import KubeSpan
import MeshTestSupport
import Rollcall
import RollcallMetrics
import Testing

@Suite("Metrics of the WireGuard mesh")
struct MeshMetricsTests {
  private func lines(_ report: MeshReport?) throws -> [String] {
    let page = DaemonMetrics().page(
      try Aggregator(registries: []).snapshot(), mesh: report, at: SampleMesh.now)
    return page.text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("rollcall_kubespan_") }
  }

  @Test("without a mesh there are none")
  func none() throws { #expect(try lines(nil) == []) }

  @Test("they say how peers are, what went over the tunnel, and what is wrong")
  func sample() throws {
    var report = try SampleMesh.report()
    report.problem = MeshReport.Problem("nft can't be run", since: SampleMesh.ago(5))
    let lines = try lines(report)
    for line in [
      "rollcall_kubespan_up 0", "rollcall_kubespan_problem_since_timestamp_seconds 1795661995.0",
      "rollcall_kubespan_passes_total 7", #"rollcall_kubespan_peers{state="up"} 1"#,
      #"rollcall_kubespan_peers{state="down"} 1"#, #"rollcall_kubespan_peers{state="unknown"} 2"#,
      "rollcall_kubespan_peers_overdue 1",
      #"rollcall_kubespan_peer_handshake_age_seconds{peer="w-1"} 34.0"#,
      #"rollcall_kubespan_peer_receive_bytes_total{peer="w-1"} 15043220"#,
      #"rollcall_kubespan_peer_transmit_bytes_total{peer="w-2"} 148"#,
      #"rollcall_kubespan_peer_endpoint_changes_total{peer="w-2"} 4"#,
      #"rollcall_kubespan_disputes{kind="overlap"} 1"#, #"rollcall_kubespan_disputes{kind="emptied"} 0"#,
    ] {
      #expect(lines.contains(line), "\(line)")
    }
    // Who was never heard has no age.
    #expect(lines.count { $0.hasPrefix("rollcall_kubespan_peer_handshake_age_seconds") } == 1)
    #expect(try self.lines(try SampleMesh.report()).contains("rollcall_kubespan_up 1"))
  }

  @Test("at most a hundred peers are named, each otherwise; the others are counted together")
  func bounded() throws {
    var report = MeshReport(moment: SampleMesh.now)
    report.statuses = try (0..<150).map { number in
      var status = PeerStatus(
        publicKey: "", nodeID: try NodeIdentity("node-\(number)"), label: number < 3 ? "same" : "w-\(number)")
      status.receivedBytes = 2
      return status
    }
    report.statuses[3].label = "other"
    report.statuses[4].label = ""
    let series = try lines(report).filter {
      $0.hasPrefix("rollcall_kubespan_peer_receive_bytes_total{")
    }
    #expect(series.count == 101 && Set(series).count == 101)
    #expect(series.contains(#"rollcall_kubespan_peer_receive_bytes_total{peer="other"} 100"#))
    for name in ["same", "node-1", "node-2", "node-3", "node-4", "w-99"] {
      #expect(series.contains(#"rollcall_kubespan_peer_receive_bytes_total{peer="\#(name)"} 2"#), "\(name)")
    }
  }
}
