import ClusterModel
import Foundation
import HTTPTransport
import KubernetesTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import KubernetesRegistry

/// Against a real kube-apiserver, with kubectl on the other side.
@Suite(
  .serialized,
  .enabled(if: TestCluster.unavailable == nil, Comment(rawValue: TestCluster.unavailable ?? "")))
struct KubernetesIntegrationTests {
  /// A server of this suite's own: it is stopped, and its keys are changed.
  static func server() async throws -> TestCluster { try await TestCluster.shared("registry") }

  let nodeID = NodeAnnotation.nodeID.rawValue
  let selfIPs = NodeAnnotation.selfIPs.rawValue

  /// A registry whose watches last a few seconds, so that they begin anew soon.
  func registry(
    _ config: String, localNodeID: String? = nil, options: (inout KubernetesOptions) -> Void = { _ in },
    watchSeconds: ClosedRange<Int> = 300...600
  ) throws -> TestRegistry {
    try TestRegistry(config: config, localNodeID: localNodeID, options: options) {
      $0.watchSeconds = watchSeconds
    }
  }

  @Test("what kubectl does to Nodes is applied within moments")
  func lifecycle() async throws {
    let cluster = try await Self.server()
    try await cluster.createNode("life-1", annotations: [nodeID: "life-id-1", selfIPs: "10.1.0.1"])
    try await cluster.createNode("life-2")
    try await registry(cluster.adminConfig).run { recorder in
      try await recorder.wait(for: "the list") { $0.ids()?.contains("life-id-1") == true && $0.isHealthy }
      #expect(recorder.now.affiliate("life-id-1")?.addresses == [try IPAddress("10.1.0.1")])
      #expect(recorder.now.affiliate("life-id-1")?.machineType == .worker)
      try await cluster.kubectl(
        "annotate", "node", "life-2", "\(nodeID)=life-id-2", "\(selfIPs)=10.1.0.2,fd00::2")
      try await recorder.wait(for: "the annotation") {
        $0.affiliate("life-id-2")?.addresses.map(\.description) == ["10.1.0.2", "fd00::2"]
      }
      try await cluster.kubectl("label", "node", "life-2", "node-role.kubernetes.io/control-plane=")
      try await recorder.wait(for: "the label") { $0.affiliate("life-id-2")?.machineType == .controlplane }
      try await cluster.kubectl("annotate", "node", "life-2", "\(nodeID)-")
      try await recorder.wait(for: "the annotation's end") { $0.affiliate("life-id-2") == nil }
      try await cluster.kubectl("delete", "node", "life-1", "life-2")
      try await recorder.wait(for: "the deletion") { $0.affiliate("life-id-1") == nil }
    }
  }

  @Test("this node is published as annotations by rollcall, and only where something differs")
  func publishing() async throws {
    let cluster = try await Self.server()
    let test = try registry(
      cluster.adminConfig, localNodeID: "push-id", options: { $0.withdrawOnStop = true })
    var local = Affiliate(
      nodeID: try NodeIdentity("push-id"), addresses: [try IPAddress("10.2.0.1"), try IPAddress("fd00::1")],
      nodename: "push-1", controlPlane: ControlPlane(apiServerPort: 6443))
    local.kubeSpan = KubeSpanAffiliate(endpoints: [try IPEndpoint("[fd00::1]:51820")])
    let publication = Publication(local: local)
    try await test.run { [local] recorder in
      // The Node comes later, as that of a kubelet that still starts.
      let revision = recorder.publish(publication)
      try await recorder.wait(for: "the failure") {
        $0.outcome(of: revision)?.error?.message.contains("no Node 'push-1'") == true
      }
      try await cluster.createNode("push-1", annotations: ["someone.else/x": "y"])
      try await recorder.wait(for: "the success") { $0.outcome(of: revision)?.error == nil }
      let node = try await NodeOnServer("push-1", cluster)
      #expect(
        node.metadata.annotations == [
          "someone.else/x": "y", nodeID: "push-id", selfIPs: "10.2.0.1,fd00::1",
          NodeAnnotation.apiServerPort.rawValue: "6443",
          NodeAnnotation.kubeSpanEndpoints.rawValue: "[fd00::1]:51820",
        ])
      #expect(node.metadata.managedFields?.contains { $0.manager == "rollcall" } == true)
      try await recorder.published(publication)
      #expect(
        try await NodeOnServer("push-1", cluster).metadata.resourceVersion == node.metadata.resourceVersion)
      // Somebody takes one away: it is set again.
      try await cluster.kubectl("annotate", "node", "push-1", "\(selfIPs)-")
      try await recorder.wait(for: "the annotation") {
        $0.log.contains { $0.contains("somebody changed \(selfIPs)") }
      }
      try await eventually("the annotation is back") {
        try await NodeOnServer("push-1", cluster).metadata.annotations?[selfIPs] == "10.2.0.1,fd00::1"
      }
      var changed = local
      changed.controlPlane = nil
      try await recorder.published(Publication(local: changed))
      #expect(
        try await NodeOnServer("push-1", cluster).metadata.annotations?[NodeAnnotation.apiServerPort.rawValue]
          == nil)
      // The own node is left out.
      #expect(recorder.now.affiliate("push-id") == nil)
      try await recorder.published(nil)
      #expect(try await NodeOnServer("push-1", cluster).metadata.annotations == ["someone.else/x": "y"])
    }
    try await cluster.kubectl("delete", "node", "push-1")
  }

  @Test("after a restart of the server an old version is answered with 410, and all nodes are read again")
  func restart() async throws {
    let cluster = try await Self.server()
    try await cluster.createNode("restart-1", annotations: [nodeID: "restart-id"])
    try await registry(cluster.adminConfig).run { recorder in
      try await recorder.wait(for: "the node") { $0.ids()?.contains("restart-id") == true && $0.isHealthy }
      // The version moves on without any Node: the server won't know the watch's any more.
      for index in 0..<3 { try await cluster.kubectl("create", "configmap", "restart-\(index)") }
      try await cluster.stop()
      try await recorder.wait(for: "the report") {
        $0.error(.reading)?.message.contains("Connection refused") == true
      }
      #expect(recorder.now.ids()?.contains("restart-id") == true)
      try await cluster.start()
      try await recorder.wait(for: "the recovery") { $0.isHealthy }
      try await recorder.wait(for: "the second list") {
        $0.log.contains { $0.contains("reading all nodes again") && $0.contains("too old resource version") }
      }
      try await cluster.kubectl("annotate", "node", "restart-1", "\(selfIPs)=10.3.0.1")
      let record = try await recorder.wait(for: "the change") {
        $0.affiliate("restart-id")?.addresses.count == 1
      }
      #expect(!record.updates.contains { if case .remove = $0 { true } else { false } })
      #expect(record.updates.count { if case .snapshot = $0 { true } else { false } } == 1)
    }
    try await cluster.kubectl("delete", "node", "restart-1")
  }

  @Test("a token that is revoked is reported, and a new token file mends it")
  func revokedToken() async throws {
    let cluster = try await Self.server()
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: revoked, namespace: default}\n"
    try await cluster.kubectl("create", input: account)
    try await cluster.kubectl(
      "create", "clusterrole", "revoked", "--verb=get,list,watch", "--resource=nodes")
    try await cluster.kubectl(
      "create", "clusterrolebinding", "revoked", "--clusterrole=revoked", "--serviceaccount=default:revoked")
    let test = try registry(cluster.config(user: "{tokenFile: token}"), watchSeconds: 2...3)
    try test.folder.write(try await cluster.token(of: "revoked", namespace: "default"), to: "token")
    try await test.run { recorder in
      try await recorder.wait(for: "the list") { $0.ids() != nil && $0.isHealthy }
      try await cluster.kubectl("delete", "serviceaccount", "revoked")
      let record = try await recorder.wait(for: "the 401", within: .seconds(60)) {
        $0.error(.credentials) != nil && $0.error(.reading) != nil
      }
      #expect(record.error(.credentials)?.code == .permissionDenied)
      #expect(
        record.error(.credentials)?.message.contains(
          "doesn't accept token file '\(test.folder.path("token"))' (401)") == true,
        "\(record.error(.credentials)?.message ?? "")")
      try await cluster.kubectl("create", input: account)
      try test.folder.replace("token", with: try await cluster.token(of: "revoked", namespace: "default"))
      try await recorder.wait(for: "the recovery") { $0.isHealthy }
    }
    try await cluster.kubectl(
      "delete", "clusterrolebinding/revoked", "clusterrole/revoked", "serviceaccount/revoked")
  }

  @Test("rights that are taken away are reported with the rule that would allow it, and given back")
  func rights() async throws {
    let cluster = try await Self.server()
    try await cluster.signClient("reader", subject: "/CN=reader")
    try await cluster.kubectl("create", "clusterrole", "reader", "--verb=get,list,watch", "--resource=nodes")
    let bind = ["create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader"]
    try await cluster.kubectl(bind)
    try await cluster.createNode("rights-1", annotations: [nodeID: "rights-id"])
    try await registry(cluster.config(user: cluster.certificateUser("reader")), watchSeconds: 2...3).run {
      recorder in
      try await recorder.wait(for: "the list") { $0.ids()?.contains("rights-id") == true && $0.isHealthy }
      try await cluster.kubectl("delete", "clusterrolebinding", "reader")
      let record = try await recorder.wait(for: "the 403", within: .seconds(60)) { !$0.isHealthy }
      let text = record.error(.reading)?.message ?? ""
      #expect(text.contains("user 'reader' may not watch nodes"), "\(text)")
      #expect(text.contains(#"{apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}"#), "\(text)")
      #expect(record.ids()?.contains("rights-id") == true)
      try await cluster.kubectl(bind)
      try await recorder.wait(for: "the recovery") { $0.isHealthy }
    }
    try await cluster.kubectl("delete", "clusterrolebinding/reader", "clusterrole/reader", "node/rights-1")
  }

  @Test("certificates that are replaced are taken over: the client's, and the server's authority")
  func certificates() async throws {
    let cluster = try await Self.server()
    try await cluster.signClient("rotating", subject: "/CN=rotating")
    let folder = try TemporaryFolder()
    @Sendable func copy(_ name: String, as new: String) throws {
      try folder.replace(new, with: try String(contentsOfFile: cluster.path("pki/\(name)"), encoding: .utf8))
    }
    try copy("rotating.crt", as: "client.crt")
    try copy("rotating.key", as: "client.key")
    try copy("ca.crt", as: "ca.crt")
    let user =
      "{client-certificate: \"\(folder.path("client.crt"))\", client-key: \"\(folder.path("client.key"))\"}"
    try await registry(cluster.config(user: user, authority: folder.path("ca.crt")), watchSeconds: 2...3).run
    { recorder in
      try await recorder.wait(for: "the 403") {
        $0.error(.reading)?.message.contains("user 'rotating' may not list nodes") == true
      }
      try copy("admin.key", as: "client.key")
      try copy("admin.crt", as: "client.crt")
      try await recorder.wait(for: "the new certificate") { $0.ids() != nil && $0.isHealthy }
      try await cluster.replaceAuthority()
      try await cluster.stop()
      try await cluster.start()
      let record = try await recorder.wait(for: "the distrust", within: .seconds(60)) {
        $0.error(.reading)?.message.contains("certificate") == true
      }
      let text = record.error(.reading)?.message ?? ""
      #expect(text.contains("the certificate of \(cluster.url) isn't trusted"), "\(text)")
      #expect(text.contains("isn't signed by '\(folder.path("ca.crt"))'"), "\(text)")
      try copy("admin.key", as: "client.key")
      try copy("admin.crt", as: "client.crt")
      try copy("ca.crt", as: "ca.crt")
      try await recorder.wait(for: "the recovery") { $0.isHealthy }
    }
  }

  @Test("tls-server-name is what the certificate has to have")
  func serverName() async throws {
    let cluster = try await Self.server()
    let user = cluster.certificateUser("admin")
    let url = try #require(URLParts(cluster.url))
    try await Relay.run(to: try #require(url.port)) { port in
      let server = "https://\(Relay.host):\(port)"
      func check(_ cluster: String, expected: String?) async throws {
        try await registry(cluster).run { recorder in
          let record = try await recorder.wait(for: "an outcome") { $0.ids() != nil || !$0.isHealthy }
          guard let expected else { return #expect(record.ids() != nil) }
          #expect(
            record.error(.reading)?.message.contains(expected) == true,
            "\(record.error(.reading)?.message ?? "")"
          )
        }
      }
      try await check(
        cluster.config(user: user, server: server, cluster: ", tls-server-name: kubernetes.default.svc"),
        expected: nil)
      try await check(
        cluster.config(user: user, server: server, cluster: ", tls-server-name: wrong.example"),
        expected: "the certificate of \(server) isn't for 'wrong.example'")
      try await check(
        cluster.config(user: user, server: server),
        expected: "the certificate of \(server) isn't for '\(Relay.host)'")
    }
    // Not checked at all, where a person accepts that.
    let insecure = cluster.config(user: user).replacing(
      /certificate-authority: "[^"]*"/, with: "insecure-skip-tls-verify: true")
    try await registry(insecure, options: { $0.allowInsecure = true }).run { recorder in
      try await recorder.wait(for: "the list") { $0.ids() != nil && $0.isHealthy }
    }
  }

  @Test(
    "the manifests of the documentation can be applied, and their service account can do what it has to and no more"
  )
  func manifests() async throws {
    let cluster = try await Self.server()
    let examples = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/kubernetes").path
    try await cluster.kubectl("apply", "-f", "\(examples)/rbac.yaml")
    try await cluster.kubectl("apply", "-f", "\(examples)/daemonset.yaml")
    let account = try await cluster.kubectl(
      "get", "daemonset", "-n", "rollcall", "rollcall", "-o",
      "jsonpath={.spec.template.spec.serviceAccountName}")
    #expect(account == "rollcall")
    // As in a pod: the service account's folder, and where the server is.
    let pod = try TemporaryFolder()
    try pod.write(try await cluster.token(of: account, namespace: "rollcall"), to: "token")
    try pod.write(try String(contentsOfFile: cluster.path("pki/ca.crt"), encoding: .utf8), to: "ca.crt")
    let parts = try #require(URLParts(cluster.url))
    try await cluster.createNode("pod-1")
    try await cluster.createNode("pod-2", annotations: [nodeID: "pod-id-2"])
    var test = try registry(
      "", localNodeID: "pod-id-1",
      options: {
        $0.kubeconfig = nil
        $0.inCluster = true
      })
    test.registry.environment = [
      "KUBERNETES_SERVICE_HOST": parts.host, "KUBERNETES_SERVICE_PORT": "\(try #require(parts.port))",
    ]
    test.registry.serviceAccountFolder = pod.path
    let local = Affiliate(
      nodeID: try NodeIdentity("pod-id-1"), addresses: [try IPAddress("10.9.0.1")], nodename: "pod-1")
    try await test.run { recorder in
      try await recorder.wait(for: "the list") { $0.ids()?.contains("pod-id-2") == true && $0.isHealthy }
      try await recorder.published(Publication(local: local))
      #expect(try await NodeOnServer("pod-1", cluster).metadata.annotations?[selfIPs] == "10.9.0.1")
    }
    let user = "--as=system:serviceaccount:rollcall:rollcall"
    for (verb, resource, expected) in [
      ("list", "nodes", "yes"), ("watch", "nodes", "yes"), ("get", "nodes", "yes"), ("patch", "nodes", "yes"),
      ("update", "nodes", "no"), ("delete", "nodes", "no"), ("create", "nodes", "no"),
      ("get", "secrets", "no"),
      ("list", "pods", "no"),
    ] {
      let result = try await ChildProcess.run(
        "kubectl", ["--kubeconfig", cluster.path("kubeconfig"), "auth", "can-i", verb, resource, user])
      #expect(result.output.trimmed == expected, "\(verb) \(resource)")
    }
    try await cluster.kubectl("delete", "node", "pod-1", "pod-2")
  }

  @Test("all Nodes come in one stream where the server offers it (Kubernetes 1.32), else in a list")
  func initialNodes() async throws {
    let cluster = try await Self.server()
    let version = try #require(
      ServerVersion(Array(try await cluster.kubectl("get", "--raw", "/version").utf8)))
    try await cluster.createNode("stream-1", annotations: [nodeID: "stream-id"])
    let before = try await listsOfNodes(cluster)
    try await registry(cluster.adminConfig, options: { $0.sendInitialEvents = true }).run { recorder in
      try await recorder.wait(for: "all nodes") {
        $0.ids()?.contains("stream-id") == true && $0.isHealthy
      }
      try await cluster.kubectl("annotate", "node", "stream-1", "\(selfIPs)=10.5.0.1")
      try await recorder.wait(for: "the change") { $0.affiliate("stream-id")?.addresses.count == 1 }
      #expect(recorder.now.updates.count == 2)
    }
    let lists = try await listsOfNodes(cluster) - before
    #expect(lists == (version < ServerVersion.withInitialEvents ? 1 : 0), "of \(version)")
    try await cluster.kubectl("delete", "node", "stream-1")
  }

  /// How often the server has been asked for a list of Nodes, by its own count.
  private func listsOfNodes(_ cluster: TestCluster) async throws -> Int {
    let metrics = try await cluster.kubectl("get", "--raw", "/metrics")
    let counts = metrics.split(separator: "\n").filter {
      $0.hasPrefix("apiserver_request_total{") && $0.contains(#"resource="nodes""#)
        && $0.contains(#"verb="LIST""#)
    }
    return try counts.reduce(0) { sum, line in
      sum + Int(try #require(Double(line.split(separator: " ").last ?? "")))
    }
  }

  @Test(
    "the Nodes of a cluster that knows nothing of rollcall are read with labels and Ready, and stay as they are"
  )
  func stockCluster() async throws {
    let cluster = try await Self.server()
    @Sendable func status(_ ready: String) -> String {
      #"{"addresses":[{"type":"Hostname","address":"stock-1"},{"type":"ExternalIP","address":"203.0.113.7"},"#
        + #"{"type":"InternalIP","address":"10.7.0.1"}],"nodeInfo":{"machineID":"6a0eceb4cf8de176bd24abff87481ec9"},"#
        + #""conditions":[{"type":"Ready","status":"\#(ready)","reason":"KubeletReady"}]}"#
    }
    try await cluster.createNode(
      "stock-1", labels: ["topology.kubernetes.io/zone": "a", "other": "x"],
      annotations: ["topology.kubernetes.io/rack": "r 7", "topology.kubernetes.io/zone": "b"],
      status: status("True"))
    try await cluster.createNode("stock-2")
    let test = try registry(
      cluster.adminConfig, localNodeID: "stock-id",
      options: {
        $0.nodes = .all
        $0.labels = ["topology.kubernetes.io/"]
      })
    try await test.run { recorder in
      let revision = recorder.publish(
        Publication(local: Affiliate(nodeID: try NodeIdentity("stock-id"), nodename: "stock-1")))
      try await recorder.wait(for: "the list") { $0.ids()?.contains("stock-2") == true && $0.isHealthy }
      let record = try #require(recorder.now.record("stock-1"))
      #expect(record.isLocalID && record.health == .ready && record.createdAt != nil)
      #expect(record.affiliate.addresses.map(\.description) == ["10.7.0.1", "203.0.113.7"])
      #expect(record.affiliate.hostname == "stock-1" && record.affiliate.nodename == "stock-1")
      #expect(record.machineID == "6a0eceb4cf8de176bd24abff87481ec9")
      #expect(
        record.labels
          == (try NodeLabels(["topology.kubernetes.io/zone": "a", "topology.kubernetes.io/rack": "r 7"])))
      try await recorder.wait(for: "the outcome") { $0.outcome(of: revision)?.error?.code == .unsupported }
      let version = try await NodeOnServer("stock-1", cluster).metadata.resourceVersion

      try await cluster.kubectl("label", "--overwrite", "node", "stock-1", "topology.kubernetes.io/zone=c")
      try await recorder.wait(for: "the label") {
        $0.record("stock-1")?.labels["topology.kubernetes.io/zone"] == "c"
      }
      try await cluster.kubectl(
        "replace", "--raw", "/api/v1/nodes/stock-1/status",
        input:
          #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"stock-1"},"status":\#(status("Unknown"))}"#)
      try await recorder.wait(for: "the condition") {
        $0.record("stock-1")?.health == .notReady(reason: "KubeletReady")
      }
      // It gets an identity, and becomes a Node as any other that has one.
      try await cluster.kubectl("annotate", "node", "stock-2", "\(nodeID)=stock-id-2")
      try await recorder.wait(for: "the identity") {
        $0.record("stock-2") == nil && $0.record("stock-id-2")?.isLocalID == false
      }
      let managers = try await NodeOnServer("stock-1", cluster).metadata
      #expect(managers.managedFields?.contains { $0.manager == "rollcall" } == false)
      #expect(managers.resourceVersion != version)
    }
    try await cluster.kubectl("delete", "node", "stock-1", "stock-2")
  }

  @Test("of Nodes with one identity the one that was made first has it", arguments: NodeChoice.allCases)
  func oneIdentity(choice: NodeChoice) async throws {
    let cluster = try await Self.server()
    try await cluster.createNode("one-b", annotations: [nodeID: "one-id", selfIPs: "10.4.0.1"])
    try await registry(cluster.adminConfig, options: { $0.nodes = choice }).run { recorder in
      try await recorder.wait(for: "the list") { $0.ids()?.contains("one-id") == true && $0.isHealthy }
      // Times have whole seconds.
      let first = try await NodeOnServer("one-b", cluster).metadata.creationTimestamp
      try await eventually("a later second", within: .seconds(10)) {
        try await cluster.kubectl("delete", "--ignore-not-found", "node", "one-a")
        try await cluster.createNode("one-a", annotations: [nodeID: "one-id", selfIPs: "10.4.0.2"])
        return try await NodeOnServer("one-a", cluster).metadata.creationTimestamp != first
      }
      try await recorder.wait(for: "the second one") { $0.record("one-a")?.isLocalID == true }
      #expect(recorder.now.affiliate("one-id")?.addresses.map(\.description) == ["10.4.0.1"])
      try await cluster.kubectl("delete", "node", "one-b")
      try await recorder.wait(for: "the identity") {
        $0.record("one-a") == nil && $0.affiliate("one-id")?.addresses.map(\.description) == ["10.4.0.2"]
      }
    }
    try await cluster.kubectl("delete", "node", "one-a")
  }

  @Test("2,000 Nodes of realistic size are read, and the way of one change isn't longer for it")
  func scale() async throws {
    let cluster = try await Self.server()
    try await cluster.createFixtures(count: 2000)
    try await registry(cluster.adminConfig).run { recorder in
      let start = ContinuousClock.now
      try await recorder.wait(for: "the list", within: .seconds(60)) {
        $0.ids() != nil && $0.isHealthy
      }
      print("2,000 Nodes of kube-apiserver read in \(ContinuousClock.now - start)")
      #expect((recorder.now.contents[.only]?.count ?? 0) >= 2000)
      #expect(recorder.now.log.isEmpty)
      let name = try #require(recorder.now.contents[.only]?.values.first?.affiliate.nodename)
      try await cluster.kubectl("annotate", "node", name, "--overwrite", "\(selfIPs)=10.8.0.1")
      try await recorder.wait(for: "the change") { record in
        record.contents[.only]?.values.first { $0.affiliate.nodename == name }?.affiliate.addresses.map(
          \.description)
          == ["10.8.0.1"]
      }
    }
    try await cluster.kubectl("delete", "--raw", "/api/v1/nodes")
  }
}

/// A Node as kubectl shows it.
private struct NodeOnServer: Decodable {
  struct Metadata: Decodable {
    struct Manager: Decodable { var manager: String }
    var resourceVersion: String
    var creationTimestamp: String?
    var annotations: [String: String]?
    var managedFields: [Manager]?
  }

  var metadata: Metadata

  init(_ name: String, _ cluster: TestCluster) async throws {
    let text = try await cluster.kubectl("get", "--raw", "/api/v1/nodes/\(name)")
    self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
  }
}
