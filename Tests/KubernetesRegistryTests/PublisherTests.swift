import ClusterModel
import HTTPTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct PublisherTests {
  /// A server with one Node, or none, that keeps annotations and has a watch of changes.
  private final class OneNode: Sendable {
    struct State {
      var annotations: [String: String]?
      var version = 100
      var conflicts = 0
      var refusals = 0
      /// What a refusal asks to be waited for, in seconds.
      var retryAfter: Int?
      /// When it was tried to change something.
      var attempts: [ContinuousClock.Instant] = []
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
        var sent = ""
        while true {
          try await eventually("the Node changes", within: .seconds(120)) {
            object.map { $0 != sent } ?? false
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
          sent = changed
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
        state.attempts.append(.now)
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

  private func local(_ address: String = "10.0.0.1", nodename: String = "me") throws -> Publication {
    Publication(
      local: Affiliate(
        nodeID: try NodeIdentity("my-id"), addresses: [try IPAddress(address)], hostname: "me",
        nodename: nodename))
  }

  private let wanted = [
    NodeAnnotation.nodeID.rawValue: "my-id", NodeAnnotation.selfIPs.rawValue: "10.0.0.1",
  ]

  private func check(
    _ node: OneNode, options: @escaping @Sendable (inout KubernetesOptions) -> Void = { _ in },
    timing: @escaping @Sendable (inout InformerTiming) -> Void = { _ in },
    body: @escaping @Sendable (SessionRecorder) async throws -> Void
  ) async throws {
    try await ScriptedServer.run(node.respond) { server in
      let test = try TestRegistry(
        config: Kube.config(server: server.url), localNodeID: "my-id", options: options, timing: timing)
      try await test.run(body)
    }
  }

  @Test("only what differs is written, and nothing where nothing does")
  func differences() async throws {
    let node = OneNode([
      "keep": "me", NodeAnnotation.nodeID.rawValue: "my-id", NodeAnnotation.kubeSpanIP.rawValue: "fd00::9",
    ])
    try await check(node) { recorder in
      try await recorder.published(try local())
      #expect(
        node.state.withLock { $0.patches } == [
          #"{"metadata":{"annotations":{"networking.talos.dev/kubespan-ip":null,"networking.talos.dev/self-ips":"10.0.0.1"}}}"#
        ])
      try await recorder.published(try local())
      #expect(node.state.withLock { $0.patches.count } == 1)
      try await recorder.published(try local("10.0.0.2"))
      #expect(node.state.withLock { $0.patches.count } == 2)
      #expect(node.state.withLock { $0.annotations?["keep"] } == "me")
      #expect(recorder.now.outcomes.map(\.revision) == [1, 2, 3])
    }
  }

  @Test("a conflict is tried again")
  func conflict() async throws {
    let node = OneNode([:], conflicts: 2)
    try await check(node) { recorder in
      try await recorder.published(try local())
      #expect(node.state.withLock { $0.annotations } == wanted)
      #expect(recorder.now.outcomes.count == 1)
    }
  }

  @Test("a Node that doesn't exist yet is a failure, until it comes")
  func missing() async throws {
    let node = OneNode(nil)
    try await check(node) { recorder in
      await #expect(
        throws: RegistryError(
          .unavailable, "there is no Node 'me' yet, which the kubelet makes; is node.nodename right?")
      ) { try await recorder.published(try local()) }
      node.set([:])
      try await recorder.wait(for: "the success") { $0.outcome(of: 1) == .init(revision: 1) }
      #expect(node.state.withLock { $0.annotations } == wanted)
    }
  }

  @Test("a refusal has what would allow it, and the same revision is tried when it comes again")
  func refused() async throws {
    let node = OneNode([:], refusals: 1)
    try await check(node) { recorder in
      let error = await #expect(throws: RegistryError.self) { try await recorder.published(try local()) }
      #expect(error?.code == .permissionDenied)
      #expect(error?.message.contains("user 'bob' may not patch node 'me'") == true)
      #expect(error?.message.contains(#"{apiGroups: [""], resources: [nodes], verbs: [patch]}"#) == true)
      recorder.retry(try local())
      try await recorder.wait(for: "the success") { $0.outcome(of: 1) == .init(revision: 1) }
      #expect(node.state.withLock { $0.annotations } == wanted)
    }
  }

  @Test("a Retry-After is heeded, however often and whatever is to be published meanwhile")
  func pause() async throws {
    let node = OneNode([:], refusals: 1)
    node.state.withLock { $0.retryAfter = 2 }
    try await check(node) { recorder in
      await #expect(throws: RegistryError.self) { try await recorder.published(try local()) }
      recorder.retry(try local())
      try await recorder.published(try local("10.0.0.2"))
      let attempts = node.state.withLock { $0.attempts }
      #expect(attempts.count == 2)
      #expect(attempts[1] - attempts[0] >= .milliseconds(1900))
    }
  }

  @Test("publish: false writes nothing and says that it doesn't publish")
  func publishesNothing() async throws {
    let node = OneNode([:])
    try await check(node, options: { $0.publish = false }) { recorder in
      try await recorder.wait(for: "the list") { $0.ids() != nil }
      let error = await #expect(throws: RegistryError.self) { try await recorder.published(try local()) }
      #expect(error?.code == .unsupported)
      #expect(node.state.withLock { $0.patches } == [])
    }
  }

  @Test("somebody else who publishes the same Node is reported by name, until there is nobody any more")
  func otherPublisher() async throws {
    let node = OneNode([NodeAnnotation.nodeID.rawValue: "old-id"])
    try await check(
      node,
      timing: {
        $0.restoring = Backoff(initial: .milliseconds(20), maximum: .milliseconds(20), factor: 1, spread: 0)
        $0.restoreMemory = .seconds(3)
      }
    ) { recorder in
      // A machine that was set up anew: once is nothing to report.
      try await recorder.published(try local())
      try await recorder.wait(for: "the log line") {
        $0.log.contains { $0.contains("another identity, 'old-id'") }
      }
      #expect(recorder.now.error(.publishing) == nil)
      node.set([NodeAnnotation.nodeID.rawValue: "other-id"])
      let record = try await recorder.wait(for: "the report") { $0.error(.publishing) != nil }
      #expect(
        record.error(.publishing)?.message
          == "Node 'me' carries the identity 'other-id' of another node, again and again; is somebody else, such as "
          + "Talos, publishing it? publish: false makes rollcall only look")
      #expect(node.state.withLock { $0.annotations } == wanted)
      // What was restored is published all the same.
      #expect(record.outcomes.allSatisfy { $0.error == nil })
      try await recorder.wait(for: "the report's end") { $0.error(.publishing) == nil }
    }
  }

  @Test("the report of somebody else outlasts a publication that works")
  func otherPublisherStays() async throws {
    let node = OneNode([NodeAnnotation.nodeID.rawValue: "old-id"])
    try await check(
      node,
      timing: {
        $0.restoring = Backoff(initial: .milliseconds(20), maximum: .milliseconds(20), factor: 1, spread: 0)
      }
    ) { recorder in
      try await recorder.published(try local())
      node.set([NodeAnnotation.nodeID.rawValue: "other-id"])
      try await recorder.wait(for: "the report") { $0.error(.publishing) != nil }
      let before = recorder.now.batches.count
      try await recorder.published(try local("10.0.0.2"))
      // The host takes a success for all being well, so that the report comes again after it.
      try await recorder.wait(for: "the report again") {
        $0.batches.dropFirst(before).flatMap(\.reports).contains {
          $0.aspect == .publishing && $0.error != nil
        }
      }
    }
  }

  @Test("another's identity is shown in one short line, whatever it is")
  func otherIdentityText() {
    #expect(IdentityConflict.shown("other-id") == "other-id")
    #expect(IdentityConflict.shown("one\ntwo") == "one")
    #expect(IdentityConflict.shown(String(repeating: "x", count: 100_000)).count == 64)
  }

  @Test("what somebody else changes is set again")
  func restored() async throws {
    let node = OneNode([:])
    try await check(node) { recorder in
      try await recorder.published(try local())
      node.set(["other": "x", NodeAnnotation.nodeID.rawValue: "stolen"])
      try await recorder.wait(for: "the annotations") { _ in
        node.state.withLock { $0.annotations } == wanted.merging(["other": "x"]) { one, _ in one }
      }
      #expect(recorder.now.log.contains { $0.contains("somebody changed") })
    }
  }

  @Test(
    "what can't be set again is a failure of the revision that was published, and is tried when that comes again"
  )
  func restoringFails() async throws {
    let node = OneNode([:])
    try await check(node) { recorder in
      try await recorder.published(try local())
      node.state.withLock { $0.refusals = 1 }
      node.set([:])
      try await recorder.wait(for: "the failure") { $0.outcome(of: 1)?.error?.code == .permissionDenied }
      recorder.retry(try local())
      try await recorder.wait(for: "the success") { $0.outcome(of: 1) == .init(revision: 1) }
      #expect(node.state.withLock { $0.annotations } == wanted)
    }
  }

  @Test("annotations that a restored backup took back are set again, though their version is an older one")
  func restoredBackup() async throws {
    let node = OneNode([:])
    try await check(node) { recorder in
      try await recorder.published(try local())
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
    try await check(node, options: { $0.withdrawOnStop = isWanted }) { recorder in
      try await recorder.published(try local())
      try await recorder.published(nil)
      let kept = isWanted ? [:] : wanted
      #expect(node.state.withLock { $0.annotations } == kept.merging(["other": "x"]) { one, _ in one })
      #expect(recorder.now.outcomes.map(\.revision) == [1, 2])
    }
  }

  @Test("a withdrawal that is refused is a failure, and one of a Node that is gone is none")
  func withdrawalFails() async throws {
    let node = OneNode([:])
    try await check(node, options: { $0.withdrawOnStop = true }) { recorder in
      try await recorder.published(try local())
      node.state.withLock { $0.refusals = 1 }
      await #expect(throws: RegistryError.self) { try await recorder.published(nil) }
      node.set(nil)
      recorder.retry(nil)
      try await recorder.wait(for: "the success") { $0.outcome(of: 2) == .init(revision: 2) }
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

  @Test("a node without a nodename can't be published")
  func noName() async throws {
    try await check(OneNode([:])) { recorder in
      let error = await #expect(throws: RegistryError.self) {
        try await recorder.published(try local(nodename: ""))
      }
      #expect(error?.message.contains("node.nodename") == true)
    }
  }
}
