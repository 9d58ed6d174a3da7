import Foundation
import TestSupport
import Testing

/// The whole of it, as people run it: the service and three nodes, each a process.
@Suite("A service and three nodes", .serialized, .timeLimit(.minutes(3)))
struct ThreeNodesTests {
  private static let names: Set<String> = ["one", "two", "three"]

  /// Starts the nodes and waits until each knows all.
  private func meet(
    _ cluster: ProcessCluster, _ names: Set<String> = names, ttl: String = "30m"
  ) async throws -> [String: ChildProcess] {
    var nodes: [String: ChildProcess] = [:]
    for name in names { nodes[name] = try cluster.node(name, ["ttl": ttl]) }
    try await told(nodes, "all know all") { $0.members == names }
    return nodes
  }

  /// Waits for something of every node; says what they logged where it doesn't come.
  private func told(
    _ nodes: [String: ChildProcess], _ what: String, within timeout: Duration = .seconds(30),
    _ condition: (ChildProcess) -> Bool
  ) async throws {
    do {
      try await eventually(what, within: timeout) { nodes.values.allSatisfy(condition) }
    } catch {
      let logs = nodes.map { "--- \($0.key)\n\($0.value.errorsSoFar)" }.joined(separator: "\n")
      throw NotTold(description: "\(error)\n\(logs)")
    }
  }

  private struct NotTold: Error, CustomStringConvertible {
    let description: String
  }

  @Test("they find each other, and the service's kill -9 and restart loses none of them")
  func killedService() async throws {
    let cluster = try await ProcessCluster()
    let first = try await cluster.serve()
    let nodes = try await meet(cluster)
    for name in Self.names { #expect(try await cluster.shown(to: name) == Self.names) }

    let synced = nodes.mapValues { $0.logged(" registry synced ").count }
    first.signal(SIGKILL)
    #expect(try await first.result().status == -SIGKILL)
    try await told(nodes, "the outage is noticed") { !$0.logged(" registry degraded ").isEmpty }
    #expect(nodes.values.allSatisfy { $0.members == Self.names })

    // It comes back empty: without a snapshot, it has what the nodes tell it anew.
    let second = try await cluster.serve()
    for (name, node) in nodes {
      let before = try #require(synced[name])
      try await told([name: node], "it is over") { $0.logged(" registry synced ").count > before }
    }
    try await eventually("the service knows all again", within: .seconds(60)) {
      try await cluster.observed() == Self.names
    }
    for (name, node) in nodes {
      #expect(node.logged(" member left ").isEmpty, "\(name): \(node.errorsSoFar)")
      #expect(node.members == Self.names)
      node.signal(SIGTERM)
    }
    for node in nodes.values { #expect(try await node.result().status == 0) }
    second.signal(SIGTERM)
    let end = try await second.result()
    #expect(end.status == 0, "\(end)")
  }

  @Test("a node that leaves is dropped by the others within a second")
  func leaves() async throws {
    let cluster = try await ProcessCluster()
    let service = try await cluster.serve()
    var nodes = try await meet(cluster)
    let left = nodes.removeValue(forKey: "two")
    let leaving = try #require(left)
    leaving.signal(SIGTERM)
    #expect(try await leaving.result().status == 0)
    try await told(nodes, "the others drop it", within: .seconds(1)) { $0.members == ["one", "three"] }
    #expect(service.isRunning)
  }

  @Test("a node that is killed is dropped by the others when its ttl is over, and not before")
  func killed() async throws {
    let cluster = try await ProcessCluster()
    // However seldom the service looks over all that it keeps.
    let service = try await cluster.serve("--gc-interval", "1m")
    // Those that stay live on, as they renew their word in time, over and over.
    let nodes = try await meet(cluster, ["one", "two"], ttl: "2s")
    let clock = ContinuousClock()
    let ttl = Duration.seconds(5)
    // What the service's tick, the way to the nodes and their logs, and a busy machine may add.
    // Half a second, and what a machine may lose that other tests keep busy.
    let allowance = Duration.milliseconds(500) + .seconds(5)
    let before = clock.now
    let third = try cluster.node("three", ["ttl": "5s"])
    try await told(nodes, "the others know it") { $0.members == Self.names }
    // It is killed before it has renewed its word: so its last one is from between these two moments.
    third.signal(SIGKILL)
    let killed = clock.now
    #expect(try await third.result().status == -SIGKILL)
    try await told(nodes, "the others drop it", within: ttl + allowance) { $0.members == ["one", "two"] }
    let dropped = clock.now
    #expect(dropped - before >= ttl)
    #expect(dropped - killed <= ttl + allowance)
    #expect(nodes.values.allSatisfy { $0.logged(" member left ").count == 1 })
    #expect(service.isRunning)
  }

  @Test("a service that is killed while it writes snapshots always comes back with what it had")
  func killedInSnapshot() async throws {
    let cluster = try await ProcessCluster()
    let options = ["--snapshot-path", cluster.folder.path("snapshot"), "--snapshot-interval", "1ms"]
    var service = try await cluster.serve(options[0], options[1], options[2], options[3])
    let nodes = try await meet(cluster)
    try await eventually("there is a snapshot") {
      FileManager.default.fileExists(atPath: cluster.folder.path("snapshot"))
    }
    for node in nodes.values {
      node.signal(SIGKILL)
      _ = try await node.result()
    }
    // From now on only the snapshot knows the nodes.
    for round in 0..<8 {
      #expect(try await cluster.observed() == Self.names, "round \(round)")
      service.signal(SIGKILL)
      #expect(try await service.result().status == -SIGKILL)
      service = try await cluster.serve(options[0], options[1], options[2], options[3])
      #expect(service.logged("warning").isEmpty && service.logged("error").isEmpty, "\(service.errorsSoFar)")
    }
  }
}
