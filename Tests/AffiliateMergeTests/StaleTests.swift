import AffiliateMerge
import ClusterModel
import Testing

@Suite("Stale records")
struct StaleTests {
  /// Kubernetes' data of long ago against the service's of now, and the other way round.
  private func reported(staleOrigin: RecordOrigin, freshOrigin: RecordOrigin) throws -> [(
    RecordOrigin, AffiliateRecord
  )] {
    [
      (
        staleOrigin,
        try record(
          "a", addresses: ["10.0.0.1"], hostname: "old", nodename: "n", os: "old os", type: .worker,
          stale: true)
      ),
      (freshOrigin, try record("a", addresses: ["10.0.0.9"], hostname: "new", nodename: "n", os: "new os")),
    ]
  }

  @Test(
    "a stale record decides nothing that a fresh one says, under any policy",
    arguments: [MergePolicy(), MergePolicy(precedence: ["kubernetes"]), MergePolicy(precedence: ["service"])])
  func weaker(policy: MergePolicy) throws {
    for (stale, fresh) in [(k8s, service), (service, k8s)] {
      let merge = try ClusterMerge(try reported(staleOrigin: stale, freshOrigin: fresh), policy: policy)
      let node = try #require(try merge.merged("a"))
      #expect(node.hostname == "new")
      #expect(node.operatingSystem == "new os")
      #expect(node.machineType == .worker, "what no fresh record sets is filled")
      #expect(node.values(.addresses) == ["10.0.0.9", "10.0.0.1"], "stale items come last")
    }
  }

  @Test("among stale records the rule is the same as among fresh ones")
  func amongStale() throws {
    let reported = [
      (k8s, try record("a", hostname: "k", os: "k os", stale: true)),
      (service, try record("a", hostname: "s", os: "s os", stale: true)),
    ]
    #expect(try ClusterMerge(reported).merged("a")?.hostname == "s")
    #expect(try ClusterMerge(reported).merged("a")?.operatingSystem == "k os")
    let explicit = try ClusterMerge(reported, policy: MergePolicy(precedence: ["kubernetes"]))
    #expect(try explicit.merged("a")?.hostname == "k")
  }

  @Test("a registry that is stale as a whole gives way until it is fresh again")
  func registryStale() throws {
    var merge = try ClusterMerge([
      (k8s, try record("a", hostname: "k")), (service, try record("a", hostname: "s")),
      (service, try record("b", hostname: "s")),
    ])
    let changes = try merge.apply(.registryStale("service", true), at: at(1))
    #expect(try merge.merged("a")?.hostname == "k")
    #expect(try merge.merged("b")?.hostname == "s")
    #expect(try merge.provenance("a", .hostname)?.claims.map(\.isStale) == [false, true])
    #expect(changes.count == 2, "the affiliate and the conflict's claims")
    #expect(try merge.apply(.registryStale("service", true), at: at(2)).isEmpty)
    _ = try merge.apply(.registryStale("service", false), at: at(3))
    #expect(try merge.merged("a")?.hostname == "s")
  }

  @Test("a stale origin gives way to others of its registry until it is fresh again or went")
  func originStale() throws {
    var merge = try ClusterMerge([
      (serviceEU, try record("a", hostname: "eu")), (serviceUS, try record("a", hostname: "us")),
    ])
    #expect(try merge.merged("a")?.hostname == "us")
    _ = try merge.apply(.originStale(serviceUS, true), at: at(1))
    #expect(try merge.merged("a")?.hostname == "eu")
    #expect(try merge.provenance("a", .hostname)?.claims.map(\.isStale) == [false, true])
    #expect(try merge.apply(.originStale(serviceUS, true), at: at(2)).isEmpty)
    _ = try merge.apply(.originStale(serviceUS, false), at: at(3))
    #expect(try merge.merged("a")?.hostname == "us")
    for gone in [MergeOperation.originGone(serviceUS), .registryGone("service")] {
      _ = try merge.apply(.originStale(serviceUS, true), at: at(4))
      _ = try merge.apply(gone, at: at(5))
      _ = try merge.apply(.upsert(try record("a", hostname: "us"), from: serviceUS), at: at(6))
      #expect(try merge.merged("a")?.hostname == "us")
    }
  }

  @Test("a registry that went is not stale when it comes again")
  func goneForgetsStale() throws {
    var merge = try ClusterMerge([(k8s, try record("a", hostname: "k"))])
    _ = try merge.apply(.registryStale("service", true), at: at(1))
    _ = try merge.apply(.registryGone("service"), at: at(2))
    _ = try merge.apply(.upsert(try record("a", hostname: "s"), from: service), at: at(3))
    #expect(try merge.merged("a")?.hostname == "s")
  }

  @Test("that a record became stale is a change of it, of the affiliate only where the merge differs")
  func staleIsContent() throws {
    var merge = try ClusterMerge([(k8s, try record("a", hostname: "k"))])
    let id = RawID(origin: k8s, nodeID: try NodeIdentity("a"))
    let changes = try merge.apply(.upsert(try record("a", hostname: "k", stale: true), from: k8s), at: at(1))
    #expect(changes.count == 1)
    #expect(merge.raw(id)?.version == 2)
    #expect(merge.affiliate(id.nodeID)?.version == 1)
  }
}
