import Foundation
import KubernetesTestSupport
import TestSupport
import Testing

/// One cluster as six registries have it, of which only one knows node identities.
@Suite("Five machines, known to six registries", .serialized, .timeLimit(.minutes(5)))
struct OneWorldTests {
  private static let tools = ["ansible-inventory", "promtool", "python3"]
  private static let hasTools = tools.allSatisfy { Program.isThere($0) }

  @Test(
    "an inventory of Ansible, a hosts file, plain Kubernetes, a script and Prometheus' targets add to each machine",
    .enabled(if: hasTools, Comment(rawValue: Program.hint)))
  func joined() async throws {
    let cluster = try await SeedCluster()
    let running = try cluster.nodes.map { try cluster.start($0) }
    for node in cluster.nodes {
      // As a stock kubelet tells it: no annotation of ours, and a zone as a label.
      let addresses = node.addresses.map { "{type: InternalIP, address: \"\($0)\"}" }.joined(separator: ", ")
      try await cluster.kubernetes.createNode(
        node.name, labels: ["topology.kubernetes.io/zone": "eu-1"],
        status: "{addresses: [\(addresses), {type: Hostname, address: \(node.name)}], "
          + "conditions: [{type: Ready, status: \"True\", reason: KubeletReady, message: m, "
          + "lastHeartbeatTime: null, lastTransitionTime: null}]}")
    }
    let folder = cluster.processes.folder
    try await lists(of: cluster.nodes, in: folder)
    let server = try ChildProcess(
      "python3", ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"], folder: folder.path("served"))
    try await eventually("the server listens") { server.outputSoFar.contains(" port ") }
    let port = try #require(server.outputSoFar.firstMatch(of: /port (\d+)/)).1
    let kubeconfig = try folder.write(cluster.kubernetes.adminConfig, to: "kubeconfig")
    try folder.write(
      """
      \(cluster.processes.secrets)
        discovery:
          registries:
            service: {endpoint: "\(cluster.processes.endpoint)"}
            kubernetes: {disabled: false, kubeconfig: \(kubeconfig), nodes: all, labels: [topology.kubernetes.io/]}
            ansible: {plugin: static-file, path: ../ansible.json}
            hosts: {plugin: static-file, path: ../hosts, match: [hostname, address]}
            script: {plugin: exec, command: [../nodes.sh], interval: 1s}
            targets: {plugin: http, url: "http://127.0.0.1:\(port)/targets.json"}
      node: {publish: false}
      """, to: "looking/rollcall.yaml")
    let sources = "service,kubernetes,ansible,hosts,script,targets".split(separator: ",").sorted()
    func ask(_ line: String) async throws -> String {
      try await Command.output(line, in: folder.path("looking"))
    }
    let names = cluster.nodes.map(\.name).sorted()
    try await eventually("five members", within: .seconds(60)) {
      try await ask("get members -o jsonpath={.metadata.id}").split(separator: "\n").map(String.init) == names
    }
    #expect(try await ask("get affiliates -o name").split(separator: "\n").count == 5)
    let list = try await ask("get members -o jsonpath={.metadata.id}{\"=\"}{.status.sources[*].registry}")
    for line in list.split(separator: "\n") {
      let parts = line.split(separator: "=")
      #expect(parts.count == 2 && parts[1].split(separator: " ").sorted() == sources, "\(line)")
    }
    #expect(list.split(separator: "\n").count == 5)
    #expect(!(try await ask("get conflicts -o name")).contains("match/"))
    // Each adds what the others don't know.
    let labels = try await ask("get members -o jsonpath={.metadata.labels}")
    for label in [#""topology.kubernetes.io/zone": "eu-1""#, #""rack": "r1""#, #""job": "node""#] {
      #expect(labels.split(separator: label).count == 6, "\(label): \(labels)")
    }
    let explained = try await ask("explain \(names[0])")
    #expect(explained.contains("joined by nodename \(names[0]), said by service/"), "\(explained)")
    #expect(explained.contains("joined by hostname \(names[0])"), "\(explained)")
    try await cluster.stop(running)
    server.signal(SIGTERM)
    _ = try await server.result()
  }

  /// Writes what the other registries read: made by real tools where there are some.
  private func lists(of nodes: [SeedNode], in folder: TemporaryFolder) async throws {
    try folder.write(
      "[rack1]\n" + nodes.map { "\($0.name) ansible_host=\($0.addresses[0])\n" }.joined(), to: "hosts.ini")
    let inventory = try await ChildProcess.run(
      "ansible-inventory", ["-i", folder.path("hosts.ini"), "--list"])
    try #require(inventory.status == 0, "\(inventory)")
    try folder.write(inventory.output, to: "ansible.json")
    try folder.write(
      "127.0.0.1 localhost\n"
        + nodes.map { "\($0.addresses[0]) \($0.name).example.org \($0.name)\n" }.joined(),
      to: "hosts")
    let printed = nodes.map { #"{"nodename":"\#($0.name)","labels":{"rack":"r1"}}"# }.joined(separator: ",")
    try folder.write("#!/bin/sh\necho '{\"snapshot\":[\(printed)]}'\n", to: "nodes.sh")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("nodes.sh"))
    let targets = nodes.map { #"{"targets":["\#($0.addresses[0]):9100"],"labels":{"job":"node"}}"# }
    try folder.write("[\(targets.joined(separator: ",\n"))]\n", to: "served/targets.json")
    // That Prometheus takes it as well.
    try folder.write(
      """
      scrape_configs:
        - job_name: node
          file_sd_configs: [{files: [served/targets.json]}]

      """, to: "prometheus.yml")
    let checked = try await ChildProcess.run("promtool", ["check", "config", folder.path("prometheus.yml")])
    #expect(checked.status == 0, "\(checked)")
  }
}
