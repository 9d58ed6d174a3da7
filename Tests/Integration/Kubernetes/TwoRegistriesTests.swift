import Foundation
import KubernetesTestSupport
import TestSupport
import Testing

/// The service and the kubernetes registry at once: `rollcall serve`, a real kube-apiserver, and five nodes.
@Suite(
  "Two registries at once", .serialized, .timeLimit(.minutes(4)),
  .enabled(if: TestCluster.unavailable == nil, Comment(rawValue: TestCluster.unavailable ?? "")))
struct TwoRegistriesTests {
  private func documented(_ name: String) throws -> String {
    try contents("\(fixture("documented"))/\(name).txt")
  }

  @Test("five nodes in both are shown as documented: each registry's rows, and their merge")
  func picture() async throws {
    let cluster = try await SeedCluster()
    for node in cluster.nodes { try await cluster.createNode(node) }
    let running = try cluster.nodes.map { try cluster.start($0, kubernetes: cluster.enabled) }

    // Nobody who doesn't ask for Kubernetes gets it.
    var view = try cluster.view(kubernetes: nil)
    let raw = "get affiliates --namespace cluster-raw"
    let rows = try documented("affiliates-raw").split(separator: "\n", omittingEmptySubsequences: false)
    try await view.wait(for: rows.filter { !$0.contains(" k8s/") }.joined(separator: "\n"), from: raw)
    let disabled = try await view.output("get registry kubernetes")
    #expect(disabled.contains(" disabled by default"), "\(disabled)")

    view = try cluster.view(kubernetes: cluster.enabled)
    try await view.wait(for: try documented("affiliates-raw"), from: raw)
    try await view.wait(for: try documented("affiliates"), from: "get affiliates")
    try await view.wait(for: try documented("members"), from: "get members")
    for registry in ["kubernetes", "service"] {
      let path = "jsonpath={.status.state} {.status.records}"
      let result = try await Command.run(
        ["get", "registry", registry, "--state", "state", "-o", path], in: view.folder)
      #expect(result.output == "synced 4\n", "\(result)")
    }

    // Who runs kubectl sees the same facts.
    for node in cluster.nodes {
      let annotations = try await cluster.kubernetes.kubectl(
        "get", "node", node.name, "-o",
        #"jsonpath={.metadata.annotations['cluster\.talos\.dev/node-id', 'networking\.talos\.dev/self-ips']}"#
      )
      #expect(annotations == "\(node.identity) \(node.addresses.joined(separator: ","))")
      guard node.name != "talos-default-controlplane-1" else { continue }
      let explanation = try await view.output("explain \(node.name)")
      for field in ["addresses", "hostname", "nodename", "machineType", "operatingSystem"] {
        let block = try #require(
          explanation.components(separatedBy: "\n\n").first { $0.hasPrefix("\(field): ") })
        let lines = block.split(separator: "\n")
        try #require(lines.count == 4, "\(block)")
        #expect(lines[1].hasPrefix("    k8s/\(node.identity) ") && lines[1].contains(" chosen "))
        #expect(lines[2].hasPrefix("    service/\(node.identity) ") && lines[2].contains(" chosen "))
        #expect(lines[3] == "    rule: all that say it say the same")
      }
      #expect(!explanation.contains("conflict"), "\(explanation)")
    }
    try await cluster.stop(running)
  }

  @Test("annotations that have grown old override what the service says only if precedence says so")
  func oldAnnotations() async throws {
    let cluster = try await SeedCluster()
    let (one, two) = (try cluster.node("worker-1"), try cluster.node("worker-2"))
    let running = try await moved(cluster, one, two)
    let old = Facts(
      hostname: "old-worker-1", machineType: "controlplane", operatingSystem: "Talos (v1.2.0)",
      addresses: one.addresses + ["172.20.0.50"])
    let fresh = Facts(
      hostname: one.name, machineType: "worker", operatingSystem: SeedNode.operatingSystem,
      addresses: ["172.20.0.50", one.addresses[1], one.addresses[0]])

    for (precedence, winner, facts) in [
      (["service", "kubernetes"], "service", fresh), (["kubernetes", "service"], "kubernetes", old),
    ] {
      let view = try cluster.view(kubernetes: cluster.enabled, precedence: precedence)
      #expect(try await Facts.shown(of: one, view) == facts, "\(precedence)")
      for claims in try await Claims.shown(of: one, view) {
        #expect(claims.rule == "precedence" && claims.isConflict, "\(claims)")
        #expect(claims.registries == precedence, "the strongest comes first")
        #expect(claims.chosen == [winner], "\(claims)")
      }
    }

    // Without an order of one's own the rule of existing nodes holds: the operating system alone is the old one.
    let view = try cluster.view(kubernetes: cluster.enabled)
    let shown = try await Facts.shown(of: one, view)
    #expect(shown.hostname == fresh.hostname && shown.machineType == fresh.machineType)
    #expect(shown.operatingSystem == old.operatingSystem)
    #expect(shown.addresses == old.addresses)
    for claims in try await Claims.shown(of: one, view) {
      let isSystem = claims.field == "operatingSystem"
      #expect(claims.rule == (isSystem ? "firstByRawID" : "lastByRawID"))
      #expect(claims.chosen == [isSystem ? "kubernetes" : "service"])
    }
    try await cluster.stop(running)
  }

  @Test("an address that moved to another node is told as claimed by both until the old annotation is gone")
  func movedAddress() async throws {
    let cluster = try await SeedCluster()
    let (one, two) = (try cluster.node("worker-1"), try cluster.node("worker-2"))
    let address = one.addresses[0]
    let running = try await moved(cluster, one, two)
    let view = try cluster.view(kubernetes: cluster.enabled, precedence: ["service", "kubernetes"])

    // Where each is reached now comes first, what only the old annotations say comes last.
    #expect(
      try await Facts.shown(of: one, view).addresses == ["172.20.0.50", one.addresses[1], address])
    #expect(
      try await Facts.shown(of: two, view).addresses == [address, two.addresses[1], two.addresses[0]])
    let conflict = "address/\(address) (warning): "
    for node in [one, two] {
      let explanation = try await view.output("explain \(node.name)")
      #expect(explanation.contains("\nconflicts:\n"), "\(explanation)")
      #expect(explanation.contains("    \(conflict)"), "\(explanation)")
      let id = node.identity
      let registry = node.name == one.name ? "k8s/\(id)    " : "service/\(id)"
      let claim = explanation.split(separator: "\n").first {
        $0.contains(#"["\#(address)""#) && $0.hasPrefix("    ")
      }
      #expect(claim?.hasPrefix("    \(registry)   chosen") == true, "who says so: \(explanation)")
    }
    let ambiguous = try await Command.run("explain \(address) --state state", in: view.folder)
    #expect(ambiguous.status == 1)
    let lines = ambiguous.errors.split(separator: "\n")
    #expect(lines.first == "rollcall: '\(address)' is the address of 2 nodes: ask for one by its identity")
    for node in [one, two] {
      #expect(lines.contains { $0.hasSuffix("  \(node.name)  \(node.identity)  address") }, "\(lines)")
    }

    // The kubelet of the first node catches up.
    try await cluster.kubernetes.kubectl(
      "annotate", "node", one.name, "--overwrite",
      "networking.talos.dev/self-ips=172.20.0.50,\(one.addresses[1])")
    let found = try await view.output("explain \(address)")
    #expect(found.hasPrefix("\(two.name)   ready since "), "\(found)")
    #expect(!found.contains(conflict), "\(found)")
    #expect(try await Facts.shown(of: one, view).addresses == ["172.20.0.50", one.addresses[1]])
    try await cluster.stop(running)
  }

  /// Kubernetes knows five nodes as they once were. Since then worker 1 was given another address and hostname,
  /// and worker 2 has the one that was worker 1's: that only the service was told.
  private func moved(
    _ cluster: SeedCluster, _ one: SeedNode, _ two: SeedNode
  ) async throws -> [ChildProcess] {
    for node in cluster.nodes {
      let isOne = node.name == one.name
      try await cluster.createNode(
        node,
        annotations: [
          "cluster.talos.dev/node-id": node.identity,
          "networking.talos.dev/self-ips": node.addresses.joined(separator: ","),
        ],
        hostname: isOne ? "old-worker-1" : nil, isControlPlane: isOne ? true : nil,
        operatingSystem: isOne ? "Talos (v1.2.0)" : SeedNode.operatingSystem)
    }
    let running = try cluster.nodes.map { node in
      let first = [one.name: "172.20.0.50", two.name: one.addresses[0]][node.name]
      return try cluster.start(node, addresses: first.map { [$0] + node.addresses.dropFirst() })
    }
    let view = try cluster.view(kubernetes: nil)
    try await eventually("the service knows all", within: .seconds(60)) {
      try await view.output("get members").split(separator: "\n").count == 6
    }
    return running
  }
}
