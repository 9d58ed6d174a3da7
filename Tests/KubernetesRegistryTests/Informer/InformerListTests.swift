import Foundation
import HTTPTestSupport
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// How all Nodes are read, page by page.
@Suite struct InformerListTests {
  @Test("pages are read to the last, then the watch begins at the list's version")
  func pages() async throws {
    try await checkInformer { request, answer in
      if request.isWatch {
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("d", id: "4", version: 11)))
        return try await answer.hang()
      }
      switch request.query["continue"] {
      case nil:
        try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1)], version: 10, continueToken: "p=2&"))
      case "p=2&":
        try await answer.send(
          Kube.list([Kube.node("b", id: "2", version: 2)], version: 10, continueToken: "p3"))
      default: try await answer.send(Kube.list([Kube.node("c", version: 3)], version: 10))
      }
    } body: { recorder, server in
      try await recorder.wait(for: "all nodes") { $0.ids() == ["1", "2", "4"] && $0.isHealthy }
      #expect(recorder.now.updates.count == 2)
      let requests = server.requests
      #expect(requests.count == 4)
      #expect(requests.prefix(3).allSatisfy { $0.query["limit"] == "500" })
      #expect(requests.prefix(3).map { $0.query["continue"] } == [nil, "p=2&", "p3"])
      let watch = try #require(requests.last?.query)
      #expect(watch["resourceVersion"] == "10")
      #expect(watch["allowWatchBookmarks"] == "true")
      #expect((300...600).contains(try #require(watch["timeoutSeconds"].flatMap { Int($0) })))
      #expect(requests.allSatisfy { $0.headers["accept-encoding"] == "identity" })
    }
  }

  @Test("a list that fails half way changes nothing, and is read again from its beginning")
  func halfWay() async throws {
    let lists = Mutex(0)
    try await checkInformer { request, answer in
      if request.isWatch {
        // The first watch ends at once with the version gone, which makes everything be read again.
        try await answer.begin()
        guard lists.withLock({ $0 }) >= 2 else {
          try await answer.chunk(Kube.event("ERROR", Kube.status(410, reason: "Expired", message: "too old")))
          return try await answer.end()
        }
        return try await answer.hang()
      }
      if request.query["continue"] == "p2" {
        let isFirst =
          lists.withLock {
            $0 += 1; return $0
          } == 1
        if isFirst {
          // Half an object, and the connection is gone.
          try await answer.begin()
          try await answer.chunk(
            Kube.list([Kube.node("z", id: "9", version: 3)], version: 20).utf8.prefix(200))
          throw ScriptedServer.HangUp()
        }
        return try await answer.send(Kube.list([Kube.node("b", id: "3", version: 3)], version: 20))
      }
      // The first list of all has one page.
      guard request.number > 0 else {
        return try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1), Kube.node("b", id: "2", version: 1)], version: 10))
      }
      try await answer.send(
        Kube.list([Kube.node("a", id: "1", version: 1)], version: 20, continueToken: "p2"))
    } body: { recorder, _ in
      try await recorder.wait(for: "the second list") { $0.ids() == ["1", "3"] && $0.isHealthy }
      // One snapshot, then one removal and one change: nothing in between, and node 1 untouched.
      #expect(recorder.now.updates.count == 3)
    }
  }

  @Test("410 as an HTTP status of the watch reads everything again without emptying the view")
  func goneStatus() async throws {
    try await checkInformer { request, answer in
      if request.isWatch, request.query["resourceVersion"] == "10" {
        return try await answer.refuse(410, reason: "Expired", message: "too old resource version")
      }
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      let isFirst = request.number == 0
      try await answer.send(
        Kube.list(
          [Kube.node("a", id: "1", version: 1)] + (isFirst ? [] : [Kube.node("b", id: "2", version: 9)]),
          version: isFirst ? 10 : 20))
    } body: { recorder, _ in
      try await recorder.wait(for: "the second list") { $0.ids() == ["1", "2"] && $0.isHealthy }
      #expect(recorder.now.updates.count == 2)
      #expect(recorder.now.errors == [])
    }
  }

  @Test("an expired continue token begins the list anew, the third time without pages")
  func expiredToken() async throws {
    try await checkInformer { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      if request.query["continue"] != nil {
        return try await answer.refuse(
          410, reason: "Expired", message: "The provided continue parameter is too old")
      }
      let token = request.query["limit"] == nil ? nil : "p2"
      try await answer.send(
        Kube.list([Kube.node("a", id: "1", version: 1)], version: 10, continueToken: token))
    } body: { recorder, server in
      try await recorder.wait(for: "the list") { $0.ids() == ["1"] }
      #expect(
        server.requests.filter(\.isList).map { $0.query["limit"] } == ["500", "500", "500", "500", nil])
    }
  }

  @Test("compressed answers that nobody asked for are read")
  func gzip() async throws {
    let list = try await Self.gzipped(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    try await checkInformer { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      try await answer.begin(headers: ["Content-Encoding": "gzip"])
      try await answer.chunk(list)
      try await answer.end()
    } body: { recorder, _ in
      try await recorder.wait(for: "the node") { $0.ids() == ["1"] }
    }
  }

  @Test("an encoding that isn't known is reported by name")
  func brotli() async throws {
    try await checkInformer { _, answer in
      try await answer.send("xx", headers: ["Content-Encoding": "br"])
    } body: { recorder, _ in
      try await recorder.wait(for: "the report") {
        $0.error(.reading)?.message.contains("Content-Encoding 'br'") == true
      }
    }
  }

  private static func gzipped(_ text: String) async throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "plain")
    let result = try await ChildProcess.run("gzip", ["-k", folder.path("plain")])
    guard result.status == 0 else { throw NotInTime(description: result.description) }
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("plain.gz"))))
  }
}
