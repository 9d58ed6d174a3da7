import ClusterResources
import Testing

@Suite struct ResourceTypeTests {
  @Test(
    "a type is known by its singular, plural and full name, in any case",
    arguments: [
      ("member", ResourceType.member), ("Members", .member), ("members.cluster.talos.dev", .member),
      ("Members.cluster.talos.dev", .member), ("AFFILIATE", .affiliate), ("affiliates", .affiliate),
      ("identity", .identity), ("identities", .identity), ("registries", .registry), ("Registry", .registry),
      ("registries.rollcall.dev", .registry), ("members.cluster", .member),
      ("Members.Cluster.Talos", .member), ("ids", .identity), ("registries.rollcall", .registry),
      ("kubespanidentities", .kubeSpanIdentity), ("kubespanidentity", .kubeSpanIdentity),
      ("ksi", .kubeSpanIdentity), ("KSIs", .kubeSpanIdentity),
      ("kubespanpeerspecs.kubespan.talos", .kubeSpanPeerSpec), ("kubespanpeerspec", .kubeSpanPeerSpec),
      ("KubeSpanPeerStatuses.kubespan.talos.dev", .kubeSpanPeerStatus),
      ("kubespanpeerstatuses.kubespan", .kubeSpanPeerStatus),
      ("KubeSpanPeerStatus", .kubeSpanPeerStatus), ("kse", .kubeSpanEndpoint), ("kses", .kubeSpanEndpoint),
      ("kubespanendpoint", .kubeSpanEndpoint),
    ])
  func names(name: String, type: ResourceType) throws {
    #expect(try ResourceType.named(name) == type)
  }

  @Test("no name means two types, but for the one that existing clusters have too")
  func ambiguous() {
    let names = ResourceType.all.flatMap(\.names)
    let repeated = Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys
    #expect(Array(repeated) == ["ksps"])
    #expect(
      message { try ResourceType.named("KSPS") }
        == "the resource type 'KSPS' is ambiguous: it means kubespanpeerspecs and kubespanpeerstatuses; write one of them"
    )
    for name in ["m", "ms", "a", "ksie", "members.clust", "kubespanidentities.", "cluster"] {
      #expect(message { try ResourceType.named(name) }?.contains("there is no resource type") == true)
    }
  }

  @Test("an unknown type is told with what was meant perhaps and what there is")
  func unknown() {
    #expect(
      message { try ResourceType.named("membres") }
        == "there is no resource type 'membres': did you mean 'members'? (the types are identities, affiliates, members, registries, conflicts, kubespanidentities, kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints)"
    )
    #expect(
      message { try ResourceType.named("pods") }
        == "there is no resource type 'pods' (the types are identities, affiliates, members, registries, conflicts, kubespanidentities, kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints)"
    )
  }

  @Test("a namespace is one of the type's, the usual one where none is named")
  func namespaces() throws {
    #expect(try ResourceType.affiliate.namespace(nil) == "cluster")
    #expect(try ResourceType.affiliate.namespace("cluster-raw") == "cluster-raw")
    #expect(
      message { try ResourceType.affiliate.namespace("cluster-row") }
        == "there are no affiliates in namespace 'cluster-row': did you mean 'cluster-raw'? (they are in cluster, cluster-raw)"
    )
    #expect(
      message { try ResourceType.member.namespace("cluster-raw") }?.hasPrefix("there are no members") == true)
  }

  @Test("an unknown output format is told with what was meant perhaps")
  func formats() {
    #expect(
      message { try OutputFormat("jason") }
        == "there is no output format 'jason': did you mean 'json'? (the formats are table, wide, name, yaml, json, ndjson, jsonpath=EXPRESSION, custom-columns=NAME:PATH,…, hosts, csv, ansible, ssh-config, prometheus)"
    )
    #expect(
      message { try OutputFormat("jsonpath") }
        == "jsonpath needs an expression, such as jsonpath={.metadata.id}")
  }
}

/// The message of the error that `body` throws, or nil where it throws none.
func message(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return "\(error)"
  }
}
