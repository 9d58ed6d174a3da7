import ClusterModel
import RegistryKit
import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct NodeViewTests {
  private func view(local: String? = nil, _ choice: NodeChoice = .annotated) throws -> NodeView {
    NodeView(
      localNodeID: try local.map { try NodeIdentity($0) }, choice: choice,
      problems: ProblemLog(logger: SessionRecorder().logger))
  }

  private func node(
    _ name: String, _ id: String?, version: Int = 1, hostname: String = "", created: Int64? = nil
  ) -> NodeObject {
    NodeObject(
      name: name, resourceVersion: "\(version)", createdAt: created.map { Timestamp(milliseconds: $0) },
      annotations: id.map { [NodeAnnotation.nodeID.rawValue: $0] } ?? [:], hostname: hostname)
  }

  private func replace(_ view: inout NodeView, _ nodes: [NodeObject]) throws -> [String] {
    var draft = NodeView.Draft()
    for node in nodes { try view.add(node, to: &draft) }
    return view.replace(with: draft).map(text).sorted()
  }

  private func text(_ update: RegistryUpdate) -> String {
    switch update {
    case .snapshot(let records, _, _):
      "all "
        + records.map(text).sorted().joined(separator: " ")
    case .upsert(let record, _): "set \(text(record))"
    case .remove(let id, _, let reason): "remove \(id) \(reason)"
    case .sourceGone: "gone"
    }
  }

  private func text(_ record: AffiliateRecord) -> String {
    record.isLocalID
      ? "(\(record.affiliate.nodeID))" : "\(record.affiliate.nodeID)@\(record.affiliate.nodename)"
  }

  @Test("the first list is a snapshot, a later one has only what differs")
  func lists() throws {
    var view = try view()
    #expect(try replace(&view, [node("a", "1"), node("b", "2"), node("c", nil)]) == ["all 1@a 2@b"])
    #expect(
      try replace(&view, [node("a", "1", version: 5), node("b", "2", hostname: "new"), node("d", "4")]) == [
        "set 2@b", "set 4@d",
      ])
    #expect(try replace(&view, [node("d", "4")]) == ["remove 1 deleted", "remove 2 deleted"])
  }

  @Test("an event that changes no record, or that is older than what is known, is no update")
  func noChange() throws {
    var view = try view()
    _ = try replace(&view, [node("a", "1", version: 10, hostname: "h")])
    #expect(view.set(node("a", "1", version: 11, hostname: "h")).map(text) == [])
    #expect(view.set(node("a", "1", version: 9, hostname: "old")).map(text) == [])
    #expect(view.remove(node("a", "1", version: 9)).map(text) == [])
    #expect(view.remove(node("a", "1", version: 12)).map(text) == ["remove 1 deleted"])
    #expect(view.remove(node("a", "1", version: 12)).map(text) == [])
  }

  @Test("a Node that gets another identity is another node")
  func identityChanges() throws {
    var view = try view()
    _ = try replace(&view, [node("a", "1")])
    #expect(view.set(node("a", "2", version: 2)).map(text) == ["remove 1 deleted", "set 2@a"])
    #expect(view.set(node("a", nil, version: 3)).map(text) == ["remove 2 deleted"])
    #expect(view.set(node("a", "1", version: 4)).map(text) == ["set 1@a"])
  }

  @Test(
    "of Nodes with one identity the oldest has it, the others have records by their names, whatever the order",
    arguments: NodeChoice.allCases)
  func duplicates(choice: NodeChoice) throws {
    let recorder = SessionRecorder()
    var view = NodeView(localNodeID: nil, choice: choice, problems: ProblemLog(logger: recorder.logger))
    _ = try replace(&view, [])
    #expect(view.set(node("b", "1", version: 1, created: 20)).map(text) == ["set 1@b"])
    #expect(view.set(node("a", "1", version: 2, created: 30)).map(text) == ["set (a)"])
    #expect(recorder.now.log.contains { $0.contains("'b', 'a'") && $0.contains("'b' keeps it") })
    #expect(view.set(node("c", "1", version: 3, created: 10)).map(text).sorted() == ["set (b)", "set 1@c"])
    #expect(view.remove(node("c", "1", version: 4)).map(text) == ["remove b deleted", "set 1@b"])
    #expect(view.remove(node("b", "1", version: 5)).map(text) == ["remove a deleted", "set 1@a"])
    #expect(view.remove(node("a", "1", version: 6)).map(text) == ["remove 1 deleted"])
    // Without times, and with the same one, by name.
    #expect(try replace(&view, [node("y", "1"), node("x", "1")]) == ["set (y)", "set 1@x"])
    // A time that isn't known is the latest.
    #expect(view.set(node("z", "1", created: 5)).map(text).sorted() == ["set (x)", "set 1@z"])
  }

  @Test("of Nodes with the identity of this machine the oldest is this machine's, the others have records")
  func duplicatesOfLocal() throws {
    var view = try view(local: "1")
    #expect(try replace(&view, [node("a", "1", created: 2), node("b", "1", created: 1)]) == ["all (a)"])
    #expect(view.remove(node("b", "1", version: 2)).map(text) == ["remove a deleted"])
  }

  @Test("a record by a Node's name has what the kubelet says, and nothing of the annotations")
  func loser() throws {
    var view = try view()
    var copy = node("copy", "1", hostname: "copy", created: 9)
    copy.annotations[NodeAnnotation.selfIPs.rawValue] = "10.0.0.1"
    copy.annotations[NodeAnnotation.kubeSpanIP.rawValue] = "fd83::1"
    copy.addresses = ["10.0.0.2"]
    copy.labels = ["zone": "b"]
    copy.health = .ready
    copy.machineID = "6a0eceb4cf8de176bd24abff87481ec9"
    _ = try replace(&view, [node("first", "1", created: 1)])
    let updates = view.set(copy)
    guard case .upsert(let record, _) = updates.first, updates.count == 1 else {
      Issue.record("\(updates)")
      return
    }
    var expected = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("copy"), addresses: [try IPAddress("10.0.0.2")], hostname: "copy",
        nodename: "copy", machineType: .worker), isLocalID: true)
    expected.createdAt = copy.createdAt
    expected.machineID = copy.machineID
    expected.health = .ready
    expected.labels = try NodeLabels(["zone": "b"])
    #expect(record == expected)
  }

  @Test("all Nodes: those without an identity have records by their names, also as they get and lose one")
  func all() throws {
    var view = try view(.all)
    #expect(try replace(&view, [node("a", "1"), node("b", nil), node("c", "x/y")]) == ["all (b) (c) 1@a"])
    #expect(view.set(node("b", "2", version: 2)).map(text) == ["remove b deleted", "set 2@b"])
    #expect(view.set(node("b", nil, version: 3)).map(text) == ["remove 2 deleted", "set (b)"])
    #expect(view.remove(node("b", nil, version: 4)).map(text) == ["remove b deleted"])
  }

  @Test("an identity that is another Node's name is nobody's, so that no Node takes another one's place")
  func namesake() throws {
    let recorder = SessionRecorder()
    var view = NodeView(localNodeID: nil, choice: .all, problems: ProblemLog(logger: recorder.logger))
    #expect(try replace(&view, [node("a", "b", created: 1), node("b", nil, created: 2)]) == ["all (a) (b)"])
    #expect(
      recorder.now.log.contains { $0.contains("the identity 'b' of the Nodes 'a' is another Node's name") })
    // Who is called so may have it, however young.
    #expect(view.set(node("b", "b", version: 2, created: 2)).map(text) == ["set b@b"])
    #expect(view.remove(node("b", "b", version: 3)).map(text).sorted() == ["remove a deleted", "set b@a"])
    #expect(view.set(node("b", nil, version: 4)).map(text).sorted() == ["set (a)", "set (b)"])
    // Names that go round.
    #expect(view.set(node("b", "a", version: 5)).map(text) == [])
    // Where only annotated Nodes count the others are in nobody's way.
    var annotated = try self.view()
    #expect(try replace(&annotated, [node("a", "b"), node("b", nil)]) == ["all b@a"])
  }

  @Test("a Node that is no longer ready is an update, and a heartbeat is none")
  func health() throws {
    var view = try view()
    var ready = node("a", "1", version: 1)
    ready.health = .ready
    _ = try replace(&view, [ready])
    ready.resourceVersion = "2"
    #expect(view.set(ready) == [])
    var lost = ready
    (lost.resourceVersion, lost.health) = ("3", .notReady(reason: "NodeStatusUnknown"))
    let updates = view.set(lost)
    guard case .upsert(let record, _) = updates.first else {
      Issue.record("\(updates)")
      return
    }
    #expect(record.health == .notReady(reason: "NodeStatusUnknown"))
  }

  @Test("the local node is left out")
  func localNode() throws {
    var view = try view(local: "1")
    #expect(try replace(&view, [node("a", "1"), node("b", "2")]) == ["all 2@b"])
    #expect(view.set(node("a", "1", version: 2, hostname: "x")).map(text) == [])
  }

  @Test("any order of events and lists gives what a new list would", arguments: NodeChoice.allCases)
  func property(choice: NodeChoice) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var view = try view(local: "0", choice)
      var truth: [String: NodeObject] = [:]
      var known: [NodeIdentity: AffiliateRecord] = [:]
      var version = 1
      func take(_ updates: [RegistryUpdate]) {
        for update in updates {
          switch update {
          case .snapshot(let records, _, _):
            known = Dictionary(uniqueKeysWithValues: records.map { ($0.affiliate.nodeID, $0) })
          case .upsert(let record, _):
            #expect(known.updateValue(record, forKey: record.affiliate.nodeID) != record)
          case .remove(let id, _, _): #expect(known.removeValue(forKey: id) != nil)
          case .sourceGone: known = [:]
          }
        }
      }
      take(view.replace(with: NodeView.Draft()))
      for _ in 0..<40 {
        version += 1
        let name = "n\(Int.random(in: 0..<5, using: &generator))"
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          if let node = truth.removeValue(forKey: name) {
            var gone = node
            gone.resourceVersion = "\(version)"
            take(view.remove(gone))
          }
        case 1:
          var draft = NodeView.Draft()
          for node in truth.values { try view.add(node, to: &draft) }
          take(view.replace(with: draft))
        default:
          // Identities that are Nodes' names among them.
          let id = ["0", "1", "2", "n0", "n1", nil].randomElement(using: &generator) ?? nil
          let created = Int64.random(in: 0..<3, using: &generator)
          let new = node(name, id, version: version, created: created == 0 ? nil : created)
          truth[name] = new
          take(view.set(new))
        }
        var fresh = try self.view(local: "0", choice)
        var draft = NodeView.Draft()
        for node in truth.values { try fresh.add(node, to: &draft) }
        guard case .snapshot(let records, _, _) = fresh.replace(with: draft).first else { continue }
        #expect(known == Dictionary(uniqueKeysWithValues: records.map { ($0.affiliate.nodeID, $0) }))
        // Each Node that takes part has one record, but for this machine's own.
        let claims = truth.values.filter { !$0.annotations.isEmpty }
        let parts = choice == .all ? truth.count : claims.count
        let isLocalThere = claims.contains { $0.annotations.values.contains("0") }
        #expect(records.count == parts - (isLocalThere ? 1 : 0))
      }
    }
  }
}
