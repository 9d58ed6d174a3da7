import AffiliateMerge
import ClusterModel
import Testing

/// The five-node cluster of the documentation, seen from its first control-plane node.
@Suite("The documentation's cluster")
struct SeedTests {
  private static let local = "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd"
  private static let others = [
    ("2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF", "controlplane-2", "172.20.0.3", "986b:7eff:fec5:889d"),
    ("6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA", "worker-1", "172.20.0.5", "cc80:3dff:fece:d89d"),
    ("NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB", "worker-2", "172.20.0.6", "2805:fbff:fe80:5ed2"),
    ("b3DebkPaCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C", "controlplane-3", "172.20.0.4", "248f:1fff:fe5c:c3f"),
  ]

  private func node(_ id: String, _ name: String, _ v4: String, _ v6: String) throws -> AffiliateRecord {
    try record(
      id, addresses: [v4, "fd83:b1f7:fcb5:2802:\(v6)"], hostname: "talos-default-\(name)",
      nodename: "talos-default-\(name)", os: "Talos (v1.3.0-alpha.1)",
      type: name.hasPrefix("worker") ? .worker : .controlplane)
  }

  private func cluster() throws -> ClusterMerge {
    var merge = ClusterMerge()
    let records = try Self.others.map { try node($0, $1, $2, $3) }
    let me = try node(Self.local, "controlplane-1", "172.20.0.2", "8c13:71ff:feaf:7c94").affiliate
    _ = try merge.apply(.local(AffiliateRecord(me)), at: at(0))
    _ = try merge.apply(.snapshot(records, from: service), at: at(1))
    _ = try merge.apply(.snapshot(records.reversed(), from: k8s), at: at(2))
    return merge
  }

  @Test("raw affiliates, affiliates and members are listed as documented")
  func listings() throws {
    let merge = try cluster()
    #expect(
      merge.rawAffiliates().map(\.id.description) == Self.others.map { "k8s/\($0.0)" }
        + Self.others.map { "service/\($0.0)" })
    #expect(
      merge.affiliates().map(\.value.nodeID.text) == [
        "2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF", "6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA",
        "NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB", Self.local,
        "b3DebkPaCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C",
      ])
    #expect(
      merge.members().map(\.value.id) == [
        "talos-default-controlplane-1", "talos-default-controlplane-2", "talos-default-controlplane-3",
        "talos-default-worker-1", "talos-default-worker-2",
      ])
    #expect(
      merge.member("talos-default-worker-1")?.value.addresses.map(\.description) == [
        "172.20.0.5", "fd83:b1f7:fcb5:2802:cc80:3dff:fece:d89d",
      ])
    #expect(merge.members().allSatisfy { $0.version == 1 })
    #expect(merge.conflicts().isEmpty)
  }

  @Test("stale Kubernetes data doesn't override fresh service data (siderolabs/talos issue 5827)")
  func staleKubernetes() throws {
    var merge = try cluster()
    let (id, name, _, _) = Self.others[1]
    var kubernetes = try node(id, name, "172.20.0.5", "cc80:3dff:fece:d89d")
    kubernetes.isStale = true
    _ = try merge.apply(.upsert(kubernetes, from: k8s), at: at(3))
    var moved = try node(id, name, "172.20.0.77", "cc80:3dff:fece:d89d")
    moved.affiliate.operatingSystem = "Talos (v1.3.0)"
    _ = try merge.apply(.upsert(moved, from: service), at: at(4))
    let merged = try #require(try merge.merged(id))
    #expect(merged.operatingSystem == "Talos (v1.3.0)")
    #expect(
      merged.values(.addresses) == [
        "172.20.0.77", "fd83:b1f7:fcb5:2802:cc80:3dff:fece:d89d", "172.20.0.5",
      ])
    #expect(try merge.provenance(id, .operatingSystem)?.rule == .fresh)
  }

  @Test("what both registries said survives the outage of one")
  func outage() throws {
    var merge = try cluster()
    let before = merge.affiliates()
    let changes = try merge.apply(.registryGone("service"), at: at(3))
    #expect(changes.count == Self.others.count, "the raw affiliates alone")
    #expect(merge.affiliates() == before)
  }
}
