import KubernetesRegistry
import NodeFixtures
import TestSupport
import Testing

@Suite("The API server of the tests")
struct FixtureServerTests {
  @Test("gives all Nodes by pages, over one connection")
  func pages() throws {
    let server = try NodeFixtureServer(nodeCount: 23)
    defer { server.stop() }
    var client = try FixtureClient(server)
    var nodes: [NodeObject] = []
    var ends: [NodeListEnd] = []
    var next = ""
    repeat {
      let head = try client.ask("/api/v1/nodes?limit=10\(next)")
      var decoder = NodeListDecoder()
      nodes += try decoder.feed(try client.body(head))
      let end = try decoder.finish()
      ends.append(end)
      next = end.continueToken.map { "&continue=\($0)" } ?? ""
    } while !next.isEmpty
    #expect(nodes.map(\.name) == (0..<23).map { NodeFixture(index: $0, resourceVersion: 0).name })
    #expect(ends.map(\.remaining) == [13, 3, nil])
    #expect(ends.allSatisfy { $0.resourceVersion == "1023" })
    #expect(server.requests == [String](repeating: "GET /api/v1/nodes", count: 3))
  }

  @Test("sends a watch what changes and how far it has come")
  func change() throws {
    let server = try NodeFixtureServer(nodeCount: 3)
    defer { server.stop() }
    var client = try FixtureClient(server)
    _ = try client.ask("/api/v1/nodes?watch=1&resourceVersion=1003")
    let changed = try #require(server.change(2))
    server.bookmark()
    let events = try Self.events(2, &client)
    guard case .modified(let node)? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(node.name == changed.name && node.resourceVersion == "1004")
    #expect(node.annotations == Dictionary(uniqueKeysWithValues: changed.annotations))
    #expect(changed.endpointPort == 51821)
    #expect(events.last == .bookmark(resourceVersion: "1004", initialEventsEnd: false))
  }

  @Test("has a watch from a version that is forgotten list again, and ends it")
  func expired() throws {
    let server = try NodeFixtureServer(nodeCount: 3)
    defer { server.stop() }
    server.change(1)
    server.forgetEvents()
    var client = try FixtureClient(server)
    _ = try client.ask("/api/v1/nodes?watch=1&resourceVersion=1003")
    let message = "too old resource version: 1003"
    #expect(try Self.events(1, &client) == [.error(code: 410, reason: "Expired", message: message)])
    #expect(try client.chunk().isEmpty)
  }

  @Test("begins a watch with all Nodes where it can")
  func initialEvents() throws {
    let server = try NodeFixtureServer(nodeCount: 3, sendsInitialEvents: true)
    defer { server.stop() }
    var client = try FixtureClient(server)
    _ = try client.ask("/api/v1/nodes?watch=1&sendInitialEvents=true")
    let events = try Self.events(4, &client)
    #expect(events.last == .bookmark(resourceVersion: "1003", initialEventsEnd: true))
    #expect(events.dropLast().allSatisfy { if case .added = $0 { true } else { false } })
  }

  @Test("refuses to begin a watch with all Nodes where it can't")
  func noInitialEvents() throws {
    let server = try NodeFixtureServer(nodeCount: 3)
    defer { server.stop() }
    var client = try FixtureClient(server)
    let head = try client.ask("/api/v1/nodes?watch=1&sendInitialEvents=true")
    #expect(head.hasPrefix("HTTP/1.1 422 "))
    var decoder = NodeWatchDecoder()
    guard case .error(422, "Invalid", _)? = try decoder.feed(try client.body(head)).first else {
      Issue.record("no Status")
      return
    }
  }

  @Test("changes a Node for another process, and ends a watch whose connection is dropped")
  func control() async throws {
    let server = try NodeFixtureServer(nodeCount: 3)
    defer { server.stop() }
    var watch = try FixtureClient(server)
    _ = try watch.ask("/api/v1/nodes?watch=1&resourceVersion=1003")
    try await eventually("the watch is open") { server.watchCount == 1 }
    var control = try FixtureClient(server)
    let head = try control.ask("/fixture/change?node=0", method: "POST")
    #expect(try control.body(head) == Array("1004\n".utf8))
    #expect(server.node(0)?.revision == 1)
    _ = try Self.events(1, &watch)
    server.dropConnections()
    try await eventually("the watch is gone") { server.watchCount == 0 }
  }

  /// The next `count` events of a watch.
  private static func events(_ count: Int, _ client: inout FixtureClient) throws -> [NodeWatchEvent] {
    var decoder = NodeWatchDecoder()
    var events: [NodeWatchEvent] = []
    while events.count < count { events += try decoder.feed(try client.chunk()) }
    return events
  }
}
