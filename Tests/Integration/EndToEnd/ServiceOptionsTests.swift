import Foundation
import TestSupport
import Testing

/// The plugin's options against our own service, each a process.
@Suite("The service plugin's options and our service", .timeLimit(.minutes(2)))
struct ServiceOptionsTests {
  @Test("nodes with the authority and a token meet over TLS; one without is told what it lacks")
  func tlsAndToken() async throws {
    let cluster = try await ProcessCluster()
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "DNS:localhost")
    let token = "token-of-this-cluster-alone"
    let tokens = try cluster.folder.write("\(token) \(try cluster.secret("id"))\n", to: "tokens")
    let tokenFile = try cluster.folder.write("\(token)\n", to: "token")
    let wrongFile = try cluster.folder.write("another-token-of-nobody\n", to: "wrong-token")
    let service = try await cluster.serve(
      "--certificate-path", server.certificate, "--key-path", server.key, "--tokens-file", tokens)
    let endpoint = "https://localhost:\(cluster.port)"
    let good = ["endpoint": endpoint, "caFile": certificates.authority, "tokenFile": tokenFile]
    let one = try cluster.node("one", good)
    let two = try cluster.node("two", good)
    try await eventually("they meet") { one.members == ["one", "two"] && two.members == ["one", "two"] }

    for (name, missing, reason) in [
      ("untrusting", "caFile", "which the system doesn't trust"),
      ("tokenless", "tokenFile", "this service wants a token"),
    ] {
      let node = try cluster.node(name, good.filter { $0.key != missing })
      try await eventually("it is told of \(missing)") {
        node.logged(" registry degraded ").contains { $0.contains(reason) }
      }
      node.signal(SIGKILL)
    }
    let wrong = try cluster.node("wrong", good.merging(["tokenFile": wrongFile]) { $1 })
    try await eventually("it is told of the token") {
      wrong.logged(" registry degraded ").contains { $0.contains("the token isn't known here") }
    }
    #expect(!wrong.errorsSoFar.contains("another-token-of-nobody") && !service.errorsSoFar.contains(token))
    #expect(one.members == ["one", "two"])
  }

  @Test("who looks with a wrong secret is told so each time, and not that nobody is there")
  func wrongSecret() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let one = try cluster.node("one")
    try await eventually("it is published") { try await cluster.observed() == ["one"] }
    let identity = try await identity("one", in: cluster)
    let wrong = try await Command.output("gen secrets").split(separator: "\n").first {
      $0.contains("secret: ")
    }
    let right = try cluster.secret("secret")
    let written = try contents(cluster.folder.path("observer/rollcall.yaml"))
    let line = try #require(written.split(separator: "\n").first { $0.contains(right) })
    try cluster.folder.write(
      written.replacing(String(line), with: String(try #require(wrong))), to: "observer/rollcall.yaml")
    for _ in 0..<20 {
      let result = try await Command.run("get members", in: cluster.folder.path("observer"))
      #expect(result.status == 3, "\(result)")
      #expect(result.errors.contains("registry service: degraded: "), "\(result)")
      #expect(result.errors.contains(identity), "\(result)")
    }
    #expect(one.isRunning && service.isRunning)
  }

  @Test("a node whose record somebody else deletes publishes it again at once, and says so")
  func ownRecordDeleted() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let one = try cluster.node("one")
    try await eventually("it is published") { try await cluster.observed() == ["one"] }
    let identity = try await identity("one", in: cluster)
    let clusterID = try cluster.secret("id")
    try await cluster.withClient {
      _ = try await $0.affiliateDelete(
        .with {
          $0.clusterID = clusterID
          $0.affiliateID = identity
        })
    }
    try await eventually("it is told") {
      !one.logged("no longer has this node's record, which wasn't withdrawn here").isEmpty
    }
    try await eventually("it is published again") { try await cluster.observed() == ["one"] }
    #expect(one.logged(" registry degraded ").isEmpty && service.isRunning)
  }

  @Test("a copied disk is told on both machines, with what to do")
  func copiedIdentity() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let one = try cluster.node("one")
    try await eventually("it is published") { try await cluster.observed() == ["one"] }
    try FileManager.default.createDirectory(
      atPath: cluster.folder.path("copy/state"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: cluster.folder.path("one/state/node-identity.yaml"),
      toPath: cluster.folder.path("copy/state/node-identity.yaml"))
    try cluster.configure("copy", node: "{nodename: copy, hostname: copy-host, addresses: [10.77.0.9]}")
    let copy = try cluster.start("copy")
    for (node, other) in [(one, "copy-host, 10.77.0.9"), (copy, "one, 10.77.0.1")] {
      try await eventually("\(other) is told", within: .seconds(60)) {
        node.logged(" registry degraded ").contains {
          $0.contains(
            "another machine uses this node's identity (hostname \(other)): remove node-identity.yaml ")
        }
      }
    }
    #expect(service.isRunning)
  }

  @Test("a service that redirects sends its nodes to another")
  func redirect() async throws {
    let (first, second) = (try await ProcessCluster(), try await ProcessCluster())
    let sender = try await first.serve("--redirect-endpoint", second.endpoint)
    let target = try await second.serve()
    let one = try first.node("one")
    let two = try first.node("two", ["endpoint": second.endpoint])
    try await eventually("they meet at the other") {
      one.members == ["one", "two"] && two.members == ["one", "two"]
    }
    #expect(sender.isRunning && target.isRunning)
  }

  @Test("two services that send their nodes to each other are told of as a loop")
  func redirectLoop() async throws {
    let (first, second) = (try await ProcessCluster(), try await ProcessCluster())
    let services = [
      try await first.serve("--redirect-endpoint", second.endpoint),
      try await second.serve("--redirect-endpoint", first.endpoint),
    ]
    let node = try first.node("one")
    let way = "redirect loop: \(first.endpoint) to \(second.endpoint) to \(first.endpoint)"
    try await eventually("the loop is told") {
      node.logged(" registry degraded ").contains { $0.contains(way) }
    }
    #expect(services.allSatisfy(\.isRunning) && node.isRunning)
  }

  @Test("of two services each has its own raw record of a node, and one may be away")
  func twoServices() async throws {
    let (first, second) = (try await ProcessCluster(), try await ProcessCluster())
    let services = [try await first.serve(), try await second.serve()]
    let both = "[\"\(first.endpoint)\", \"http://localhost:\(second.port)\"]"
    let one = try first.node("one", ["endpoints": both])
    let two = try first.node("two", ["endpoints": both])
    try await eventually("they meet") { one.members == ["one", "two"] && two.members == ["one", "two"] }

    let identity = try await identity("two", in: first)
    try await eventually("each service has told of it") {
      let raw = try await Command.output(
        "get affiliates --namespace cluster-raw --state state -o jsonpath={.metadata.id}",
        in: first.folder.path("one"))
      let records = Set(raw.split(separator: "\n").filter { $0.hasSuffix(identity) }.map(String.init))
      return records == ["service:127.0.0.1/\(identity)", "service:localhost/\(identity)"]
    }
    services[0].signal(SIGKILL)
    _ = try await services[0].result()
    try await eventually("the outage is told") { !one.logged(" registry degraded ").isEmpty }
    let shown = try await Command.run(
      "get members --state state -o jsonpath={.metadata.id}", in: first.folder.path("one"))
    #expect(shown.status == 0 && Set(shown.output.split(separator: "\n")) == ["one", "two"], "\(shown)")
    #expect(shown.errors.contains("no connection to \(first.endpoint)"))
    let three = try first.node("three", ["endpoint": "http://localhost:\(second.port)"])
    try await eventually("the other still works") { one.members == ["one", "two", "three"] }
    #expect(three.isRunning && one.logged(" member left ").isEmpty)
  }

  /// The identity of the node `name`.
  private func identity(_ name: String, in cluster: ProcessCluster) async throws -> String {
    try await Command.output(
      "get identities --state state -o jsonpath={.spec.nodeId}", in: cluster.folder.path(name)
    ).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test("a proxy of the environment is gone through but for loopback, and named where it can't be reached")
  func proxy() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let proxy = "http://127.0.0.1:\(try LoopbackPort.free())"
    let one = try cluster.node("one", environment: ["HTTP_PROXY": proxy])
    let two = try cluster.node("two")
    try await eventually("they meet") { one.members == ["one", "two"] && two.members == ["one", "two"] }
    let away = try cluster.node(
      "away", ["endpoint": "http://service.invalid:3000"], environment: ["HTTP_PROXY": proxy])
    try await eventually("it says so") { !away.logged("the proxy \(proxy) can't be reached").isEmpty }
    #expect(one.logged("proxy").isEmpty && service.isRunning)
  }
}
