import ClusterModel
import Logging
import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct MappingTests {
  static let key = "OmGTVg0tUwDcAxOmGTVg0tUwDcAxOmGTVg0tUwDcAxI="

  private func node(_ annotations: [NodeAnnotation: String]) -> NodeObject {
    NodeObject(
      name: "worker-1", resourceVersion: "7",
      annotations: Dictionary(uniqueKeysWithValues: annotations.map { ($0.key.rawValue, $0.value) }),
      isControlPlane: false, hostname: "w1", osImage: "Talos (v1.3.0)")
  }

  @Test("every annotation becomes its part of the affiliate")
  func everything() throws {
    var object = node([
      .nodeID: "node-1", .selfIPs: "10.0.0.1,fd00::1", .apiServerPort: "6443", .kubeSpanIP: "fd83::1",
      .kubeSpanPublicKey: Self.key, .assignedPrefixes: "10.244.0.0/32,10.244.0.1/24",
      .kubeSpanEndpoints: "10.0.0.1:51820,[fd00::1]:51820", .kubeSpanExcludedNetworks: "192.168.0.0/16",
    ])
    object.isControlPlane = true
    let mapping = NodeMapping(object)
    #expect(mapping.problems == [])
    let expected = Affiliate(
      nodeID: try NodeIdentity("node-1"), addresses: [try IPAddress("10.0.0.1"), try IPAddress("fd00::1")],
      hostname: "w1", nodename: "worker-1", operatingSystem: "Talos (v1.3.0)", machineType: .controlplane,
      kubeSpan: KubeSpanAffiliate(
        publicKey: Self.key, address: try IPAddress("fd83::1"),
        additionalAddresses: [try IPPrefix("10.244.0.0/32"), try IPPrefix("10.244.0.1/24")],
        excludeAdvertisedNetworks: [try IPPrefix("192.168.0.0/16")],
        endpoints: [try IPEndpoint("10.0.0.1:51820"), try IPEndpoint("[fd00::1]:51820")]),
      controlPlane: ControlPlane(apiServerPort: 6443))
    #expect(mapping.record?.affiliate == expected)
    // And back.
    #expect(
      Dictionary(
        uniqueKeysWithValues: NodeAnnotation.values(of: expected).map { ($0.key.rawValue, $0.value) })
        == object.annotations)
  }

  @Test(
    "a Node's health is its condition Ready, with a reason of one word",
    arguments: [
      (nil, nil), (.ready, .ready),
      (.notReady(reason: "KubeletNotReady"), .notReady(reason: "KubeletNotReady")),
      (.notReady(reason: ""), .notReady(reason: "NotReady")),
      (.notReady(reason: "two words"), .notReady(reason: "NotReady")),
      (.notReady(reason: String(repeating: "x", count: 65)), .notReady(reason: "NotReady")),
      (
        .notReady(reason: String(repeating: "x", count: 64)),
        .notReady(reason: String(repeating: "x", count: 64))
      ),
    ] as [(NodeHealth?, NodeHealth?)])
  func health(found: NodeHealth?, expected: NodeHealth?) {
    var object = node([.nodeID: "n"])
    object.health = found
    #expect(NodeMapping(object).record?.health == expected)
  }

  @Test(
    "a machine's id is that of /etc/machine-id, and anything else is none",
    arguments: [
      ("6a0eceb4cf8de176bd24abff87481ec9", true), ("", false), ("6A0ECEB4CF8DE176BD24ABFF87481EC9", false),
      ("6a0eceb4-cf8d-e176-bd24-abff87481ec9", false), ("6a0eceb4cf8de176bd24abff87481ec", false),
    ])
  func machineID(text: String, isOne: Bool) {
    var object = node([.nodeID: "n"])
    object.machineID = text
    object.createdAt = Timestamp(milliseconds: 5000)
    let mapping = NodeMapping(object)
    #expect(mapping.record?.machineID == (isOne ? text : ""))
    #expect(mapping.record?.createdAt == Timestamp(milliseconds: 5000))
    #expect(mapping.problems == [])
  }

  @Test("a Node without an identity, or with an empty one, takes no part and is no problem")
  func noIdentity() {
    for annotations in [[.selfIPs: "10.0.0.1"], [.nodeID: ""]] as [[NodeAnnotation: String]] {
      let mapping = NodeMapping(node(annotations))
      #expect(mapping.record?.affiliate == nil)
      #expect(mapping.problems == [])
    }
  }

  @Test("an identity that can't be one is a problem, with the Node's name")
  func badIdentity() throws {
    let mapping = NodeMapping(node([.nodeID: "a/b"]))
    #expect(mapping.record?.affiliate == nil)
    let problem = try #require(mapping.problems.first)
    #expect(problem.contains("Node 'worker-1'") && problem.contains("'a/b'") && problem.contains("left out"))
  }

  @Test(
    "an address at which nobody is reached is left out alone, and one mapped into IPv6 is the IPv4 address")
  func unusableAddresses() throws {
    let mapping = NodeMapping(
      node([
        .nodeID: "n", .selfIPs: "127.0.0.1,10.0.0.1,0.0.0.0,::,ff02::1,::ffff:10.0.0.1,::ffff:10.0.0.2",
        .kubeSpanEndpoints: "[::ffff:10.0.0.1]:51820,0.0.0.0:51820",
      ]))
    let affiliate = try #require(mapping.record?.affiliate)
    #expect(affiliate.addresses.map(\.description) == ["10.0.0.1", "10.0.0.2"])
    #expect(affiliate.kubeSpan?.endpoints.map(\.description) == ["10.0.0.1:51820"])
    #expect(mapping.problems.count == 5)
    #expect(mapping.problems.first?.contains("'127.0.0.1' is a loopback address") == true)
  }

  @Test("a malformed item is left out alone, a problem with its annotation and value")
  func badItems() throws {
    let mapping = NodeMapping(
      node([
        .nodeID: "n", .selfIPs: "10.0.0.1,10.0.0.300, fd00::1 ,,10.0.0.1", .apiServerPort: "66666",
        .kubeSpanIP: "fe80::1%eth0", .kubeSpanPublicKey: "short",
        .assignedPrefixes: "10.0.0.0/33,10.1.0.0/16",
        .kubeSpanEndpoints: "fd00::1:51820x,10.0.0.1:51820", .kubeSpanExcludedNetworks: "x",
      ]))
    let affiliate = try #require(mapping.record?.affiliate)
    #expect(affiliate.addresses == [try IPAddress("10.0.0.1"), try IPAddress("fd00::1")])
    #expect(affiliate.controlPlane == nil)
    #expect(affiliate.kubeSpan?.address == nil)
    #expect(affiliate.kubeSpan?.publicKey == "")
    #expect(affiliate.kubeSpan?.additionalAddresses == [try IPPrefix("10.1.0.0/16")])
    #expect(affiliate.kubeSpan?.endpoints == [try IPEndpoint("10.0.0.1:51820")])
    #expect(mapping.problems.count == 7)
    for value in ["10.0.0.300", "66666", "fe80::1%eth0", "short", "10.0.0.0/33", "fd00::1:51820x", "'x'"] {
      #expect(mapping.problems.contains { $0.contains(value) }, "\(value) is no problem")
    }
    #expect(mapping.problems.contains { $0.contains("networking.talos.dev/self-ips") })
  }

  @Test("what is too long or too much is cut, so that a Node has a bounded size")
  func bounds() throws {
    var object = node([
      .nodeID: "n", .selfIPs: (0..<2000).map { "10.0.\($0 / 250).\($0 % 250)" }.joined(separator: ","),
      .assignedPrefixes: (0..<100).map { "bad\($0)" }.joined(separator: ","),
    ])
    object.hostname = String(repeating: "h", count: 300)
    object.osImage = "a\nb"
    let mapping = NodeMapping(object)
    let affiliate = try #require(mapping.record?.affiliate)
    #expect(affiliate.addresses.count == NodeMapping.maximumItems)
    #expect(affiliate.hostname == "")
    #expect(affiliate.operatingSystem == "")
    #expect(mapping.problems.count == NodeMapping.maximumProblems)
    #expect(mapping.furtherProblems == 100 + 3 - NodeMapping.maximumProblems)
  }

  @Test("a patch has only what differs, and null for what is to go")
  func patch() throws {
    let affiliate = Affiliate(
      nodeID: try NodeIdentity("n"), addresses: [try IPAddress("10.0.0.1")], nodename: "worker-1")
    let wanted = NodeAnnotation.values(of: affiliate)
    let present = [
      NodeAnnotation.nodeID.rawValue: "n", NodeAnnotation.selfIPs.rawValue: "10.0.0.2",
      NodeAnnotation.kubeSpanIP.rawValue: "fd00::1", "other": "stays",
    ]
    let changes = AnnotationChanges(from: present, to: wanted)
    #expect(
      changes.mergePatch
        == #"{"metadata":{"annotations":{"networking.talos.dev/kubespan-ip":null,"networking.talos.dev/self-ips":"10.0.0.1"}}}"#
    )
    var now = present
    now[NodeAnnotation.selfIPs.rawValue] = "10.0.0.1"
    now[NodeAnnotation.kubeSpanIP.rawValue] = nil
    #expect(AnnotationChanges(from: now, to: wanted).isEmpty)
  }

  @Test("a problem is logged once as long as it is there, and again when it came back")
  func problemsOnce() {
    let recorder = SessionRecorder()
    let log = ProblemLog(logger: recorder.logger)
    log.note(["a", "b"], of: "n")
    log.note(["a", "b"], of: "n")
    log.note(["b"], of: "n")
    log.note(["a", "b"], of: "n")
    #expect(recorder.now.log == ["warning: a", "warning: b", "warning: a"])
  }

  @Test("what is remembered of problems is bounded, and that is logged")
  func problemsBounded() {
    let recorder = SessionRecorder()
    let log = ProblemLog(logger: recorder.logger, capacity: 10)
    for name in 0..<100 { log.note(["problem"], of: "\(name)") }
    #expect(recorder.now.log.count == 11)
    #expect(recorder.now.log.last?.contains("more than 10") == true)
    log.keep(only: [])
    log.note(["x"], of: "n")
    #expect(recorder.now.log.last == "warning: x")
  }

  // MARK: Nodes without an identity

  private func stockNode() -> NodeObject {
    NodeObject(
      name: "w-1.example", resourceVersion: "7", createdAt: Timestamp(milliseconds: 5000), hostname: "w-1",
      addresses: ["10.0.0.1", "fd00::1", "10.0.0.1", "203.0.113.7"], osImage: "Debian GNU/Linux 12",
      machineID: "6a0eceb4cf8de176bd24abff87481ec9", health: .notReady(reason: "KubeletNotReady"))
  }

  @Test("of all Nodes one without an identity has a record by its name, with what the kubelet says")
  func localRecord() throws {
    let mapping = NodeMapping(stockNode(), choice: .all)
    #expect(mapping.problems == [])
    var expected = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("w-1.example"),
        addresses: try ["10.0.0.1", "fd00::1", "203.0.113.7"].map { try IPAddress($0) }, hostname: "w-1",
        nodename: "w-1.example", operatingSystem: "Debian GNU/Linux 12", machineType: .worker),
      isLocalID: true)
    expected.machineID = "6a0eceb4cf8de176bd24abff87481ec9"
    expected.createdAt = Timestamp(milliseconds: 5000)
    expected.health = .notReady(reason: "KubeletNotReady")
    #expect(mapping.record == expected)
    #expect(NodeMapping(stockNode()).record == nil)
  }

  @Test("of all Nodes one with an identity has the same record as of annotated ones")
  func annotatedAmongAll() throws {
    var object = stockNode()
    object.annotations = [NodeAnnotation.nodeID.rawValue: "n", NodeAnnotation.selfIPs.rawValue: "10.9.0.1"]
    let record = try #require(NodeMapping(object, choice: .all).record)
    #expect(record == NodeMapping(object).record)
    #expect(record.affiliate.addresses == [try IPAddress("10.9.0.1")] && !record.isLocalID)
  }

  @Test("of all Nodes one whose identity can't be one has a record by its name, and a problem")
  func unusableIdentity() throws {
    var object = stockNode()
    object.annotations = [NodeAnnotation.nodeID.rawValue: "a b"]
    let mapping = NodeMapping(object, choice: .all)
    #expect(mapping.record?.isLocalID == true)
    #expect(mapping.problems.count == 1)
    #expect(mapping.problems.first?.contains("'a b'") == true)
    #expect(mapping.problems.first?.contains("has its record by its name") == true)
  }

  @Test(
    "a Node whose name Kubernetes doesn't allow is left out, and told with no more of its name than fits a line",
    arguments: ["a/b", "a b", "wörker", "a\nb", String(repeating: "x", count: 254), "\u{0}"])
  func oddName(name: String) throws {
    for choice in NodeChoice.allCases {
      var object = stockNode()
      object.name = name
      object.annotations = [NodeAnnotation.nodeID.rawValue: "n"]
      let mapping = NodeMapping(object, choice: choice)
      #expect(mapping.record == nil)
      let problem = try #require(mapping.problems.first)
      #expect(problem.contains("left out") && problem.utf8.count < 400 && !problem.contains("\n"))
    }
  }

  @Test("addresses that nobody reaches are left out alone, and so are names in their place")
  func oddAddresses() throws {
    var object = stockNode()
    object.addresses = ["127.0.0.1", "node.example", "10.0.0.1", "10.0.0.0/8", " 10.0.0.2 "]
    let mapping = NodeMapping(object, choice: .all)
    #expect(mapping.record?.affiliate.addresses.map(\.description) == ["10.0.0.1", "10.0.0.2"])
    #expect(mapping.problems.count == 3)
    #expect(mapping.problems.allSatisfy { $0.hasPrefix("Node 'w-1.example': status.addresses: ") })
    // Of a Node with an identity they don't matter.
    object.annotations = [NodeAnnotation.nodeID.rawValue: "n"]
    #expect(NodeMapping(object, choice: .all).problems == [])
  }

  // MARK: Labels

  @Test("labels and annotations that were chosen become labels, and a label goes before an annotation")
  func labels() throws {
    var object = stockNode()
    object.labels = ["topology.kubernetes.io/zone": "a", "both": "label", "empty": ""]
    object.chosenAnnotations = ["both": "annotation", "note": "in words, \u{1F600}"]
    let record = try #require(NodeMapping(object, choice: .all).record)
    #expect(
      record.labels
        == (try NodeLabels([
          "topology.kubernetes.io/zone": "a", "both": "label", "empty": "", "note": "in words, \u{1F600}",
        ])))
    object.annotations = [NodeAnnotation.nodeID.rawValue: "n"]
    #expect(NodeMapping(object).record?.labels == record.labels)
  }

  @Test(
    "labels that a node has no room for are left out, in one problem, and those of several lines in another")
  func tooManyLabels() throws {
    var object = stockNode()
    for index in 0..<70 { object.labels["label-\(100 + index)"] = "v" }
    object.chosenAnnotations = ["z": "v", "a\n": "v", "config": "a: b\nc: d\n"]
    let mapping = NodeMapping(object, choice: .all)
    let labels = try #require(mapping.record?.labels)
    #expect(labels.count == NodeLabels.maximumCount)
    #expect(labels["label-163"] == "v" && labels["label-164"] == nil)
    #expect(mapping.problems.count == 1, "\(mapping.problems)")
    #expect(mapping.problems.first?.contains("label-164, label-165") == true)
    #expect(mapping.problems.first?.contains("and 4 more") == true)
    object.labels = ["a": String(repeating: "x", count: 4090), "b": "123456", "c": "1234"]
    let long = NodeMapping(object, choice: .all)
    // What comes after one that is too long may fit.
    #expect(long.record?.labels["b"] == nil && long.record?.labels["c"] == "1234")
    object.labels = [:]
    let lines = NodeMapping(object, choice: .all)
    #expect(lines.record?.labels == (try NodeLabels(["z": "v"])))
    #expect(lines.problems.count == 1 && lines.problems.first?.contains("config") == true)
    #expect(lines.problems.first?.contains("\n") == false)
  }

  @Test("by default all Nodes are looked at without publishing")
  func publishing() throws {
    func settings(_ json: String) throws -> KubernetesSettings {
      try KubernetesSettings(KubernetesOptions(json: json))
    }
    #expect(try settings("{}").publishes)
    #expect(try settings(#"{"nodes":"annotated"}"#).publishes)
    #expect(try !settings(#"{"nodes":"all"}"#).publishes)
    #expect(try settings(#"{"nodes":"all","publish":true}"#).publishes)
    #expect(try !settings(#"{"publish":false}"#).publishes)
    for wrong in [#"{"nodes":"some"}"#, #"{"labels":[""]}"#, #"{"labels":"a"}"#, #"{"labels":[1]}"#] {
      #expect(throws: (any Error).self) { try settings(wrong) }
    }
  }
}
