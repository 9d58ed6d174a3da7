import AffiliateMerge
import ClusterModel
import Testing

@Suite("The rules of the merge")
struct MergeRuleTests {
  @Test("without a precedence the last in the order of raw ids wins a scalar, in any order of arrival")
  func lastWins() throws {
    let reported = [
      (
        k8s,
        try record(
          "a", hostname: "k", nodename: "kn", type: .worker, port: 1, key: "kk", kubeSpanAddress: "fd00::1")
      ),
      (
        service,
        try record(
          "a", hostname: "s", nodename: "sn", type: .controlplane, port: 2, key: "sk",
          kubeSpanAddress: "fd00::2")
      ),
    ]
    for order in [reported, reported.reversed()] {
      let node = try #require(try ClusterMerge(order).merged("a"))
      #expect(node.hostname == "s")
      #expect(node.nodename == "sn")
      #expect(node.machineType == .controlplane)
      #expect(node.controlPlane?.apiServerPort == 2)
      #expect(node.kubeSpan?.publicKey == "sk")
      #expect(node.values(.kubeSpanAddress) == ["fd00::2"])
    }
  }

  @Test("a scalar that the later one doesn't set stays the earlier one's")
  func unsetDoesNotWin() throws {
    let merge = try ClusterMerge([
      (
        k8s,
        try record(
          "a", hostname: "k", nodename: "kn", type: .worker, port: 1, key: "kk", kubeSpanAddress: "fd00::1")
      ),
      (service, try record("a", addresses: ["10.0.0.1"])),
    ])
    let node = try #require(try merge.merged("a"))
    let said = try record(
      "a", addresses: ["10.0.0.1"], hostname: "k", nodename: "kn", type: .worker, port: 1, key: "kk",
      kubeSpanAddress: "fd00::1")
    #expect(node == said.affiliate)
  }

  @Test("the operating system is the first one that is set")
  func firstSystem() throws {
    let merge = try ClusterMerge([
      (service, try record("a", os: "from service")), (k8s, try record("a", os: "from k8s")),
    ])
    #expect(try merge.merged("a")?.operatingSystem == "from k8s")
    let unset = try ClusterMerge([(service, try record("a", os: "from service")), (k8s, try record("a"))])
    #expect(try unset.merged("a")?.operatingSystem == "from service")
  }

  @Test("lists are unions in order of first appearance, each item once")
  func unions() throws {
    let merge = try ClusterMerge([
      (
        service,
        try record(
          "a", addresses: ["10.0.0.3", "10.0.0.1", "10.0.0.3"], pods: ["10.2.0.0/24"],
          excluded: ["10.9.0.0/16"], endpoints: ["10.0.0.3:51820"])
      ),
      (
        k8s,
        try record(
          "a", addresses: ["10.0.0.2", "10.0.0.1"], pods: ["10.1.0.0/24", "10.2.0.0/24"],
          excluded: ["10.8.0.0/16"], endpoints: ["10.0.0.1:51820", "10.0.0.3:51820"])
      ),
    ])
    let node = try #require(try merge.merged("a"))
    #expect(node.values(.addresses) == ["10.0.0.2", "10.0.0.1", "10.0.0.3"])
    #expect(node.values(.additionalAddresses) == ["10.1.0.0/24", "10.2.0.0/24"])
    #expect(node.values(.excludeAdvertisedNetworks) == ["10.8.0.0/16", "10.9.0.0/16"])
    #expect(node.values(.endpoints) == ["10.0.0.1:51820", "10.0.0.3:51820"])
  }

  @Test("long lists are unions too")
  func longUnions() throws {
    let many = (0..<40).map { "10.0.0.\($0)" }
    let merge = try ClusterMerge([
      (k8s, try record("a", addresses: Array(many[..<25]) + ["10.0.0.3"])),
      (service, try record("a", addresses: Array(many[20...]) + ["10.0.0.39"])),
    ])
    #expect(try merge.merged("a")?.values(.addresses) == many)
  }

  @Test("endpoints of one origin join the key of another")
  func endpointsWithoutKey() throws {
    let merge = try ClusterMerge([
      (k8s, try record("a", key: "key")), (service, try record("a", endpoints: ["1.2.3.4:51820"])),
    ])
    let kubeSpan = try #require(try merge.merged("a")?.kubeSpan)
    #expect(kubeSpan.publicKey == "key")
    #expect(kubeSpan.endpoints.map(\.description) == ["1.2.3.4:51820"])
  }

  @Test("a KubeSpan that says nothing is none")
  func emptyKubeSpan() throws {
    var said = try record("a", hostname: "h")
    said.affiliate.kubeSpan = KubeSpanAffiliate()
    #expect(try ClusterMerge([(k8s, said)]).merged("a")?.kubeSpan == nil)
  }

  @Test("with a precedence the strongest wins every scalar and begins every list")
  func precedence() throws {
    let reported = [
      (k8s, try record("a", addresses: ["10.0.0.1"], hostname: "k", os: "k os", type: .worker)),
      (service, try record("a", addresses: ["10.0.0.2"], hostname: "s", os: "s os")),
      (inventory, try record("a", addresses: ["10.0.0.3"], hostname: "i", os: "i os")),
    ]
    let merge = try ClusterMerge(reported, policy: MergePolicy(precedence: ["service", "kubernetes"]))
    let node = try #require(try merge.merged("a"))
    #expect(node.hostname == "s")
    #expect(node.operatingSystem == "s os")
    #expect(node.machineType == .worker)
    #expect(node.values(.addresses) == ["10.0.0.2", "10.0.0.1", "10.0.0.3"])
  }

  @Test("registries that the precedence doesn't name come last, by their raw prefixes")
  func unnamedLast() throws {
    let reported = [
      (k8s, try record("a", addresses: ["10.0.0.1"], hostname: "k")),
      (service, try record("a", addresses: ["10.0.0.2"], hostname: "s")),
      (inventory, try record("a", addresses: ["10.0.0.3"], hostname: "i")),
    ]
    let merge = try ClusterMerge(reported, policy: MergePolicy(precedence: ["elsewhere", "service"]))
    #expect(try merge.merged("a")?.values(.addresses) == ["10.0.0.2", "10.0.0.3", "10.0.0.1"])
    let unnamed = try ClusterMerge(reported, policy: MergePolicy(precedence: ["elsewhere"]))
    #expect(try unnamed.merged("a")?.hostname == "i")
  }

  @Test("another policy merges everything anew")
  func newPolicy() throws {
    var merge = try ClusterMerge([
      (k8s, try record("a", hostname: "k")), (service, try record("a", hostname: "s")),
      (k8s, try record("b", hostname: "same")), (service, try record("b", hostname: "same")),
    ])
    let changes = try merge.apply(.policy(MergePolicy(precedence: ["kubernetes"])), at: at(9))
    #expect(try merge.merged("a")?.hostname == "k")
    let changed = changes.compactMap { change -> String? in
      if case .affiliate(let change) = change { change.key.text } else { nil }
    }
    #expect(changed == ["a"])
    #expect(try merge.apply(.policy(MergePolicy(precedence: ["kubernetes"])), at: at(10)).isEmpty)
    _ = try merge.apply(.policy(MergePolicy()), at: at(11))
    #expect(try merge.merged("a")?.hostname == "s")
  }

  @Test("raw ids are ordered as whole texts: a longer prefix may come before its own start")
  func rawIDOrder() throws {
    let dashed = RecordOrigin(registry: "other", prefix: "k8s-b")
    let merge = try ClusterMerge([
      (k8s, try record("a", hostname: "k8s/a")), (dashed, try record("a", hostname: "k8s-b/a")),
    ])
    #expect(merge.rawAffiliates().map(\.id.description) == ["k8s-b/a", "k8s/a"])
    #expect(try merge.merged("a")?.hostname == "k8s/a")
  }

  @Test("several sources of one registry are records of their own")
  func sources() throws {
    var merge = try ClusterMerge([
      (serviceUS, try record("a", addresses: ["10.0.0.2"], hostname: "us")),
      (serviceEU, try record("a", addresses: ["10.0.0.1"], hostname: "eu")),
    ])
    #expect(
      merge.rawAffiliates().map(\.id.description) == ["service:eu.example.org/a", "service:us.example.org/a"])
    #expect(merge.rawCount(of: "service") == 2)
    #expect(try merge.merged("a")?.values(.addresses) == ["10.0.0.1", "10.0.0.2"])
    #expect(try merge.merged("a")?.hostname == "us")
    _ = try merge.apply(.originGone(serviceUS), at: at(1))
    #expect(try merge.merged("a")?.hostname == "eu")
    _ = try merge.apply(.upsert(try record("a", hostname: "us"), from: serviceUS), at: at(2))
    let gone = try merge.apply(.registryGone("service"), at: at(3))
    #expect(merge.affiliateCount == 0)
    #expect(merge.rawCount == 0)
    // Two raw affiliates, the affiliate, and the dispute over its hostname.
    #expect(gone.count == 4)
  }
}
