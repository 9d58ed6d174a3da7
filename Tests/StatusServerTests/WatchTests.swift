import ClusterModel
import Foundation
import Platform
import RegistryKit
import TestSupport
import Testing

@testable import StatusServer

@Suite("Watches", .timeLimit(.minutes(3)))
struct WatchTests {
  private func remove(_ id: String, _ reason: RemovalReason = .withdrawn) throws -> RegistryUpdate {
    .remove(try NodeIdentity(id), source: .only, reason: reason)
  }

  @Test("without a revision: everything by id, SYNCED, then changes; a deletion says why and how it last was")
  func fresh() async throws {
    try await TestDaemon.run(knowing: [try record("b"), try record("a")]) { daemon in
      let watch = try daemon.watch("/v1/members?watch")
      try await watch.saw("ADDED members a", "ADDED members b", "SYNCED")
      #expect(watch.process.outputSoFar.hasPrefix("retry: 2000\n\n"))
      try daemon.service.apply(.upsert(try record("c"), source: .only))
      try await watch.saw("SYNCED", "ADDED members c")
      try daemon.service.apply(.upsert(try record("a", address: "10.0.0.1"), source: .only))
      try await watch.saw("MODIFIED members a")
      try daemon.service.apply(try remove("b"))
      try await watch.saw("DELETED members b withdrawn")
      let last = try #require(watch.events.last)
      #expect(last.data.contains("\"state\":\"left\""))
      #expect(last.id == "\(daemon.server.epoch).\(daemon.server.table.revision(of: .members))")
      // A renewal that changes nothing is no event.
      var renewed = try record("c")
      renewed.confirmedAt = Timestamp(milliseconds: 1)
      try daemon.service.apply(.upsert(renewed, source: .only))
      try daemon.service.apply(.upsert(try record("d"), source: .only))
      try await watch.saw("DELETED members b withdrawn", "ADDED members d")
    }
  }

  @Test("from a revision: what differs since then, SYNCED, then changes; Last-Event-ID goes before since")
  func resume() async throws {
    try await TestDaemon.run(knowing: [try record("a"), try record("b"), try record("c")]) { daemon in
      let since = try #require(try await daemon.get("/v1/members").text("metadata", "resourceVersion"))
      try daemon.service.apply(try remove("c"))
      try await eventually("c is gone") { try await daemon.get("/v1/members").ids == ["a", "b"] }
      try daemon.service.apply(.upsert(try record("d"), source: .only))
      try daemon.service.apply(.upsert(try record("a", address: "10.0.0.1"), source: .only))
      try await eventually("d is there") { try await daemon.get("/v1/members").ids == ["a", "b", "d"] }
      let watch = try daemon.watch("/v1/members?watch=true&since=\(since)")
      try await eventually("in sync") { watch.briefs.contains("SYNCED") }
      #expect(
        Set(watch.briefs) == [
          "DELETED members c withdrawn", "ADDED members d", "MODIFIED members a", "SYNCED",
        ])
      #expect(watch.briefs.first == "DELETED members c withdrawn")
      #expect(watch.briefs.last == "SYNCED")
      let browser = try daemon.watch(
        "/v1/members?watch=true&since=aaaaa.1", "-H", "Last-Event-ID: \(watch.events.last?.id ?? "")")
      try await browser.saw("SYNCED")
      #expect(browser.briefs == ["SYNCED"])
    }
  }

  @Test(
    "a revision that can't be gone on from leads to RESET with the reason, everything, and SYNCED, in the stream",
    arguments: ["restarted", "ahead", "expired"])
  func reset(reason: String) async throws {
    try await TestDaemon.run(knowing: [try record("a"), try record("b"), try record("c")], deletionLimit: 1) {
      daemon in
      let first = try #require(try await daemon.get("/v1/members").text("metadata", "resourceVersion"))
      for id in ["b", "c"] {
        try daemon.service.apply(try remove(id))
        try await eventually("\(id) is gone") { try await !daemon.get("/v1/members").ids.contains(id) }
      }
      let since = ["restarted": "zzzzz.1", "ahead": "\(daemon.server.epoch).999999", "expired": first][reason]
      let watch = try daemon.watch("/v1/members?watch=true&since=\(since ?? "")")
      try await watch.saw("RESET \(reason)", "ADDED members a", "SYNCED")
      #expect(watch.briefs.count == 3)
    }
  }

  @Test(
    "with all, a member that goes becomes a tombstone under its name, and who was replaced stays in sight")
  func all() async throws {
    try await TestDaemon.run(knowing: [try record("a")]) { daemon in
      let watch = try daemon.watch("/v1/members?watch=true&all=true")
      try await watch.saw("ADDED members a", "SYNCED")
      try daemon.service.apply(try remove("a", .expired))
      try await watch.saw("DELETED members a expired", "ADDED members a")
      #expect(watch.events.last?.data.contains("\"phase\":\"tombstone\"") == true)
      try await daemon.settle()
      #expect(try await daemon.get("/v1/members/a", "-X", "DELETE").status == 204)
      try await watch.saw("DELETED members a")
    }
  }

  @Test("what no longer matches a selector is deleted for its watcher, and what never did isn't seen")
  func selectors() async throws {
    let records = [try record("a", labels: ["rack": "r1"]), try record("b", labels: ["rack": "r2"])]
    try await TestDaemon.run(knowing: records) { daemon in
      let watch = try daemon.watch("/v1/members?watch=true&labelSelector=rack%3Dr1")
      try await watch.saw("ADDED members a", "SYNCED")
      try daemon.service.apply(
        .upsert(try record("b", address: "10.0.0.2", labels: ["rack": "r2"]), source: .only))
      try await daemon.settle()
      try daemon.service.apply(.upsert(try record("a", labels: ["rack": "r3"]), source: .only))
      try await watch.saw("SYNCED", "DELETED members a selector")
      try daemon.service.apply(.upsert(try record("b", labels: ["rack": "r1"]), source: .only))
      try await watch.saw("DELETED members a selector", "ADDED members b")
    }
  }

  @Test("several types are one stream in one order of revisions, and a commit's parts are of one revision")
  func severalTypes() async throws {
    try await TestDaemon.run(knowing: [try record("a", address: "10.0.0.9")]) { daemon in
      let watch = try daemon.watch("/v1/watch?types=conflicts,members,registries")
      try await watch.saw(
        "ADDED members a", "ADDED registries inventory", "ADDED registries service", "SYNCED")
      try daemon.service.apply(.upsert(try record("b", address: "10.0.0.9"), source: .only))
      try await eventually("the conflict is seen") {
        watch.briefs.contains("ADDED conflicts address/10.0.0.9") && watch.briefs.contains("ADDED members b")
          && watch.briefs.contains("MODIFIED members a")
      }
      let revisions = Set(
        watch.events.suffix(3).compactMap { event in
          event.data.split(separator: "\"resourceVersion\":\"").dropFirst().first?.prefix { $0 != "\"" }
        })
      #expect(revisions.count == 1)
      // Who is cut off in the middle of a revision goes on from the one before it.
      let ids = watch.events.suffix(3).map(\.id)
      #expect(ids[0] == ids[1] && ids[1] != ids[2])
    }
  }

  @Test("a watch shows that it lives each 15 s, tells a moved revision each 60 s, and ends after its time")
  func heartbeats() async throws {
    let clock = ManualClock()
    try await TestDaemon.run(knowing: [try record("a")], clock: clock) { daemon in
      let watch = try daemon.watch("/v1/registries?watch=true")
      try await watch.saw("SYNCED")
      let timed = try daemon.watch("/v1/registries?watch=true&timeoutSeconds=30")
      try await timed.saw("SYNCED")
      func pass(_ seconds: Int) async throws {
        for _ in 0..<seconds {
          try await eventually("the ticker sleeps") { clock.pending.contains(.seconds(1)) }
          clock.advance(by: .seconds(1))
        }
      }
      try await pass(14)
      #expect(!watch.process.outputSoFar.contains("\n: "))
      try await pass(3)
      try await eventually("a heartbeat with the daemon's time came") {
        watch.process.outputSoFar.contains(#/\n: [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z\n\n/#)
      }
      try await pass(15)
      #expect(try await timed.process.result().status == 0)
      // Something changes that isn't of this list.
      try daemon.service.apply(.upsert(try record("b"), source: .only))
      try await eventually("the API has b") {
        try await daemon.get("/v1/members").ids == ["a", "b"]
      }
      try await pass(65)
      try await watch.saw("SYNCED", "BOOKMARK")
      #expect(watch.events.last?.id == "\(daemon.server.epoch).\(daemon.server.table.revision)")
    }
  }

  @Test("only so many may watch, and who ends gives back the place")
  func limit() async throws {
    try await TestDaemon.run { options, _ in
      options.maximumWatchers = 1
    } _: { daemon in
      let watch = try daemon.watch("/v1/members?watch=true")
      try await watch.saw("SYNCED")
      let refused = try await daemon.get("/v1/members?watch=true")
      #expect(refused.status == 429)
      #expect(try refused.text("code") == "too-many-watchers")
      watch.stop()
      try await eventually("the place is free") { daemon.server.watcherCount == 0 }
      let next = try daemon.watch("/v1/members?watch=true")
      try await next.saw("SYNCED")
    }
  }

  @Test("watches end when the daemon does, at once")
  func end() async throws {
    let watch = OneProbe()
    try await TestDaemon.run(knowing: [try record("a")]) { daemon in
      let probe = try daemon.watch("/v1/members?watch=true")
      try await probe.saw("SYNCED")
      await watch.set(probe)
    }
    let probe = try #require(await watch.probe)
    let result = try await probe.process.result(within: .seconds(5))
    #expect(result.status == 0, "\(result)")
  }

  private actor OneProbe {
    private(set) var probe: WatchProbe?

    func set(_ probe: WatchProbe) { self.probe = probe }
  }
}
