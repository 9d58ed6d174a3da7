import ClusterModel
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import StatusServer

@Suite("Overview, explain, history, diff, targets", .timeLimit(.minutes(3)))
struct OperationTests {
  private func remove(_ id: String, _ reason: RemovalReason) throws -> RegistryUpdate {
    .remove(try NodeIdentity(id), source: .only, reason: reason)
  }

  private func items(_ answer: TestDaemon.Answer, _ key: String = "items") throws -> [[String: Any]] {
    try answer.json[key] as? [[String: Any]] ?? []
  }

  @Test("the overview counts, names who isn't plainly ready, the worst first, and who a registry lacks")
  func overview() async throws {
    let records = [
      try record("a"), try record("lost"), try record("gone"),
      try record("sick", health: .notReady(reason: "KubeletNotReady")),
    ]
    try await TestDaemon.run { options, _ in
      options.clusterID = "c1"
    } _: { daemon in
      try daemon.inventory.apply(.snapshot(records, source: .only, absent: nil))
      try daemon.service.apply(
        .snapshot([try record("lost"), try record("gone")], source: .only, absent: nil))
      try await eventually("all are there") { try await daemon.get("/v1/members").ids.count == 4 }
      try daemon.service.apply(try remove("lost", .expired))
      try daemon.service.apply(try remove("gone", .withdrawn))
      try await eventually("two are away") {
        try items(try await daemon.get("/v1/status"), "attention").count == 3
      }
      let status = try await daemon.get("/v1/status")
      #expect(try items(status, "attention").map { $0["id"] as? String } == ["lost", "sick", "gone"])
      #expect(
        try items(status, "attention").map { $0["reason"] as? String } == [
          "expired", "KubeletNotReady", "withdrawn",
        ])
      #expect(try status.text("attention", 0, "message")?.contains("(expired); still in inventory") == true)
      #expect(try status.text("members", "listed") == "4")
      #expect(try status.text("members", "ready") == "1")
      #expect(try status.text("node", "cluster") == "c1")
      let service = try #require(try items(status, "registries").last?["status"] as? [String: Any])
      #expect(service["lacks"] as? Int == 4)
      #expect(service["lacking"] as? [String] == ["a", "gone", "lost", "sick"])
      // The list of registries says the same, and only members in trouble are selected.
      #expect(try await daemon.get("/v1/registries/service").text("status", "lacks") == "4")
      #expect(try await daemon.get("/v1/members?fieldSelector=status.state%3Dmissing").ids == ["lost"])
      // An age in a sentence goes on without a revision.
      let before = try await daemon.get("/v1/members/lost").text("metadata", "resourceVersion")
      var first: String?
      try await eventually("the sentence has another age") {
        let list = try await daemon.get("/v1/members?fieldSelector=metadata.id%3Dlost")
        let sentence = try list.text("items", 0, "status", "message") ?? ""
        #expect(sentence.contains("s ago (expired)"))
        #expect(try list.text("items", 0, "metadata", "resourceVersion") == before)
        defer { first = first ?? sentence }
        return first.map { $0 != sentence } ?? false
      }
    }
  }

  @Test("explain finds a node by name, identity, its beginning, hostname or address, and tells all of it")
  func explain() async throws {
    let records = [
      try record("identity-1", nodename: "n1", address: "10.0.0.1", hostname: "h1"),
      try record("identity-2", nodename: "n2", address: "10.0.0.2", hostname: "same"),
      try record("identity-3", nodename: "n3", address: "10.0.0.2", hostname: "same"),
    ]
    try await TestDaemon.run(knowing: records) { daemon in
      for name in ["n1", "identity-1", "h1", "10.0.0.1", "member/n1", "identity/identity-1"] {
        let answer = try await daemon.get("/v1/explain/\(name)")
        #expect(try answer.text("nodeId") == "identity-1", "\(name): \(answer.body)")
        #expect(try answer.text("member", "status", "state") == "ready")
        #expect(try answer.text("rule") == "somebody fresh has a lease of it")
        #expect(try answer.text("fields", 0, "claims", 0, "registry") == "service")
      }
      for (name, why) in [
        ("same", "hostname"), ("10.0.0.2", "address"), ("identity-", "identity that begins so"),
      ] {
        let answer = try await daemon.get("/v1/explain/\(name)")
        #expect(answer.status == 300, "\(name)")
        #expect(try answer.text("code") == "ambiguous")
        #expect(try items(answer, "candidates").allSatisfy { $0["why"] as? String == why })
        #expect(try items(answer, "candidates").count == (name == "identity-" ? 3 : 2))
      }
      try daemon.service.apply(try remove("identity-1", .withdrawn))
      try await eventually("it is a tombstone") {
        try await daemon.get("/v1/explain/n1").text("member", "metadata", "phase") == "tombstone"
      }
      #expect(try await daemon.get("/v1/explain/n1").text("isMember") == "0")
    }
  }

  @Test("conflicts are listed where somebody should look, all of them on request, each by its id")
  func conflicts() async throws {
    try await TestDaemon.run(knowing: [
      try record("a", address: "10.0.0.1"), try record("b", address: "10.0.0.1"),
    ]) {
      daemon in
      try daemon.inventory.apply(
        .upsert(try record("a", address: "10.0.0.1", hostname: "other"), source: .only))
      try await eventually("both are there") { try await daemon.get("/v1/conflicts?all=1").ids.count == 2 }
      let list = try await daemon.get("/v1/conflicts")
      #expect(try list.ids == ["address/10.0.0.1"])
      #expect(try list.text("items", 0, "spec", "severity") == "warning")
      #expect(try list.text("items", 0, "spec", "nodeCount") == "2")
      #expect(try list.text("items", 0, "spec", "message")?.contains("b: service") == true)
      #expect(try await daemon.get("/v1/conflicts/address/10.0.0.1").text("spec", "kind") == "address")
      #expect(try await daemon.get("/v1/conflicts/address%2F10.0.0.1").text("spec", "kind") == "address")
      #expect(try await daemon.get("/v1/members/a").text("status", "conflicts") == "1")
      #expect(try await daemon.get("/v1/members?fieldSelector=status.flags%3Dconflict").ids == ["a", "b"])
      #expect(
        try await daemon.get("/v1/affiliates?namespace=cluster-raw").ids == [
          "inventory/a", "service/a", "service/b",
        ])
      #expect(try await daemon.get("/v1/affiliates/inventory/a").text("spec", "hostname") == "other")
      #expect(try await daemon.get("/v1/affiliates/a").text("metadata", "namespace") == "cluster")
    }
  }

  @Test("history is in pages, oldest first, by node, type and time, and can be watched")
  func history() async throws {
    try await TestDaemon.run { daemon in
      for index in 0..<5 { try daemon.service.apply(.upsert(try record("n\(index)"), source: .only)) }
      try await eventually("all are there") { try await daemon.get("/v1/members").ids.count == 5 }
      let whole = try items(try await daemon.get("/v1/history?types=member"))
      #expect(whole.map { $0["id"] as? String } == ["n0", "n1", "n2", "n3", "n4"])
      var pages: [String] = []
      var next = ""
      repeat {
        let page = try await daemon.get("/v1/history?types=member&limit=2\(next)")
        pages += try items(page).compactMap { $0["id"] as? String }
        next = try page.text("metadata", "continue").map { "&continue=\($0)" } ?? ""
      } while !next.isEmpty
      #expect(pages == ["n0", "n1", "n2", "n3", "n4"])
      #expect(try items(try await daemon.get("/v1/history?node=n3")).count == 1)
      #expect(try items(try await daemon.get("/v1/history?since=1h&types=member")).count == 5)
      #expect(try items(try await daemon.get("/v1/history?until=2020-01-01T00:00:00Z")).isEmpty)
      let revision = try #require(try await daemon.get("/v1/history").text("metadata", "resourceVersion"))
      let watch = try daemon.watch("/v1/history?watch=true&since=\(revision)&node=n3")
      try await watch.saw("SYNCED")
      try daemon.service.apply(try remove("n2", .expired))
      try daemon.service.apply(try remove("n3", .withdrawn))
      try await eventually("its end is seen") { watch.briefs.contains("ADDED history n3") }
      #expect(watch.briefs.allSatisfy { $0 == "SYNCED" || $0 == "ADDED history n3" })
      let after = try items(try await daemon.get("/v1/history?since=\(revision)"))
      #expect(after.contains { $0["id"] as? String == "n2" && $0["reason"] as? String == "expired" })
    }
  }

  @Test(
    "a diff shows what is otherwise than then, not what came and went again; or two registries node by node")
  func diff() async throws {
    try await TestDaemon.run(knowing: [try record("a", hostname: "x"), try record("b"), try record("c")]) {
      daemon in
      try daemon.inventory.apply(
        .snapshot(
          [try record("a", hostname: "y"), try record("b"), try record("d")], source: .only, absent: nil))
      try await eventually("all are there") { try await daemon.get("/v1/members").ids.count == 4 }
      let two = try await daemon.get("/v1/diff?registries=service,inventory")
      let texts = try items(two).map {
        "\($0["id"] ?? "") \($0["path"] ?? "") \($0["from"] ?? "") \($0["to"] ?? "")"
      }
      #expect(texts == ["a spec.hostname x y", "c presence listed <null>", "d presence <null> listed"])
      #expect(try two.text("equal") == "1")
      #expect(try two.text("onlyFrom") == "1" && two.text("onlyTo") == "1")
      // From now on: a goes and comes, c goes.
      let since = "\(Date.now.ISO8601Format(.init(includingFractionalSeconds: true)))"
      try daemon.service.apply(try remove("a", .withdrawn))
      try daemon.service.apply(.upsert(try record("a", hostname: "x"), source: .only))
      try daemon.service.apply(try remove("c", .expired))
      try await eventually("c is gone") { try await daemon.get("/v1/members").ids == ["a", "b", "d"] }
      let world = try await daemon.get("/v1/diff?since=\(since)")
      let changed = try items(world).filter { $0["type"] as? String == "member" }
      #expect(changed.map { $0["id"] as? String } == ["c"], "\(world.body)")
    }
  }

  @Test("targets are the members' addresses; as long as not every registry was heard there is no list")
  func targets() async throws {
    let records = [
      try record("a", address: "10.0.0.1", labels: ["rack": "r1"]), try record("b", address: "fd00::1"),
      try record("c"), try record("d", address: "10.0.0.4"),
    ]
    try await TestDaemon.run(knowing: records) { daemon in
      func targets(_ query: String) async throws -> [String] {
        let answer = try await daemon.get("/sd?port=9100\(query)")
        let list = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]] ?? []
        return list.flatMap { $0["targets"] as? [String] ?? [] }
      }
      #expect(try await targets("") == ["10.0.0.1:9100", "[fd00::1]:9100", "10.0.0.4:9100"])
      #expect(try await targets("&family=ipv6") == ["[fd00::1]:9100"])
      #expect(try await targets("&network=10.0.0.0/30") == ["10.0.0.1:9100"])
      #expect(try await targets("&labelSelector=rack%3Dr1") == ["10.0.0.1:9100"])
      #expect(try await targets("&fieldSelector=metadata.id!%3Da") == ["[fd00::1]:9100", "10.0.0.4:9100"])
      #expect(try await daemon.get("/sd?port=9100&label=rack").body.contains("\"rack\":\"r1\""))
      try daemon.service.apply(try remove("a", .expired))
      try daemon.service.apply(try remove("d", .withdrawn))
      try await eventually("they are gone") { try await daemon.get("/v1/members").ids == ["b", "c"] }
      // A dead machine stays a target, one that was taken away doesn't.
      #expect(try await Set(targets("")) == ["10.0.0.1:9100", "[fd00::1]:9100"])
      #expect(try await targets("&status=missing") == ["10.0.0.1:9100"])
    }
    try await TestDaemon.run(knowing: nil) { daemon in
      let answer = try await daemon.get("/sd?port=9100")
      #expect(answer.status == 503)
      #expect(try answer.text("code") == "not-synced")
      #expect(try answer.text("detail")?.contains("service") == true)
      let list = try await daemon.get("/v1/members")
      #expect(list.status == 200)
      #expect(try list.text("metadata", "synced") == "0")
      #expect(
        try list.json["metadata"].flatMap { ($0 as? [String: Any])?["partial"] as? [String] } == ["service"])
      #expect(try await daemon.get("/readyz?verbose").body.contains("[+]inventory ok"))
    }
  }

  @Test("metrics are the text that the daemon has for them, in the format that is asked for")
  func metrics() async throws {
    try await TestDaemon.run { options, _ in
      options.metrics = { accept in
        accept?.contains("openmetrics") == true
          ? ("application/openmetrics-text; version=1.0.0; charset=utf-8", "open\n# EOF\n")
          : ("text/plain; version=0.0.4; charset=utf-8", "plain\n")
      }
    } _: { daemon in
      #expect(try await daemon.get("/metrics").body == "plain\n")
      let open = try await daemon.get("/metrics", "-H", "Accept: application/openmetrics-text;version=1.0.0")
      #expect(open.body == "open\n# EOF\n")
      #expect(open.fields["content-type"]?.hasPrefix("application/openmetrics-text") == true)
    }
  }
}
