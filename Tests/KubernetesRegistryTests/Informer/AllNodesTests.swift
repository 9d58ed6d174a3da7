import ClusterModel
import RegistryKit
import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

/// A cluster whose Nodes know nothing of rollcall.
@Suite struct AllNodesTests {
  private static func node(_ name: String, labels: String = "{}", _ more: String = "") -> String {
    #"{"metadata":{"name":"\#(name)","resourceVersion":"5","creationTimestamp":"2026-03-01T08:12:44Z","#
      + #""labels":\#(labels)\#(more)},"status":{"addresses":["#
      + #"{"type":"ExternalIP","address":"203.0.113.7"},{"type":"InternalIP","address":"10.0.0.1"},"#
      + #"{"type":"Hostname","address":"\#(name)"}],"conditions":[{"type":"Ready","status":"True"}],"#
      + #""nodeInfo":{"machineID":"6a0eceb4cf8de176bd24abff87481ec9","osImage":"Debian"}}}"#
  }

  @Test("with nodes: all a stock cluster's Nodes have records by their names, and nothing is written")
  func stockCluster() async throws {
    let labels = #"{"topology.kubernetes.io/zone":"a","kubernetes.io/arch":"amd64"}"#
    try await checkInformer(
      localNodeID: "me",
      options: {
        $0.nodes = .all
        $0.labels = ["topology.kubernetes.io/"]
      },
      respond: { request, answer in
        guard request.isWatch else {
          return try await answer.send(Kube.list([Self.node("w-1", labels: labels)], version: 10))
        }
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Self.node("w-2")))
        try await answer.hang()
      }
    ) { recorder, server in
      let revision = recorder.publish(
        Publication(local: Affiliate(nodeID: try NodeIdentity("me"), nodename: "w-1")))
      let record = try await recorder.wait(for: "both Nodes") { $0.ids() == ["w-1", "w-2"] }
      let first = try #require(record.record("w-1"))
      #expect(first.isLocalID && first.health == .ready)
      #expect(first.affiliate.addresses.map(\.description) == ["10.0.0.1", "203.0.113.7"])
      #expect(first.affiliate.nodename == "w-1" && first.affiliate.hostname == "w-1")
      #expect(first.machineID == "6a0eceb4cf8de176bd24abff87481ec9")
      #expect(first.createdAt == Timestamp(rfc3339: "2026-03-01T08:12:44Z"))
      #expect(first.labels == (try NodeLabels(["topology.kubernetes.io/zone": "a"])))
      #expect(record.record("w-2")?.labels == NodeLabels())
      let outcome = try await recorder.wait(for: "the outcome") { $0.outcome(of: revision) != nil }
      #expect(outcome.outcome(of: revision)?.error?.code == .unsupported)
      #expect(outcome.outcome(of: revision)?.error?.message.contains("nodes: all") == true)
      #expect(server.requests.allSatisfy { $0.method == "GET" })
    }
  }

  @Test("with nodes: all and publish: true this machine's Node is annotated")
  func publishing() async throws {
    try await checkInformer(
      localNodeID: "me",
      options: {
        $0.nodes = .all
        $0.publish = true
      },
      respond: { request, answer in
        if request.isWatch {
          try await answer.begin()
          return try await answer.hang()
        }
        if request.isList { return try await answer.send(Kube.list([Self.node("w-1")], version: 10)) }
        try await answer.send(Kube.node("w-1", id: request.method == "PATCH" ? "me" : nil, version: 11))
      }
    ) { recorder, server in
      try await recorder.published(
        Publication(local: Affiliate(nodeID: try NodeIdentity("me"), nodename: "w-1")))
      let patch = try #require(server.requests.first { $0.method == "PATCH" })
      #expect(patch.body == #"{"metadata":{"annotations":{"cluster.talos.dev/node-id":"me"}}}"#)
    }
  }

  /// What a server should never send of a Node, each one in a list with two that are right.
  static let odd: [(what: String, node: String, ids: [String], problem: String)] = [
    ("no name", #"{"metadata":{"uid":"u"}}"#, [], "without a name"),
    ("a number as name", #"{"metadata":{"name":7}}"#, [], "without a name"),
    ("no metadata", "{}", [], "without a name"),
    ("null", "null", [], "without a name"),
    ("text", #""x""#, [], "without a name"),
    ("a name that is a path", #"{"metadata":{"name":"../a"}}"#, [], "left out"),
    ("a name of lines", #"{"metadata":{"name":"a\nwarning: b"}}"#, [], "left out"),
    ("a huge name", #"{"metadata":{"name":"\#(String(repeating: "x", count: 5000))"}}"#, [], "left out"),
    (
      "a huge identity",
      #"{"metadata":{"name":"odd","annotations":{"cluster.talos.dev/node-id":"\#(String(repeating: "x", count: 5000))"}}}"#,
      ["odd"], "256"
    ),
    (
      "an identity that is another Node's name",
      #"{"metadata":{"name":"odd","annotations":{"cluster.talos.dev/node-id":"w-2"}}}"#, ["odd"],
      "another Node's name"
    ),
    (
      "wrong types",
      #"{"metadata":{"name":"odd","labels":{"x":5,"y":{"z":[]}},"annotations":{"x":["b"]},"creationTimestamp":true},"#
        + #""status":{"addresses":[7,{"type":"InternalIP","address":{}}],"conditions":{},"nodeInfo":"x"}}"#,
      ["odd"], "count as missing"
    ),
    (
      "addresses in thousands",
      #"{"metadata":{"name":"odd"},"status":{"addresses":[\#((0..<3000).map { #"{"type":"InternalIP","address":"10.1.\#($0 / 250).\#($0 % 250)"}"# }.joined(separator: ","))]}}"#,
      ["odd"], "only the first 1024"
    ),
    (
      "labels in thousands",
      #"{"metadata":{"name":"odd","labels":{\#((0..<3000).map { #""x\#($0)":"v""# }.joined(separator: ","))}}}"#,
      ["odd"], "at most 64 labels"
    ),
    (
      "a label of 300 KB",
      #"{"metadata":{"name":"odd","labels":{"x":"\#(String(repeating: "v", count: 300_000))"}}}"#,
      ["odd"], "too long"
    ),
    (
      "a hostname of 5 KB",
      #"{"metadata":{"name":"odd"},"status":{"addresses":[{"type":"Hostname","address":"\#(String(repeating: "h", count: 5000))"}]}}"#,
      ["odd"], "hostname"
    ),
  ]

  @Test("an odd Node is a problem of its own, in a list and in a watch: the others are kept", arguments: odd)
  func oddNodes(what: String, node: String, ids: [String], problem: String) async throws {
    try await checkInformer(
      options: {
        $0.nodes = .all
        $0.labels = ["x"]
      },
      respond: { request, answer in
        guard request.isWatch else {
          return try await answer.send(
            Kube.list([Self.node("w-1"), node, Self.node("w-2")], version: 10))
        }
        try await answer.begin()
        try await answer.chunk(Kube.event("MODIFIED", node))
        try await answer.chunk(Kube.event("ADDED", Self.node("w-3")))
        try await answer.hang()
      }
    ) { recorder, _ in
      let record = try await recorder.wait(for: "all Nodes") {
        $0.ids() == (ids + ["w-1", "w-2", "w-3"]).sorted()
      }
      #expect(record.errors == [], "\(what)")
      let told = record.log.filter { $0.contains(problem) }
      #expect(told.count == 1, "\(what): \(record.log)")
      #expect(record.log.allSatisfy { $0.utf8.count < 600 && !$0.contains("\n") })
    }
  }
}
