import ClusterModel
import RegistryKit
import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct NodeViewTests {
  private func view(local: String? = nil) throws -> NodeView {
    NodeView(
      localNodeID: try local.map { try NodeIdentity($0) },
      problems: ProblemLog(logger: SessionRecorder().logger))
  }

  private func node(_ name: String, _ id: String?, version: Int = 1, hostname: String = "") -> NodeObject {
    NodeObject(
      name: name, resourceVersion: "\(version)",
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
        + records.map { "\($0.affiliate.nodeID)@\($0.affiliate.nodename)" }.sorted().joined(separator: " ")
    case .upsert(let record, _): "set \(record.affiliate.nodeID)@\(record.affiliate.nodename)"
    case .remove(let id, _, let reason): "remove \(id) \(reason)"
    case .sourceGone: "gone"
    }
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

  @Test("of Nodes with one identity the first by name counts, whatever the order, and the next when it goes")
  func duplicates() throws {
    let recorder = SessionRecorder()
    var view = NodeView(localNodeID: nil, problems: ProblemLog(logger: recorder.logger))
    _ = try replace(&view, [])
    #expect(view.set(node("b", "1", version: 1)).map(text) == ["set 1@b"])
    #expect(view.set(node("a", "1", version: 2)).map(text) == ["set 1@a"])
    #expect(view.set(node("c", "1", version: 3)).map(text) == [])
    #expect(recorder.now.log.contains { $0.contains("'a', 'b'") })
    #expect(view.remove(node("a", "1", version: 4)).map(text) == ["set 1@b"])
    #expect(view.remove(node("b", "1", version: 5)).map(text) == ["set 1@c"])
    #expect(view.remove(node("c", "1", version: 6)).map(text) == ["remove 1 deleted"])
    #expect(try replace(&view, [node("y", "1"), node("x", "1")]) == ["set 1@x"])
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

  @Test("any order of events and lists gives what a new list would")
  func property() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var view = try view(local: "0")
      var truth: [String: NodeObject] = [:]
      var known: [String: String] = [:]
      var version = 1
      func take(_ updates: [RegistryUpdate]) {
        for update in updates {
          switch update {
          case .snapshot(let records, _, _):
            known = Dictionary(
              uniqueKeysWithValues: records.map { ($0.affiliate.nodeID.text, $0.affiliate.nodename) })
          case .upsert(let record, _): known[record.affiliate.nodeID.text] = record.affiliate.nodename
          case .remove(let id, _, _): known[id.text] = nil
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
          let id = Int.random(in: 0..<5, using: &generator)
          let new = node(name, id == 4 ? nil : "\(id)", version: version)
          truth[name] = new
          take(view.set(new))
        }
        var expected: [String: String] = [:]
        for node in truth.values.sorted(by: { $0.name > $1.name }) {
          guard let id = node.annotations[NodeAnnotation.nodeID.rawValue], id != "0" else { continue }
          expected[id] = node.name
        }
        #expect(known == expected)
      }
    }
  }
}
