import ClusterModel
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import StatusServer

@Suite("Lists and documents over the socket", .timeLimit(.minutes(3)))
struct ListTests {
  @Test("a list has its revision, the daemon's time, what is missing in it, and members with their status")
  func members() async throws {
    let records = [
      try record("b", address: "10.0.0.2", labels: ["rack": "r1"]), try record("a", type: .controlplane),
    ]
    try await TestDaemon.run(knowing: records) { daemon in
      let answer = try await daemon.get("/v1/members")
      #expect(answer.status == 200)
      #expect(answer.fields["content-type"] == "application/json")
      #expect(answer.fields["server"]?.hasPrefix("rollcall/") == true)
      let revision = try #require(try answer.text("metadata", "resourceVersion"))
      #expect(answer.fields["etag"] == "\"\(revision)\"")
      #expect(try answer.text("apiVersion") == "rollcall.dev/v1")
      #expect(try answer.text("kind") == "MemberList")
      #expect(try answer.text("metadata", "synced") == "1")
      #expect(try answer.ids == ["a", "b"])
      #expect(try answer.text("items", 0, "spec", "machineType") == "controlplane")
      #expect(try answer.text("items", 1, "metadata", "labels", "rack") == "r1")
      #expect(try answer.text("items", 1, "status", "state") == "ready")
      #expect(try answer.text("items", 1, "status", "reason") == "leased")
      #expect(try answer.text("items", 1, "status", "sources", 0, "registry") == "service")
      #expect(try answer.text("items", 1, "status", "lastSeen") == nil)
      // A single one says when it was last seen, which moves without a revision.
      let single = try await daemon.get("/v1/members/b")
      #expect(try single.text("status", "lastSeen") != nil)
      #expect(
        try single.text("metadata", "resourceVersion")
          == answer.text("items", 1, "metadata", "resourceVersion"))
    }
  }

  @Test("an ETag holds for as long as nothing changed, a renewal included")
  func eTags() async throws {
    try await TestDaemon.run(knowing: [try record("a")]) { daemon in
      let first = try await daemon.get("/v1/members")
      let tag = try #require(first.fields["etag"])
      for header in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
        let again = try await daemon.get("/v1/members", "-H", "If-None-Match: \(header)")
        #expect(again.status == 304 && again.body.isEmpty, "\(header)")
      }
      var renewed = try record("a")
      renewed.confirmedAt = Timestamp(milliseconds: 1_900_000_000_000)
      try daemon.service.apply(.upsert(renewed, source: .only))
      try await daemon.settle()
      #expect(try await daemon.get("/v1/members", "-H", "If-None-Match: \(tag)").status == 304)
      try daemon.service.apply(.upsert(try record("b"), source: .only))
      try await eventually("b is there") { try await daemon.get("/v1/members").ids == ["a", "b"] }
      #expect(try await daemon.get("/v1/members", "-H", "If-None-Match: \(tag)").status == 200)
    }
  }

  @Test("who is gone is a tombstone: with all in the list, alone by its name, and forgotten on request")
  func tombstones() async throws {
    try await TestDaemon.run(knowing: [try record("a"), try record("b", labels: ["rack": "r9"])]) { daemon in
      try daemon.service.apply(.remove(try NodeIdentity("b"), source: .only, reason: .withdrawn))
      try await eventually("b is gone") { try await daemon.get("/v1/members").ids == ["a"] }
      let all = try await daemon.get("/v1/members?all=true")
      #expect(try all.ids == ["a", "b"])
      #expect(try all.text("items", 1, "metadata", "phase") == "tombstone")
      #expect(try all.text("items", 1, "metadata", "labels", "rack") == "r9")
      #expect(try all.text("items", 1, "status", "reason") == "withdrawn")
      #expect(try all.text("items", 1, "status", "message")?.hasPrefix("left ") == true)
      #expect(try await daemon.get("/v1/members/b").text("metadata", "phase") == "tombstone")
      let affiliate = try await daemon.get("/v1/affiliates/b")
      #expect(affiliate.status == 404)
      #expect(try affiliate.text("detail")?.contains("b isn't there any more: it left") == true)
      let listed = try await daemon.get("/v1/members/a", "-X", "DELETE")
      #expect(listed.status == 409)
      #expect(try listed.text("code") == "still-listed")
      #expect(try listed.text("detail")?.contains("service") == true)
      #expect(try await daemon.get("/v1/members/b", "-X", "DELETE").status == 204)
      try await daemon.settle()
      #expect(try await daemon.get("/v1/members?all=true").ids == ["a"])
      #expect(try await daemon.get("/v1/members/b", "-X", "DELETE").status == 404)
    }
  }

  @Test(
    "a selector selects, one that isn't understood is an error that says what would be right",
    arguments: [
      ("labelSelector=rack%3Dr1", ["a"]), ("labelSelector=rack!%3Dr1", ["b", "c"]),
      ("labelSelector=rack", ["a", "b"]), ("labelSelector=!rack", ["c"]),
      ("labelSelector=rack+in+(r1,r2),env", ["b"]), ("labelSelector=rack%20notin%20(r1)", ["b", "c"]),
      ("labelSelector=", ["a", "b", "c"]), ("fieldSelector=metadata.id%3Db", ["b"]),
      ("fieldSelector=spec.machineType!%3Dworker", ["c"]),
      ("fieldSelector=status.sources%3Dservice", ["a", "b", "c"]),
      ("fieldSelector=status.sources%3Dinventory", []), ("fieldSelector=status.flags%3Dconflict", []),
      ("fieldSelector=status.flags!%3Dconflict", ["a", "b", "c"]),
      ("fieldSelector=status.state%3D%3Dready,metadata.id%3Da", ["a"]),
    ])
  func selectors(query: String, expected: [String]) async throws {
    let records = [
      try record("a", labels: ["rack": "r1"]), try record("b", labels: ["rack": "r2", "env": "dev"]),
      try record("c", type: .controlplane),
    ]
    try await TestDaemon.run(knowing: records) { daemon in
      let ids = try await daemon.get("/v1/members?\(query)").ids
      #expect(ids == expected)
    }
  }

  @Test("bad requests are problems that name what is wrong")
  func problems() async throws {
    try await TestDaemon.run(knowing: [try record("web-1"), try record("web-2")]) { daemon in
      let table: [(path: String, status: Int, code: String, parameter: String?, detail: String)] = [
        ("/v1/member", 404, "not-found", nil, "/v1/member"),
        ("/nothing", 404, "not-found", nil, "/v1"),
        ("/v1/members/web-3", 404, "not-found", nil, "did you mean 'web-1'?"),
        ("/v1/members/%ff", 400, "invalid-parameter", "id", "percent-encoded"),
        (
          "/v1/members?fieldSelector=status.stat%3Da", 400, "invalid-selector", "fieldSelector",
          "did you mean 'status.state'?"
        ),
        ("/v1/members?fieldSelector=state", 400, "invalid-selector", "fieldSelector", "FIELD=VALUE"),
        ("/v1/members?labelSelector=a+b", 400, "invalid-selector", "labelSelector", "KEY=VALUE"),
        ("/v1/members?labelSelector=a%3D1,", 400, "invalid-selector", "labelSelector", "KEY=VALUE"),
        ("/v1/members?labelSelector=a+in+(b", 400, "invalid-selector", "labelSelector", ")"),
        (
          "/v1/members?labelSelektor=a", 400, "invalid-parameter", "labelSelektor",
          "did you mean 'labelSelector'?"
        ),
        ("/v1/members?all=yes", 400, "invalid-parameter", "all", "true or false"),
        ("/v1/members?all=1&all=1", 400, "invalid-parameter", "all", "once"),
        ("/v1/members?watch=true&since=5", 400, "invalid-parameter", "since", "q7f3k.1842"),
        ("/v1/members?watch=true&timeoutSeconds=0", 400, "invalid-parameter", "timeoutSeconds", "1 to 86400"),
        ("/v1/members?since=aaaaa.1", 400, "invalid-parameter", "since", "watch=true"),
        ("/v1/members?%zz=1", 400, "invalid-parameter", "%zz", "percent-encoded"),
        ("/v1/watch", 400, "invalid-parameter", "types", "members"),
        ("/v1/watch?types=member", 400, "invalid-parameter", "types", "did you mean 'members'?"),
        ("/v1/registries/servise", 404, "not-found", nil, "did you mean 'service'?"),
        ("/v1/affiliates/servise/a", 404, "not-found", nil, "did you mean 'service'?"),
        ("/v1/affiliates/service/zzz", 404, "not-found", nil, "no record"),
        ("/v1/explain/web-9", 404, "not-found", nil, "did you mean 'web-1'?"),
        ("/v1/history?since=tomorrow", 400, "invalid-parameter", "since", "10m"),
        ("/v1/history?types=members", 400, "invalid-parameter", "types", "did you mean 'member'?"),
        ("/v1/history?limit=10001", 400, "invalid-parameter", "limit", "1 to 10000"),
        ("/v1/diff", 400, "invalid-parameter", "since", "registries"),
        ("/v1/diff?since=2000-01-01T00:00:00Z", 400, "invalid-parameter", "since", "reaches back to"),
        ("/v1/diff?registries=service", 400, "invalid-parameter", "registries", "two"),
        (
          "/v1/diff?registries=service,inventori", 400, "invalid-parameter", "registries",
          "did you mean 'inventory'?"
        ),
        ("/sd", 400, "invalid-parameter", "port", "port=9100"),
        ("/sd?port=0", 400, "invalid-parameter", "port", "1 to 65535"),
        ("/sd?port=1&network=10.0.0.0/33", 400, "invalid-parameter", "network", "network"),
        ("/metrics", 404, "not-found", nil, "metrics"),
      ]
      for row in table {
        let answer = try await daemon.get(row.path)
        #expect(answer.status == row.status, "\(row.path): \(answer.body)")
        #expect(answer.fields["content-type"] == "application/problem+json", "\(row.path)")
        #expect(try answer.text("code") == row.code, "\(row.path)")
        #expect(try answer.text("status") == "\(row.status)")
        #expect(try answer.text("parameter") == row.parameter, "\(row.path)")
        #expect(try answer.text("detail")?.contains(row.detail) == true, "\(row.path): \(answer.body)")
      }
      let method = try await daemon.get("/v1/members", "-X", "POST")
      #expect(method.status == 405)
      #expect(method.fields["allow"] == "GET, HEAD")
      #expect(method.fields["content-type"] == "application/problem+json")
      let head = try await daemon.get("/v1/members", "-I")
      #expect(head.status == 200 && head.body.isEmpty && head.fields["content-length"] != "0")
      let long = try await daemon.get("/v1/members/" + String(repeating: "x", count: 15_000))
      #expect(long.status == 400)
    }
  }

  @Test("hostile names come back as they are, whole and escaped")
  func hostileNames() async throws {
    let names = ["a\"b\\c", "ä ö%2F/x", "\u{202E}evil", "<script>", String(repeating: "n", count: 200)]
    let records = try names.enumerated().map { try record("id-\($0.offset)", nodename: $0.element) }
    try await TestDaemon.run(knowing: records) { daemon in
      #expect(try await daemon.get("/v1/members").ids.sorted() == names.sorted())
      for (index, name) in names.enumerated() {
        let path = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let answer = try await daemon.get("/v1/members/\(path)")
        #expect(try answer.text("spec", "nodeId") == "id-\(index)", "\(name): \(answer.body)")
      }
    }
  }
}
