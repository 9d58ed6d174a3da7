import AffiliateMerge
import ClusterModel
import Testing

@Suite("Raw records")
struct RawRecordTests {
  private func removals(_ changes: [ClusterChange]) -> [String] {
    changes.compactMap { change in
      guard case .raw(let raw, _, let reason) = change, raw.kind == .removed else { return nil }
      return "\(raw.key) \(reason?.rawValue ?? "-")"
    }
  }

  @Test("a removed record carries the reason of its update")
  func reasons() throws {
    var merge = ClusterMerge()
    let records = try ["a", "b", "c", "d"].map { try record($0) }
    _ = try merge.apply(.snapshot(records, from: service), at: at(1))
    let expired = try merge.apply(.snapshot(Array(records[1...]), from: service, absent: .expired), at: at(2))
    #expect(removals(expired) == ["service/a expired"])
    let unsaid = try merge.apply(.snapshot(Array(records[2...]), from: service), at: at(3))
    #expect(removals(unsaid) == ["service/b -"])
    let withdrawn = try merge.apply(
      .remove(try NodeIdentity("c"), from: service, reason: .withdrawn), at: at(4))
    #expect(removals(withdrawn) == ["service/c withdrawn"])
    #expect(removals(merge.removeOrigin(service, reason: .removed, at: at(5))) == ["service/d removed"])
    _ = try merge.apply(.snapshot(records, from: service), at: at(6))
    #expect(
      removals(merge.removeRegistry("service", reason: .unlisted, at: at(7))) == [
        "service/a unlisted", "service/b unlisted", "service/c unlisted", "service/d unlisted",
      ])
  }

  @Test("machine id, creation and health are the raw record's content, and aren't merged")
  func details() throws {
    let plain = try record("a", hostname: "h")
    let changed: [(inout AffiliateRecord) throws -> Void] = [
      { $0.machineID = "0123456789abcdef0123456789abcdef" },
      { $0.createdAt = at(7) }, { $0.health = .notReady(reason: "KubeletNotReady") },
    ]
    for change in changed {
      var merge = try ClusterMerge([(k8s, plain)])
      var said = plain
      try change(&said)
      let changes = try merge.apply(.upsert(said, from: k8s), at: at(1))
      let id = RawID(origin: k8s, nodeID: plain.affiliate.nodeID)
      #expect(changes.count == 1, "the raw affiliate alone")
      #expect(merge.raw(id)?.value == said && merge.raw(id)?.version == 2)
      #expect(try merge.apply(.snapshot([said], from: k8s), at: at(2)).isEmpty)
      #expect(try merge.apply(.snapshot([plain], from: k8s), at: at(3)).count == 1)
      #expect(merge.raw(id)?.value == plain && merge.raw(id)?.version == 3)
    }
  }
}
