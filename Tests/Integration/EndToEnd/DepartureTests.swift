import ClusterModel
import DiscoveryGRPC
import DiscoveryProtocol
import Foundation
import TestSupport
import Testing

/// The service and its nodes, each a process: what is known of a node that went.
@Suite("Why a node went, and when it was last renewed", .serialized, .timeLimit(.minutes(2)))
struct DepartureTests {
  /// What the service says of when its nodes were last renewed, in milliseconds since 1970.
  private func renewals(_ cluster: ProcessCluster) async throws -> [Int64] {
    let id = try cluster.secret("id")
    let list = try await cluster.withClient { try await $0.list(.with { $0.clusterID = id }) }
    return list.affiliates.map { $0.lastUpdate.seconds * 1000 + Int64($0.lastUpdate.nanos) / 1_000_000 }
  }

  /// The one line in which `node` logged that a record is gone, and of it what follows `key=`.
  private func departure(_ node: ChildProcess, _ key: String) throws -> String? {
    let lines = node.logged("raw affiliate removed")
    try #require(lines.count == 1, "\(node.errorsSoFar)")
    let words = lines[0].split(separator: " ")
    return words.first { $0.hasPrefix("\(key)=") }.map { String($0.dropFirst(key.count + 1)) }
  }

  private func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  @Test(
    "one that is killed has expired, and the others know when it was last renewed, though nobody was told of that"
  )
  func killed() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let one = try cluster.node("one", [:], ["--log-level", "trace"])
    try await eventually("it is published") { try await renewals(cluster).count == 1 }
    let before = now()
    let two = try cluster.node("two", ["ttl": "8s"])
    try await eventually("they meet") { one.members == ["one", "two"] }
    let first = try #require(try await renewals(cluster).max())
    try await eventually("it renews twice", within: .seconds(60)) {
      try await renewals(cluster).max().map { $0 >= first + 2000 } == true
    }
    two.signal(SIGKILL)
    #expect(try await two.result().status == -SIGKILL)
    let killed = now()
    let last = try #require(try await renewals(cluster).max())
    #expect(last >= before + 2000 && last <= killed)
    try await eventually("it is dropped", within: .seconds(60)) { one.members == ["one"] }
    #expect(try departure(one, "reason") == "expired")
    let renewed = try departure(one, "last_renewed")
    #expect(renewed == Timestamp(milliseconds: last).description, "\(one.errorsSoFar)")
    #expect(service.isRunning)
  }

  @Test("one that is told to end for a restart withdraws nothing, and for the others it never left")
  func restarted() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    let one = try cluster.node("one", [:], ["--log-level", "trace"])
    let two = try cluster.node("two")
    try await eventually("they meet") { one.members == ["one", "two"] && two.members == ["one", "two"] }
    two.signal(SIGUSR2)
    let end = try await two.result()
    #expect(end.status == 0 && end.errors.contains("stopping signal=SIGUSR2"), "\(end)")
    let known = try await renewals(cluster)
    #expect(known.count == 2)
    let again = try cluster.start("two")
    try await eventually("it is back, and published") {
      try await renewals(cluster).max().map { $0 > known.max() ?? 0 } == true
        && again.members == ["one", "two"]
    }
    again.signal(SIGTERM)
    #expect(try await again.result().status == 0)
    try await eventually("it is dropped") { one.members == ["one"] }
    // The one that it said goodbye for, and no other.
    #expect(try departure(one, "reason") == "withdrawn")
    #expect(service.isRunning)
  }

  @Test("one that ends well was withdrawn, and one that is killed after a restart of the service expired")
  func withdrawn() async throws {
    let cluster = try await ProcessCluster()
    let state = ["--snapshot-path", cluster.folder.path("snapshot")]
    var service = try await cluster.serve(state)
    let one = try cluster.node("one", [:], ["--log-level", "trace"])
    let two = try cluster.node("two")
    try await eventually("they meet") { one.members == ["one", "two"] && two.members == ["one", "two"] }
    two.signal(SIGTERM)
    #expect(try await two.result().status == 0)
    try await eventually("it is dropped") { one.members == ["one"] }
    #expect(try departure(one, "reason") == "withdrawn")

    let three = try cluster.node("three", ["ttl": "5s"])
    let four = try cluster.node("four", [:], ["--log-level", "trace"])
    try await eventually("they meet") {
      one.members == ["one", "three", "four"] && four.members == ["one", "three", "four"]
    }
    three.signal(SIGKILL)
    _ = try await three.result()
    let known = try await renewals(cluster).sorted()
    service.signal(SIGTERM)
    #expect(try await service.result().status == 0)
    service = try await cluster.serve(state)
    try await eventually("it has expired", within: .seconds(60)) { four.members == ["one", "four"] }
    #expect(try departure(four, "reason") == "expired")
    let renewed = try #require(try departure(four, "last_renewed"))
    #expect(known.map { Timestamp(milliseconds: $0).description }.contains(renewed))
    #expect(service.isRunning)
  }
}
