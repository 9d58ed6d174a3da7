import ClusterModel
import Foundation
import KubeSpan
import MeshTestSupport
import RegistryKit
import TestSupport
import Testing

@testable import StatusServer

@Suite("The WireGuard mesh over the API", .timeLimit(.minutes(3)))
struct MeshTests {
  /// Runs a daemon that knows the five nodes, whose mesh is as `reports` say.
  private func run(
    _ reports: MeshReports?, _ body: (TestDaemon) async throws -> Void
  ) async throws {
    let records = try (1...5).map { AffiliateRecord(try SampleMesh.affiliate($0)) }
    try await TestDaemon.run(knowing: records) { options, _ in
      options.meshReports = reports
    } _: { daemon in
      try await body(daemon)
    }
  }

  private func reports(_ change: (inout MeshReport) throws -> Void = { _ in }) throws -> MeshReports {
    var report = try SampleMesh.report()
    try change(&report)
    let reports = MeshReports()
    reports.publish(report)
    return reports
  }

  private func spec(_ answer: TestDaemon.Answer) throws -> [String: Any] {
    try #require(try answer.json["spec"] as? [String: Any])
  }

  private func encoded(_ key: String) throws -> String {
    try #require(key.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
  }

  @Test("its resources are lists and single ones, by public key, and no private key is in them")
  func resources() async throws {
    try await run(try reports { $0.isHarvesting = true }) { daemon in
      let peers = try await daemon.get("/v1/kubespanpeerstatuses")
      #expect(try peers.ids.sorted() == SampleMesh.keys.prefix(4).sorted())
      #expect(try await daemon.get("/v1/kubespanpeerspecs").ids.count == 4)
      #expect(try await daemon.get("/v1/kubespanendpoints").ids == [SampleMesh.keys[0]])
      let status = try await daemon.get("/v1/kubespanpeerstatuses/\(try encoded(SampleMesh.keys[0]))")
      #expect(try spec(status)["state"] as? String == "up")
      #expect(try spec(status)["receiveBytes"] as? Int == 15_043_220)
      #expect(try spec(status)["lastHandshakeTime"] as? String == "2026-11-26T02:59:26.005Z")
      #expect(try status.text("metadata", "namespace") == "kubespan")
      #expect(try status.text("metadata", "version") == "1")
      // A slash in a key needn't be encoded.
      #expect(try await daemon.get("/v1/kubespanpeerstatuses/\(SampleMesh.keys[0])").status == 200)
      let identity = try await daemon.get("/v1/kubespanidentities/local")
      #expect(try spec(identity)["privateKey"] as? String == "<redacted>")
      #expect(
        try spec(identity)["address"] as? String == "fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94/128")
      let selected = try await daemon.get("/v1/kubespanpeerstatuses?fieldSelector=spec.state%3Ddown")
      #expect(try selected.ids == [SampleMesh.keys[1]])
      let unknown = try await daemon.get("/v1/kubespanpeerspecs/\(try encoded("x" + SampleMesh.keys[0]))")
      #expect(unknown.status == 404 && unknown.body.contains("did you mean"))
    }
  }

  @Test("endpoints are only shown while they are harvested")
  func harvesting() async throws {
    try await run(try reports()) { daemon in
      let endpoints = try await daemon.get("/v1/kubespanendpoints").ids
      #expect(endpoints == [])
    }
  }

  @Test("a status has another version at each change of counters, and nothing changes where nothing did")
  func versions() async throws {
    let reports = try reports()
    try await run(reports) { daemon in
      let watch = try daemon.watch("/v1/kubespanpeerstatuses?watch=true&fieldSelector=spec.label%3Dw-1")
      defer { watch.stop() }
      try await eventually("it is in sync") { watch.briefs.last == "SYNCED" }
      let before = try await daemon.get("/v1/kubespanpeerspecs")
      var report = try SampleMesh.report()
      report.passCount += 1
      report.statuses[0].handshakeAge = .seconds(35)
      reports.publish(report)
      report.statuses[0].receivedBytes += 32
      reports.publish(report)
      try await watch.saw("MODIFIED kubespanpeerstatuses \(SampleMesh.keys[0])")
      let path = "/v1/kubespanpeerstatuses/\(try encoded(SampleMesh.keys[0]))"
      #expect(try await daemon.get(path).text("metadata", "version") == "2")
      #expect(try await daemon.get(path).text("metadata", "created") == "2026-11-26T03:00:00Z")
      let other = "/v1/kubespanpeerstatuses/\(try encoded(SampleMesh.keys[1]))"
      #expect(try await daemon.get(other).text("metadata", "version") == "1")
      #expect(try await daemon.get("/v1/kubespanpeerspecs").fields["etag"] == before.fields["etag"])
      #expect(watch.briefs.count == 3)
      // What the cluster says goes on in the same order of revisions.
      let members = try daemon.watch("/v1/watch?types=members,kubespanpeerstatuses")
      defer { members.stop() }
      try await eventually("both are in sync") { members.briefs.last == "SYNCED" }
      try daemon.inventory.apply(.upsert(try record("new"), source: .only))
      try await members.saw("ADDED members new")
      report.statuses[0].sentBytes += 32
      reports.publish(report)
      try await members.saw(
        "ADDED members new", "MODIFIED kubespanpeerstatuses \(SampleMesh.keys[0])")
      let revisions = members.events.suffix(2).compactMap { $0.id.split(separator: ".").last }
        .compactMap { Int($0) }
      #expect(revisions.count == 2 && revisions[0] < revisions[1], "\(revisions)")
      // Who resumes between the two misses nothing and gets nothing twice.
      let resumed = try daemon.watch(
        "/v1/watch?types=members,kubespanpeerstatuses&since=\(members.events.suffix(2).first?.id ?? "")")
      defer { resumed.stop() }
      try await eventually("it is in sync") { resumed.briefs.last == "SYNCED" }
      #expect(resumed.briefs == ["MODIFIED kubespanpeerstatuses \(SampleMesh.keys[0])", "SYNCED"])
      reports.publish(nil)
      try await eventually("the mesh is gone") {
        try await daemon.get("/v1/kubespanpeerstatuses").ids.isEmpty
      }
    }
  }

  @Test("the whole document says of each peer why it isn't up")
  func document() async throws {
    try await run(try reports()) { daemon in
      let mesh = try await daemon.get("/v1/kubespan")
      let peers = try #require(try mesh.json["peers"] as? [[String: Any]])
      let why = peers.map { $0["why"] as? [String] ?? [] }
      #expect(peers.map { $0["label"] as? String } == ["w-1", "w-2", "w-3", "w-4"])
      #expect(peers.map { $0["trouble"] as? String } == [nil, "no-answer", "no-endpoint", "clock-behind"])
      #expect(why[0] == [])
      #expect(
        why[1] == [
          "no answer from 10.0.0.2:51820, [2001:db8::2]:51820 since 2026-11-26T02:50:00Z",
          "10.244.1.0/24 goes to w-1, which has it too",
        ])
      #expect(
        why[2] == [
          "none of its endpoints is tried: 192.168.0.3:51820 (filters.peerEndpoints doesn't let it pass)"
        ])
      #expect(
        why[3].first?.hasPrefix("this node's clock is behind its last handshake, 2026-11-26T04:00") == true)
      #expect(why[3].last == "kept from before, as no registry can be asked")
      #expect(peers[0]["since"] as? String == "2026-11-26T02:48:01Z")
      #expect(peers[1]["since"] as? String == "2026-11-26T02:50:00Z")
      #expect(try mesh.text("counts", "up") == "1" && mesh.text("counts", "overdue") == "1")
      #expect(try mesh.text("omitted", 0, "reason") == "no-address")
      #expect(try mesh.text("device", "kind") == "userspace")
      #expect(try mesh.text("disputes", 0, "kind") == "overlap")
      #expect(try await daemon.get("/v1/status").text("kubespan", "counts", "peers") == "4")
    }
  }

  @Test(
    "where there is no mesh that is said, and lists are empty",
    arguments: [(false, "no mesh runs here"), (true, "KubeSpan is off: kubespan.enabled isn't true")])
  func absent(hasReports: Bool, reason: String) async throws {
    try await run(hasReports ? MeshReports() : nil) { daemon in
      let mesh = try await daemon.get("/v1/kubespan")
      #expect(mesh.status == 200)
      #expect(try mesh.json["enabled"] as? Bool == false)
      #expect(try mesh.text("reason")?.hasPrefix(reason) == true)
      #expect(try await daemon.get("/v1/kubespanidentities").ids == [])
      let identity = try await daemon.get("/v1/kubespanidentities/local")
      #expect(identity.status == 404 && identity.body.contains(reason))
      #expect(try await daemon.get("/v1/status").json["kubespan"] == nil)
      #expect(try await daemon.get("/v1/explain/w-1").json["kubespan"] == nil)
      #expect(try await daemon.get("/readyz?verbose").body == "[+]service ok\n[+]inventory ok\nready\n")
    }
  }

  @Test("it isn't ready while it doesn't stand, or a peer is down for too long")
  func ready() async throws {
    let reports = try reports()
    try await run(reports) { daemon in
      let late = try await daemon.get("/readyz?verbose")
      #expect(late.status == 503)
      #expect(late.body.hasSuffix("[-]kubespan degraded: down for too long: w-2\nnot ready\n"))
      let without = try await daemon.get("/readyz?verbose&exclude=kubespan")
      #expect(without.status == 200 && without.body.hasSuffix("[ ]kubespan excluded\nready\n"))
      #expect(try await daemon.get("/healthz").status == 200)
      var report = try SampleMesh.report()
      report.overdue = []
      reports.publish(report)
      #expect(try await daemon.get("/readyz?verbose").body.hasSuffix("[+]kubespan ok\nready\n"))
      report.problem = MeshReport.Problem("nft can't be run", since: SampleMesh.ago(5))
      reports.publish(report)
      #expect(
        try await daemon.get("/readyz?verbose").body.hasSuffix(
          "[-]kubespan degraded: nft can't be run\nnot ready\n"))
      #expect(try await daemon.get("/readyz").body == "not ready\n")
    }
  }

  @Test("what contradicts itself in it is a conflict, with who says so, until it is over")
  func conflicts() async throws {
    let reports = try reports()
    try await run(reports) { daemon in
      let id = "kubespan/overlap/\(try SampleMesh.node(2))/\(try SampleMesh.node(1))"
      let list = try await daemon.get("/v1/conflicts")
      #expect(try list.ids == [id])
      let one = try await daemon.get("/v1/conflicts/\(id)")
      #expect(try spec(one)["severity"] as? String == "warning")
      #expect(try spec(one)["kind"] as? String == "overlap")
      #expect(try spec(one)["nodes"] as? [String] == ["w-1", "w-2"])
      #expect(try spec(one)["since"] as? String == "2026-11-26T02:59:00Z")
      #expect(
        try spec(one)["message"] as? String
          == "w-2 and w-1 both have 10.244.1.0/24, which w-1 keeps (w-1: service; w-2: service)")
      let explained = try await daemon.get("/v1/explain/w-2").json["conflicts"] as? [[String: Any]]
      #expect(explained?.count == 1)
      // A look at everything, as after a long absence, leaves it alone, and so does a change of something else.
      try daemon.inventory.apply(.upsert(try record("new"), source: .only))
      try await eventually("it is there") { try await daemon.get("/v1/members").ids.contains("new") }
      #expect(try await daemon.get("/v1/conflicts").ids == [id])
      let after = try await daemon.get("/v1/conflicts/\(id)")
      #expect(try after.text("metadata", "version") == one.text("metadata", "version"))
      let watch = try daemon.watch("/v1/conflicts?watch=true")
      defer { watch.stop() }
      try await watch.saw("ADDED conflicts \(id)", "SYNCED")
      var report = try SampleMesh.report()
      report.disputes = []
      reports.publish(report)
      try await watch.saw("DELETED conflicts \(id) resolved")
    }
  }

  @Test("what the merge tells as a conflict already isn't told twice")
  func onceOnly() async throws {
    let (one, two) = (try SampleMesh.node(1), try SampleMesh.node(2))
    let key = SampleMesh.keys[0]
    let reports = try reports { report in
      report.disputes = [
        .init(.samePublicKey(key, nodes: [one, two]), since: SampleMesh.ago(1)),
        .init(.sameAddress(try IPAddress("fd83::1"), nodes: [one, two]), since: SampleMesh.ago(1)),
        .init(
          .overlap(
            node: two, holder: one, prefixes: [try IPPrefix("10.0.0.2/31"), try IPPrefix("fd83::1/128")]),
          since: SampleMesh.ago(1)),
        .init(.emptied(node: two), since: SampleMesh.ago(1)),
      ]
    }
    let twins = try (1...2).map { number in
      var affiliate = try SampleMesh.affiliate(number)
      affiliate.addresses = [try IPAddress("10.0.0.2"), try IPAddress("10.0.0.3")]
      affiliate.kubeSpan?.publicKey = key
      affiliate.kubeSpan?.address = try IPAddress("fd83::1")
      return AffiliateRecord(affiliate)
    }
    try await TestDaemon.run(knowing: twins) { options, _ in
      options.meshReports = reports
    } _: { daemon in
      let ids = try await daemon.get("/v1/conflicts").ids
      #expect(
        ids == [
          "address/10.0.0.2", "address/10.0.0.3", "address/fd83::1", "kubespan/emptied/\(two)",
          "publicKey/\(key)",
        ])
    }
  }

  @Test("explain says what becomes of packets to each address")
  func fates() async throws {
    try await run(try reports()) { daemon in
      func explained(_ name: String) async throws -> [String: Any] {
        try #require(try await daemon.get("/v1/explain/\(name)").json["kubespan"] as? [String: Any])
      }
      func fates(_ name: String) async throws -> [String] {
        let addresses = try await explained(name)["addresses"] as? [[String: Any]] ?? []
        return addresses.map { address in
          ["address", "fate", "by"].compactMap { address[$0] as? String }.joined(separator: " ")
        }
      }
      let first = try await fates("w-1")
      #expect(
        first == [
          "10.0.0.1 excluded 10.0.0.1/32", "fd83:b1f7:fcb5:2802::1 reachable", "10.244.1.0/24 reachable",
        ])
      let second = try await fates("w-2")
      #expect(
        second == [
          "10.0.0.2 reachable", "fd83:b1f7:fcb5:2802::2 reachable", "10.244.1.0/24 held w-1",
        ])
      let (down, none, ofNone) = (
        try await explained("w-2"), try await explained("w-5"), try await fates("w-5")
      )
      #expect(down["state"] as? String == "down")
      #expect(none["message"] as? String == "no peer: it says no KubeSpan address")
      #expect(ofNone == [])
    }
  }
}
