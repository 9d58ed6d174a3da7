import Foundation
import StatusTestSupport
import TestSupport
import Testing

@Suite("The mesh on the command line")
struct KubeSpanVerbTests {
  private static let publicKey = "Oak2fBEWngBhwslBxDVgnRNHXs88OAp4kjroSX0uqUE="
  private static let privateKey = "sF45u5ePau58WeeCUY3T8D9foEKaQ8Opx4cGC8g4XE4="

  private static func mesh(problem: String = "null", state: String = "up") -> String {
    """
    {"metadata": {"resourceVersion": "q7f3k.1", "now": "2026-11-26T03:00:00.000Z", "synced": true, "partial": []},
    "enabled": true, "identity": {"address": "fd83::1/128", "subnet": "fd83::/64", "publicKey": "\(publicKey)"},
    "device": {"interface": "kubespan", "kind": "kernel", "listenPort": 51820, "mtu": 1420},
    "problem": \(problem), "warnings": [], "counts": {"peers": 1, "up": 1},
    "peers": [{"nodeId": "n1", "label": "w-1", "publicKey": "k", "address": "fd83::2", "allowedIPs": [],
    "state": "\(state)", "since": "2026-11-26T02:48:00Z", "endpoint": "10.0.0.1:51820", "receiveBytes": 2048,
    "transmitBytes": 10, "handshakeAgeSeconds": 34, "endpoints": [], "why": []}], "omitted": [], "disputes": []}
    """
  }

  private func world(
    _ mesh: @escaping @Sendable () -> String,
    _ other: @escaping @Sendable (FakeDaemon.Request) -> FakeDaemon.Answer? = { _ in nil }
  ) throws -> DaemonWorld {
    try DaemonWorld { $0.path == "/v1/kubespan" ? .json(mesh()) : other($0) }
  }

  @Test("kubespan shows it, one peer of it, and documents, and ends with 0")
  func shown() async throws {
    let world = try world { Self.mesh() }
    let table = try await world.run("kubespan")
    #expect(table.status == 0 && table.errors == "")
    #expect(
      table.output == """
        address     fd83::1/128
        public key  \(Self.publicKey)
        device      kubespan (kernel), port 51820, MTU 1420
        peers       1: 1 up

        NAME  STATE  SINCE  RX    TX   SHAKE  ENDPOINT
        w-1   up     12m    2.0K  10B  34s    10.0.0.1:51820

        """)
    let one = try await world.run("kubespan w-1")
    #expect(one.status == 0 && one.output.hasPrefix("w-1   up since 02:48:00 (12m)\n"))
    #expect(try await world.run("kubespan w-1 -o yaml").output.hasPrefix("nodeId: n1\nlabel: w-1\n"))
    #expect(try await world.run("kubespan -o json").output.contains("\"enabled\": true"))
    let unknown = try await world.run("kubespan w-2")
    #expect(unknown.status == 1 && unknown.errors.contains("did you mean 'w-1'?"), "\(unknown)")
    #expect(try await world.run("kubespan -o csv").status == 2)
  }

  @Test("kubespan ends with 3 where the mesh doesn't stand, and with 1 where there is none or no daemon")
  func statuses() async throws {
    let problem = #"{"message": "nft can't be run", "since": "2026-11-26T02:59:00Z"}"#
    let broken = try await world { Self.mesh(problem: problem) }.run("kubespan")
    #expect(broken.status == 3)
    #expect(broken.output.contains("\nproblem     nft can't be run (since 02:59:00 (1m))\n"))
    let off = try await world { #"{"enabled": false, "reason": "KubeSpan is off: x"}"# }.run("kubespan")
    #expect(off.status == 1 && off.output == "" && off.errors == "rollcall: KubeSpan is off: x\n")
    let folder = try TemporaryFolder()
    let nobody = try await Command.run(
      "kubespan", in: folder.path, environment: ["ROLLCALL_SOCKET": folder.path("none.sock")])
    #expect(nobody.status == 1 && nobody.errors.contains("nothing answers at"))
  }

  @Test("kubespan --watch goes on, and prints a peer whose state changed")
  func watch() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.mesh(), to: "mesh")
    let path = folder.path("mesh")
    let world = try world { (try? contents(path)) ?? "" }
    let process = try Command.start(
      ["kubespan", "-w"], in: world.folder.path, environment: ["ROLLCALL_SOCKET": world.socket])
    defer { process.signal(SIGTERM) }
    try await eventually("the table is there") { process.outputSoFar.hasSuffix("10.0.0.1:51820\n") }
    try folder.replace("mesh", with: Self.mesh(state: "down"))
    try await eventually("the change is there") {
      process.outputSoFar.hasSuffix("\n03:00:00\nw-1  down  12m  2.0K  10B  34s  10.0.0.1:51820\n")
    }
  }

  @Test("the private key is shown to its owner who asks for it, and to nobody else")
  func secrets() async throws {
    let identity = """
      {"apiVersion": "rollcall.dev/v1", "kind": "KubeSpanIdentityList", "metadata": {"resourceVersion": "q7f3k.1",
      "now": "2026-11-26T03:00:00.000Z", "synced": true, "partial": []}, "items": [{"metadata": {
      "namespace": "kubespan", "type": "KubeSpanIdentities.kubespan.talos.dev", "id": "local", "version": 1,
      "owner": "rollcall", "phase": "running", "created": "2026-11-26T03:00:00Z", "updated": "2026-11-26T03:00:00Z"},
      "spec": {"address": "fd83::1/128", "subnet": "fd83::/64", "privateKey": "<redacted>",
      "publicKey": "\(Self.publicKey)"}}]}
      """
    let world = try world({ Self.mesh() }) {
      $0.path == "/v1/kubespanidentities" ? .json(identity) : nil
    }
    let path = try world.folder.write("privateKey: \(Self.privateKey)\n", to: "state/kubespan-identity.yaml")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    let state = world.folder.path("state")
    let line = ["get", "ksi", "-o", "yaml", "--socket", world.socket, "--state", state]
    let hidden = try await world.run(line)
    #expect(hidden.status == 0 && hidden.output.contains("\n    privateKey: <redacted>\n"), "\(hidden)")
    let shown = try await world.run(line + ["--show-secrets"])
    #expect(shown.output.contains("\n    privateKey: \(Self.privateKey)\n") && shown.errors == "", "\(shown)")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    let open = try await world.run(line + ["--show-secrets"])
    #expect(open.output.contains("\n    privateKey: <redacted>\n"))
    #expect(open.errors.contains("the private key isn't shown: others may use") == true)
    #expect(try await world.run("get members --show-secrets").status == 2)
  }

  @Test("without a daemon peers follow from the registries, and the rest is said to need one")
  func direct() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      nodes:
        - {nodeId: a, nodename: w-1, addresses: [10.0.0.1], kubespan: {publicKey: 06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=, address: "fd83::1", endpoints: ["10.0.0.1:51820"]}}
        - {nodeId: b, nodename: w-2, addresses: [10.0.0.2], kubespan: {publicKey: mB6WlFOR66Jx5rtPMIpxJ3s4XHyer9NCzqWPP7idGRo=, address: "fd83::2", additionalAddresses: [10.0.0.1/32]}}

      """, to: "nodes.yaml")
    let configuration = { (isOn: Bool) in
      """
      cluster:
        id: c
        secret: I24zU+UBl6wPUFIVktgJcldr44lWjeuFl+yfQDUNOCM=
        discovery: {registries: {service: {disabled: true}, list: {plugin: static-file, path: nodes.yaml}}}
      node: {publish: false}
      kubespan: {enabled: \(isOn)}
      """
    }
    try folder.write(configuration(true), to: "rollcall.yaml")
    let specs = try await Command.run(
      "get kubespanpeerspecs -o jsonpath={.metadata.id}={.spec.allowedIPs}", in: folder.path)
    #expect(
      specs.output == """
        06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI==["10.0.0.1/32","fd83::1/128"]
        mB6WlFOR66Jx5rtPMIpxJ3s4XHyer9NCzqWPP7idGRo==["10.0.0.2/32","fd83::2/128"]

        """, "\(specs)")
    let conflicts = try await Command.output("get conflicts -o name", in: folder.path)
    #expect(conflicts == "conflict/kubespan/overlap/b/a\n")
    let explained = try await Command.output("explain w-2", in: folder.path)
    #expect(explained.contains("\n    10.0.0.1/32   goes to w-1, which has it too\n"), "\(explained)")
    for type in ["kubespanpeerstatuses", "kubespanidentities", "kubespanendpoints"] {
      let result = try await Command.run("get \(type) --no-headers", in: folder.path)
      #expect(result.status == 0 && result.output == "")
      #expect(result.errors.contains("how peers are only a daemon knows"), "\(result)")
    }
    try folder.replace("rollcall.yaml", with: configuration(false))
    let off = try await Command.run("get kubespanpeerspecs --no-headers", in: folder.path)
    #expect(off.status == 0 && off.errors.contains("with kubespan.enabled: true"), "\(off)")
    let both = try await Command.run("get ksps", in: folder.path)
    #expect(both.status == 2 && both.errors.contains("it means kubespanpeerspecs and kubespanpeerstatuses"))
  }
}
