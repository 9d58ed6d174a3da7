import AffiliateMerge
import ClusterModel
import Testing

@Suite("Labels are merged key by key")
struct LabelTests {
  private func labeled(
    _ id: String, _ labels: [String: String], isLocalID: Bool = false, isStale: Bool = false
  ) throws -> AffiliateRecord {
    var record = AffiliateRecord(
      Affiliate(nodeID: try NodeIdentity(id), nodename: "w-1"), isStale: isStale, isLocalID: isLocalID)
    record.labels = try NodeLabels(labels)
    return record
  }

  private func labels(of id: String, in merge: ClusterMerge) throws -> [String: String] {
    let labels = merge.labels(of: try NodeIdentity(id))
    return Dictionary(uniqueKeysWithValues: labels.map { ($0.key, $0.value) })
  }

  @Test("each key is chosen by itself: fresh before stale, then as any scalar; what differs is a conflict")
  func keys() throws {
    let merge = try ClusterMerge([
      (k8s, try labeled("A", ["rack": "1", "row": "7", "only": "k"])),
      (serviceEU, try labeled("A", ["rack": "2", "row": "7"])),
      (inventory, try labeled("A", ["rack": "3", "old": "x"], isStale: true)),
    ])
    #expect(try labels(of: "A", in: merge) == ["rack": "2", "row": "7", "only": "k", "old": "x"])
    let provenance = try #require(merge.labelProvenance(of: try NodeIdentity("A")))
    #expect(provenance.map(\.key) == ["old", "only", "rack", "row"])
    #expect(provenance.map(\.rule) == [.onlyClaim, .onlyClaim, .lastByRawID, .agreement])
    let claims = provenance[2].claims
    #expect(claims.map(\.values) == [["1"], ["2"], ["3"]])
    #expect(claims.map(\.isChosen) == [false, true, false] && claims.map(\.isStale) == [false, false, true])
    let key = ConflictKey.label("rack", of: try NodeIdentity("A"))
    #expect(merge.conflicts().map(\.value.key) == [key])
    #expect(merge.conflict(key)?.value.claims.map(\.values) == [["1"], ["2"], ["3"]])
    #expect(merge.conflicts(of: try NodeIdentity("A")).map(\.value.key) == [key])
  }

  @Test("with precedence the registry that is named first wins")
  func precedence() throws {
    let merge = try ClusterMerge(
      [
        (k8s, try labeled("A", ["rack": "1"])), (inventory, try labeled("A", ["rack": "3"])),
        (serviceEU, try labeled("A", ["rack": "2", "row": "7"])),
      ], policy: MergePolicy(precedence: ["inventory", "kubernetes"]))
    #expect(try labels(of: "A", in: merge) == ["rack": "3", "row": "7"])
    #expect(merge.labelProvenance(of: try NodeIdentity("A"))?.first?.rule == .precedence)
  }

  @Test("of this node its own labels go before all, and else only records that were joined to it give any")
  func own() throws {
    var merge = try ClusterMerge(
      [
        (serviceEU, try labeled("A", ["rack": "2", "zone": "eu"])),
        (inventory, try labeled("17", ["rack": "3", "serial": "S1"], isLocalID: true)),
      ], policy: MergePolicy(matching: ["inventory": .inventory(alone: .member)]))
    let changes = try merge.apply(.local(labeled("A", ["rack": "1"])), at: at(1))
    #expect(!changes.isEmpty)
    #expect(try labels(of: "A", in: merge) == ["rack": "1", "serial": "S1"])
    #expect(merge.labelProvenance(of: try NodeIdentity("A"))?.map(\.rule) == [.local, .onlyClaim])
    #expect(merge.conflictCount == 0)
  }

  @Test("a change of a label alone is a change of the affiliate and of the member, whose versions rise")
  func versions() throws {
    var merge = try ClusterMerge([(k8s, try labeled("A", ["rack": "1"]))])
    let changes = try merge.apply(.upsert(labeled("A", ["rack": "2"]), from: k8s), at: at(5))
    let versions = changes.compactMap { change -> UInt64? in
      switch change {
      case .affiliate(let change): change.new?.version
      case .member(let change): change.new?.version
      default: nil
      }
    }
    #expect(versions == [2, 2])
    #expect(try merge.apply(.upsert(labeled("A", ["rack": "2"]), from: k8s), at: at(6)).isEmpty)
    #expect(try labels(of: "A", in: merge) == ["rack": "2"])
  }
}
