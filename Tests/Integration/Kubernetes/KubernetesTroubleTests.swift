import Foundation
import KubernetesTestSupport
import TestSupport
import Testing

/// What a person is told who has set up the kubernetes registry wrongly, or may not do what it does.
@Suite(
  "Trouble with Kubernetes is told", .serialized, .timeLimit(.minutes(4)),
  .enabled(if: TestCluster.unavailable == nil, Comment(rawValue: TestCluster.unavailable ?? "")))
struct KubernetesTroubleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func server() async throws -> TestCluster { try await TestCluster.shared("command") }

  /// With a registry that knows one node beside it, the trouble is in `get registries`, and in `explain` with
  /// what is known all the same.
  private func expect(
    _ texts: String..., kubeconfig: String, options: String = "", at place: SourceLocation = #_sourceLocation
  ) async throws {
    try folder.write(kubeconfig, to: "kubeconfig")
    try folder.write(nodes([("known-id", "known-1", "10.0.0.1")]), to: "known.yaml")
    try folder.write(
      """
      cluster:
        discovery:
          registries:
            known: {plugin: static-file, path: known.yaml}
            kubernetes: {disabled: false, kubeconfig: kubeconfig\(options)}
      node: {publish: false, hostname: watcher}
      """, to: "rollcall.yaml")
    let registries = try await Command.run("get registries", in: folder.path)
    let explanation = try await Command.run("explain known-1", in: folder.path)
    #expect(registries.status == 0 && explanation.status == 3, "\(explanation)", sourceLocation: place)
    let row = registries.output.split(separator: "\n").first { $0.contains(" kubernetes ") } ?? ""
    #expect(row.contains(" degraded "), "\(registries)", sourceLocation: place)
    #expect(explanation.output.hasPrefix("known-1   ready since "), "\(explanation)", sourceLocation: place)
    for text in texts {
      #expect(row.contains(text), "not '\(text)': \(row)", sourceLocation: place)
      let lines = explanation.errors.split(separator: "\n")
      #expect(
        lines.contains { $0.contains("registry kubernetes: degraded: ") && $0.contains(text) },
        "not '\(text)': \(explanation)", sourceLocation: place)
    }
  }

  @Test("401: which credential isn't accepted, and whose it is")
  func unauthorized() async throws {
    let server = try await server()
    try folder.write("no-such-token", to: "token")
    try await expect(
      "\(server.url) doesn't accept token file 'token' (401): it is wrong, expired or revoked",
      "from context 'x' of kubeconfig",
      kubeconfig: server.config(user: "{tokenFile: token}"))
  }

  @Test("403: who may not do what with which resource, and the rule that would allow it")
  func forbidden() async throws {
    let server = try await server()
    try await server.signClient("nobody", subject: "/CN=nobody")
    try await expect(
      "user 'nobody' may not list nodes at \(server.url) (403)",
      #"a ClusterRole with the rule {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}"#,
      "a ClusterRoleBinding to that user",
      kubeconfig: server.config(user: server.certificateUser("nobody")))
  }

  @Test("TLS: which authority the certificate isn't signed by, and which name it doesn't have")
  func tls() async throws {
    let server = try await server()
    let authority = folder.path("other.crt")
    let made = try await ChildProcess.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=other", "-keyout", folder.path("other.key"), "-out", authority,
      ])
    try #require(made.status == 0, "\(made)")
    let user = server.certificateUser("admin")
    try await expect(
      "the certificate of \(server.url) isn't trusted: it isn't signed by '\(authority)'",
      "set certificate-authority of context 'x'",
      kubeconfig: server.config(user: user, authority: authority))
    let port = try #require(Int(server.url.split(separator: ":").last ?? ""))
    try await Relay.run(to: port) { port in
      let url = "https://\(Relay.host):\(port)"
      try await expect(
        "the certificate of \(url) isn't for '\(Relay.host)'", "set tls-server-name in context 'x'",
        kubeconfig: server.config(user: user, server: url))
      try await expect(
        "the certificate of \(url) isn't for 'wrong.example'", "set tls-server-name in context 'x'",
        kubeconfig: server.config(user: user, server: url, cluster: ", tls-server-name: wrong.example"))
    }
  }

  @Test("a port at which TLS isn't spoken")
  func plain() async throws {
    let server = try await server()
    let url = try server.etcdEndpoint.replacing("http:", with: "https:")
    try await expect(
      "\(url) broke off the TLS handshake; is the port right, or should the URL begin with http:?",
      kubeconfig: server.config(user: server.certificateUser("admin"), server: url))
  }

  @Test("a context that the kubeconfig doesn't have, and which it has")
  func context() async throws {
    let server = try await server()
    try await expect(
      "kubeconfig: there is no context 'nope'; there are: 'x'",
      kubeconfig: server.adminConfig, options: ", context: nope")
  }

  @Test("a server that doesn't listen, and where its URL is from")
  func unreachable() async throws {
    let server = try await server()
    let silent = try SilentPort()
    defer { withExtendedLifetime(silent) {} }
    let url = "https://127.0.0.1:\(silent.number)"
    try await expect(
      "\(url) can't be reached: Connection refused", "the URL is of context 'x'",
      kubeconfig: server.config(user: server.certificateUser("admin"), server: url))
  }

  @Test("a node that may read but not change its Node says which rule it lacks, and goes on reading")
  func patchForbidden() async throws {
    let server = try await server()
    try await server.signClient("onlooker", subject: "/CN=onlooker")
    try await server.kubectl(
      "create", "clusterrole", "onlooker", "--verb=get,list,watch", "--resource=nodes")
    try await server.kubectl(
      "create", "clusterrolebinding", "onlooker", "--clusterrole=onlooker", "--user=onlooker")
    try folder.write(server.config(user: server.certificateUser("onlooker")), to: "kubeconfig")
    try folder.write(
      """
      cluster: {discovery: {registries: {kubernetes: {disabled: false, kubeconfig: kubeconfig}}}}
      node: {nodename: onlooker-1, addresses: [10.0.0.1]}
      """, to: "rollcall.yaml")
    try await server.createNode("onlooker-1")
    let node = try Command.start(["run", "--state", "state"], in: folder.path)
    try await eventually("it says what it may not", within: .seconds(60)) {
      !node.logged("user 'onlooker' may not ").isEmpty
    }
    let line = try #require(node.logged("user 'onlooker' may not ").first)
    #expect(line.contains("patch node 'onlooker-1'"), "\(line)")
    #expect(line.contains(#"{apiGroups: [\"\"], resources: [nodes], verbs: [patch]}"#), "\(line)")
    node.signal(SIGTERM)
    #expect(try await node.result().status == 0)
    try await server.kubectl(
      "delete", "clusterrolebinding/onlooker", "clusterrole/onlooker", "node/onlooker-1")
  }
}
