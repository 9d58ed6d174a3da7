import Foundation
import KubernetesTestSupport
import TestSupport
import Testing

/// The five documented nodes with a real discovery service and a real API server, and somebody who looks.
struct SeedCluster: Sendable {
  let nodes: [SeedNode]
  let processes: ProcessCluster
  let service: ChildProcess
  let kubernetes: TestCluster
  /// Enables the kubernetes registry.
  let enabled: String

  /// Starts the service. The Kubernetes cluster, which tests share, has none of the nodes then.
  init() async throws {
    nodes = try SeedNode.all()
    kubernetes = try await TestCluster.shared("command")
    try await kubernetes.kubectl(["delete", "--ignore-not-found", "node"] + nodes.map(\.name))
    processes = try await ProcessCluster()
    service = try await processes.serve("--rate-limit", "0")
    let kubeconfig = try processes.folder.write(kubernetes.adminConfig, to: "kubeconfig")
    enabled = "{disabled: false, kubeconfig: \"\(kubeconfig)\"}"
  }

  /// The node whose name ends so.
  func node(_ suffix: String) throws -> SeedNode { try #require(nodes.first { $0.name.hasSuffix(suffix) }) }

  /// Makes a Node as a kubelet does.
  func createNode(
    _ node: SeedNode, annotations: [String: String] = [:], hostname: String? = nil,
    isControlPlane: Bool? = nil, operatingSystem: String = SeedNode.operatingSystem
  ) async throws {
    try await kubernetes.createNode(
      node.name,
      labels: isControlPlane ?? (node.machineType == "controlplane")
        ? ["node-role.kubernetes.io/control-plane": ""] : [:],
      annotations: annotations,
      status: "{addresses: [{type: Hostname, address: \(hostname ?? node.name)}], "
        + "nodeInfo: {osImage: \(operatingSystem)}}")
  }

  /// Starts a node, with the service alone unless `kubernetes` says more.
  func start(_ node: SeedNode, addresses: [String]? = nil, kubernetes: String? = nil) throws -> ChildProcess {
    try identify(node.name, as: node)
    try processes.configure(
      node.name, node: node.description(addresses: addresses), kubernetes: kubernetes)
    return try processes.start(node.name)
  }

  /// Ends nodes, and expects that they go in peace.
  func stop(_ running: [ChildProcess]) async throws {
    for node in running { node.signal(SIGTERM) }
    for node in running {
      let end = try await node.result()
      #expect(end.status == 0, "\(end)")
    }
  }

  /// Looks from the first control-plane node with the configuration given.
  func view(kubernetes: String?, precedence: [String] = []) throws -> View {
    let node = try node("controlplane-1")
    try identify("view", as: node)
    try processes.configure(
      "view", node: node.description(), kubernetes: kubernetes, precedence: precedence)
    return View(folder: processes.folder.path("view"))
  }

  private func identify(_ folder: String, as node: SeedNode) throws {
    try processes.folder.write("nodeId: \(node.identity)\n", to: "\(folder)/state/node-identity.yaml")
  }

  /// A folder with a configuration and an identity.
  struct View: Sendable {
    let folder: String

    /// What the command prints where it has nothing to complain of.
    func output(_ line: String) async throws -> String {
      try await Command.output("\(line) --state state --timeout 60s", in: folder)
    }

    /// Waits until the command prints `table`, whatever the versions in it are.
    func wait(for table: String, from line: String) async throws {
      let expected = versionsLeftOut(table)
      do {
        try await eventually("the documented table", within: .seconds(60)) {
          try await versionsLeftOut(output(line)) == expected
        }
      } catch {
        let shown = try await output(line)
        Issue.record("\(error)\n\(line) prints\n\(shown)")
      }
    }
  }
}
