import ClusterModel
import KubeSpan
import MeshTestSupport
import Rollcall
import Testing

@testable import StatusServer

@Suite("Rows of the mesh")
struct MeshRowsTests {
  private func keys(_ changes: [ResourceTable.Change]) -> [String] {
    changes.map { change in
      switch change {
      case .put(let list, let key, _): "put \(list.rawValue) \(key.id)"
      case .remove(let list, let key, _, _): "remove \(list.rawValue) \(key.id)"
      case .forget(let list, let key): "forget \(list.rawValue) \(key.id)"
      }
    }
  }

  @Test("only what differs is made anew, and conflicts when somebody may say something else of them")
  func differences() throws {
    let aggregator = try Aggregator(registries: [], logger: quiet)
    var rows = MeshRows()
    var report = try SampleMesh.report()
    func take(_ report: MeshReport?, isNew: Bool = true, touched: Set<NodeIdentity>? = []) -> [String] {
      keys(
        rows.changes(
          ClusterDocuments(aggregator.snapshot(), at: aggregator.now(), mesh: report), version: "aaaaa.1",
          isNewReport: isNew, touched: touched))
    }
    let first = take(report)
    #expect(first.count == 1 + 4 + 4 + 1, "\(first)")
    #expect(take(report) == [])
    report.statuses[1].sentBytes += 148
    #expect(take(report, isNew: false) == [])
    #expect(take(report) == ["put kubespanpeerstatuses \(SampleMesh.keys[1])"])
    // Nothing else is said, though it is looked.
    #expect(take(report, touched: [try SampleMesh.node(1)]) == [])
    #expect(take(report, touched: nil) == [])
    report.specs.removeLast()
    report.disputes = []
    let fewer = take(report)
    #expect(fewer.count == 2, "\(fewer)")
    #expect(fewer.first == "remove kubespanpeerspecs \(SampleMesh.keys[3])")
    #expect(fewer.last?.hasPrefix("remove conflicts kubespan/overlap/") == true)
    #expect(take(nil).count == 1 + 3 + 4)
    #expect(take(nil) == [])
    #expect(take(report).count == 1 + 3 + 4)
  }
}
