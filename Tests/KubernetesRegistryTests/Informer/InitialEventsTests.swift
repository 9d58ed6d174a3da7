import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

/// All Nodes in one stream at the beginning of a watch.
@Suite struct InitialEventsTests {
  @Test("where the server is new enough all nodes come in one stream")
  func initialEvents() async throws {
    try await checkInformer(options: { $0.sendInitialEvents = true }) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version("32+")) }
      #expect(request.isWatch)
      try await answer.begin()
      try await answer.chunk(Kube.event("ADDED", Kube.node("a", id: "1", version: 1)))
      try await answer.chunk(Kube.event("ADDED", Kube.node("b", id: "2", version: 2)))
      try await answer.chunk(Kube.bookmark(50, isEnd: true))
      try await answer.chunk(Kube.event("MODIFIED", Kube.node("b", id: "2", version: 51, hostname: "new")))
      try await answer.hang()
    } body: { recorder, server in
      try await recorder.wait(for: "the change") { $0.affiliate("2")?.hostname == "new" }
      #expect(recorder.now.updates.count == 2)
      let watch = server.requests[1].query
      #expect(watch["sendInitialEvents"] == "true")
      #expect(watch["resourceVersionMatch"] == "NotOlderThan")
      #expect(watch["resourceVersion"] == nil)
    }
  }

  @Test(
    "where the server is too old, refuses or ends the stream early, nodes are read in pages",
    arguments: ["31", "33", "34"])
  func noInitialEvents(minor: String) async throws {
    try await checkInformer(options: { $0.sendInitialEvents = true }) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version(minor)) }
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      if request.query["sendInitialEvents"] != nil {
        #expect(minor != "31")
        if minor == "33" {
          return try await answer.refuse(
            422, reason: "Invalid",
            message: "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        }
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("half", id: "half", version: 1)))
        return try await answer.end()
      }
      try await answer.begin()
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.isHealthy }
      #expect(recorder.now.updates.count == 1)
    }
  }
}
