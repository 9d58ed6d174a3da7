import ClusterModel
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct PublisherTests {
  /// A server with one Node, or none, that keeps annotations and tells of changes.
  private final class OneNode: Sendable {
    struct State {
      var annotations: [String: String]?
      var version = 100
      var conflicts = 0
      var refusals = 0
      /// What a refusal asks to be waited for, in seconds.
      var retryAfter: Int?
      /// How often it was tried to change something.
      var attempts = 0
      /// Whether the next change ends the watch with its version gone.
      var expires = false
      var patches: [String] = []
    }

    let state: Mutex<State>

    init(_ annotations: [String: String]?, conflicts: Int = 0, refusals: Int = 0) {
      state = Mutex(State(annotations: annotations, conflicts: conflicts, refusals: refusals))
    }

    var object: String? {
      state.withLock { state in
        state.annotations.map { Kube.node("me", version: state.version, more: $0) }
      }
    }

    func set(_ annotations: [String: String]?) {
      state.withLock {
        $0.annotations = annotations
        $0.version += 1
      }
    }

    /// The Node is as it was in a backup.
    func restore(_ annotations: [String: String]?, version: Int) {
      state.withLock {
        $0.annotations = annotations
        $0.version = version
        $0.expires = true
      }
    }

    @Sendable func respond(_ request: ScriptedServer.Request, _ answer: ScriptedServer.Answer) async throws {
      if request.isWatch {
        try await answer.begin()
        var told = ""
        while true {
          try await eventually("the Node changes", within: .seconds(120)) {
            object.map { $0 != told } ?? false
          }
          let isExpired = state.withLock { state in
            defer { state.expires = false }
            return state.expires
          }
          if isExpired {
            try await answer.chunk(
              Kube.event("ERROR", Kube.status(410, reason: "Expired", message: "too old")))
            return try await answer.end()
          }
          guard let changed = object else { continue }
          told = changed
          try await answer.chunk(Kube.event("MODIFIED", changed))
        }
      }
      if request.isList {
        let version = state.withLock { $0.version }
        return try await answer.send(Kube.list(object.map { [$0] } ?? [], version: version))
      }
      guard object != nil else { return try await answer.refuse(404, reason: "NotFound") }
      guard request.method == "PATCH" else { return try await answer.send(object ?? "") }
      #expect(request.path == "/api/v1/nodes/me")
      #expect(request.headers["content-type"] == "application/merge-patch+json")
      #expect(request.query["fieldManager"] == "rollcall")
      let refusal = state.withLock { state -> Int? in
        state.attempts += 1
        if state.refusals > 0 {
          state.refusals -= 1
          return 403
        }
        if state.conflicts > 0 {
          state.conflicts -= 1
          return 409
        }
        state.patches.append(request.body)
        for annotation in NodeAnnotation.allCases {
          let key = "\"\(annotation.rawValue)\":"
          guard let range = request.body.firstRange(of: key) else { continue }
          let rest = request.body[range.upperBound...]
          state.annotations?[annotation.rawValue] =
            rest.hasPrefix("null") ? nil : String(rest.dropFirst().prefix { $0 != "\"" })
        }
        state.version += 1
        return nil
      }
      if let refusal {
        let retryAfter = state.withLock { $0.retryAfter }
        return try await answer.refuse(
          refusal, reason: "X",
          message: #"nodes "me" is forbidden: User "bob" cannot patch resource "nodes""#,
          headers: retryAfter.map { ["Retry-After": "\($0)"] } ?? [:])
      }
      try await answer.send(object ?? "")
    }
  }

  private func local(_ address: String = "10.0.0.1") throws -> Publication {
    Publication(
      local: Affiliate(
        nodeID: try NodeIdentity("my-id"), addresses: [try IPAddress(address)], hostname: "me", nodename: "me"
      ))
  }

  private let wanted = [
    NodeAnnotation.nodeID.rawValue: "my-id", NodeAnnotation.selfIPs.rawValue: "10.0.0.1",
  ]

  private func check(
    _ node: OneNode, options: @escaping @Sendable (inout KubernetesOptions) -> Void = { _ in },
    timing: @escaping @Sendable (inout InformerTiming) -> Void = { _ in },
    body: @escaping @Sendable (KubernetesRegistry, Recorder) async throws -> Void
  ) async throws {
    try await ScriptedServer.run(node.respond) { server in
      let test = try TestRegistry(
        config: Kube.config(server: server.url), localNodeID: "my-id", options: options, timing: timing)
      try await test.run { recorder in try await body(test.registry, recorder) }
    }
  }

  @Test("only what differs is written, and nothing where nothing does")
  func differences() async throws {
    let node = OneNode([
      "keep": "me", NodeAnnotation.nodeID.rawValue: "my-id", NodeAnnotation.kubeSpanIP.rawValue: "fd00::9",
    ])
    try await check(node) { registry, _ in
      try await registry.publish(try local())
      #expect(
        node.state.withLock { $0.patches } == [
          #"{"metadata":{"annotations":{"networking.talos.dev/kubespan-ip":null,"networking.talos.dev/self-ips":"10.0.0.1"}}}"#
        ])
      try await registry.publish(try local())
      #expect(node.state.withLock { $0.patches.count } == 1)
      try await registry.publish(try local("10.0.0.2"))
      #expect(node.state.withLock { $0.patches.count } == 2)
      #expect(node.state.withLock { $0.annotations?["keep"] } == "me")
    }
  }

  @Test("a conflict is tried again")
  func conflict() async throws {
    let node = OneNode([:], conflicts: 2)
    try await check(node) { registry, recorder in
      try await registry.publish(try local())
      #expect(node.state.withLock { $0.annotations } == wanted)
      #expect(recorder.now.trouble == nil)
    }
  }

  @Test("a Node that doesn't exist yet is waited for, and that is told")
  func missing() async throws {
    let node = OneNode(nil)
    try await check(node) { registry, recorder in
      async let published: Void = registry.publish(try local())
      try await recorder.wait(for: "the trouble") {
        $0.trouble?.message.contains("there is no Node 'me'") == true
      }
      node.set([:])
      try await published
      #expect(node.state.withLock { $0.annotations } == wanted)
      try await recorder.wait(for: "the end of the trouble") { $0.trouble == nil }
    }
  }

  @Test("a refusal says what would allow it, and it is tried again")
  func refused() async throws {
    let node = OneNode([:], refusals: 1)
    try await check(node) { registry, recorder in
      do {
        try await registry.publish(try local())
        Issue.record("it was published")
      } catch let error as RegistryError {
        #expect(error.code == .permissionDenied)
        #expect(error.message.contains("user 'bob' may not patch node 'me'"))
        #expect(error.message.contains(#"{apiGroups: [""], resources: [nodes], verbs: [patch]}"#))
      }
      try await recorder.wait(for: "the second attempt") { _ in
        node.state.withLock { $0.annotations } == wanted
      }
      try await recorder.wait(for: "the end of the trouble") { $0.trouble == nil }
    }
  }

  @Test("a write that failed isn't tried again before its time, however often it is asked for")
  func pause() async throws {
    let node = OneNode([:], refusals: 1)
    node.state.withLock { $0.retryAfter = 2 }
    try await check(node) { registry, _ in
      await #expect(throws: RegistryError.self) { try await registry.publish(try local()) }
      let refused = ContinuousClock.now
      // As the host does, which asks again and again.
      try await registry.publish(try local())
      #expect(ContinuousClock.now - refused >= .milliseconds(1900))
      #expect(node.state.withLock { $0.attempts } == 2)
    }
  }

  @Test("what failed waits as long as the waits have grown, what is new waits for the server alone")
  func pauses() throws {
    func wish(_ number: Int, _ address: String) throws -> Wish {
      Wish(
        number: number, nodeName: "me", nodeID: try NodeIdentity("my-id"), annotations: [.selfIPs: address])
    }
    let pause = WritePause(after: try wish(1, "10.0.0.1"), retry: .seconds(60), asked: .seconds(5))
    for (time, same, other) in [(4, true, true), (5, true, false), (59, true, false), (60, false, false)] {
      #expect(pause.holds(try wish(2, "10.0.0.1"), at: .seconds(time)) == same)
      #expect(pause.holds(try wish(2, "10.0.0.2"), at: .seconds(time)) == other)
    }
  }

  @Test("somebody else who publishes the same Node is told by name, until there is nobody any more")
  func rival() async throws {
    let node = OneNode([NodeAnnotation.nodeID.rawValue: "old-id"])
    try await check(
      node,
      timing: {
        $0.restoring = Backoff(initial: .milliseconds(20), maximum: .milliseconds(20), factor: 1, jitter: 0)
        $0.forgetsRestoring = .seconds(3)
      }
    ) { registry, recorder in
      // A machine that was set up anew: once is nothing to tell of but in the log.
      try await registry.publish(try local())
      try await recorder.wait(for: "the log line") {
        $0.log.contains { $0.contains("another identity, 'old-id'") }
      }
      #expect(recorder.now.trouble == nil)
      node.set([NodeAnnotation.nodeID.rawValue: "other-id"])
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(
        told.trouble?.message
          == "Node 'me' carries the identity 'other-id' of another node, again and again; is somebody else, such as "
          + "Talos, publishing it? publish: false makes rollcall only look")
      #expect(node.state.withLock { $0.annotations } == wanted)
      try await recorder.wait(for: "the end of the trouble") { $0.trouble == nil }
    }
  }

  @Test("another's identity is shown in one short line, whatever it is")
  func rivalText() {
    #expect(Rivalry.shown("other-id") == "other-id")
    #expect(Rivalry.shown("one\ntwo") == "one")
    #expect(Rivalry.shown(String(repeating: "x", count: 100_000)).count == 64)
  }

  @Test("what somebody else changes is set again")
  func restored() async throws {
    let node = OneNode([:])
    try await check(node) { registry, recorder in
      try await registry.publish(try local())
      node.set(["other": "x", NodeAnnotation.nodeID.rawValue: "stolen"])
      try await recorder.wait(for: "the annotations") { _ in
        node.state.withLock { $0.annotations } == wanted.merging(["other": "x"]) { one, _ in one }
      }
      #expect(recorder.now.log.contains { $0.contains("somebody changed") })
    }
  }

  @Test("annotations that a restored backup took back are set again, though their version is an older one")
  func restoredBackup() async throws {
    let node = OneNode([:])
    try await check(node) { registry, recorder in
      try await registry.publish(try local())
      node.restore(["other": "x"], version: 7)
      try await recorder.wait(for: "the annotations") { _ in
        node.state.withLock { $0.annotations } == wanted.merging(["other": "x"]) { one, _ in one }
      }
    }
  }

  @Test(
    "annotations are removed when the node leaves, if that is wanted, and stay otherwise",
    arguments: [true, false])
  func withdrawal(isWanted: Bool) async throws {
    let node = OneNode(["other": "x"])
    try await check(node, options: { $0.withdrawOnStop = isWanted }) { registry, _ in
      try await registry.publish(try local())
      try await registry.publish(Publication(local: nil))
      let kept = isWanted ? [:] : wanted
      #expect(node.state.withLock { $0.annotations } == kept.merging(["other": "x"]) { one, _ in one })
    }
  }

  @Test("annotations of another identity aren't removed")
  func foreign() throws {
    let mine = try NodeIdentity("my-id")
    #expect(AnnotationChanges.withdrawing(mine, from: [NodeAnnotation.nodeID.rawValue: "another"]).isEmpty)
    #expect(!AnnotationChanges.withdrawing(mine, from: [NodeAnnotation.nodeID.rawValue: "my-id"]).isEmpty)
    #expect(!AnnotationChanges.withdrawing(mine, from: [NodeAnnotation.selfIPs.rawValue: "10.0.0.1"]).isEmpty)
    #expect(AnnotationChanges.withdrawing(mine, from: ["other": "x"]).isEmpty)
  }

  @Test("a node without a nodename can't be published, which is told")
  func noName() async throws {
    let test = try TestRegistry(config: "")
    do {
      try await test.registry.publish(Publication(local: Affiliate(nodeID: try NodeIdentity("x"))))
      Issue.record("it was published")
    } catch let error as RegistryError {
      #expect(error.message.contains("node.nodename"))
    }
  }

  @Test("nothing is published where that isn't wanted")
  func disabled() async throws {
    let node = OneNode([:])
    try await check(node, options: { $0.publish = false }) { registry, recorder in
      try await recorder.wait(for: "the list") { $0.records != nil }
      try await registry.publish(try local())
      #expect(node.state.withLock { $0.patches } == [])
    }
  }
}
