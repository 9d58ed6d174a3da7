import HTTPTestSupport
import RegistryConformance
import RegistryKit
import Testing

@testable import HTTPRegistry

@Suite struct HTTPConformanceTests {
  @Test("a polled list keeps the rules of every registry, a failing server included")
  func polling() async throws {
    let script = Script(PollTests.two)
    try await ScriptedServer.run(script.respond) { server in
      let report = await RegistryConformance.check(
        sabotage: .init(
          break: { script.become("", status: 500) }, mend: { script.become(PollTests.two) }),
        deadline: .seconds(20)
      ) {
        try registry { $0.url = server.url }
      }
      #expect(report.isPassed, "\(report)")
    }
  }

  @Test(
    "a stream keeps the rules of every registry, a failing server included",
    arguments: [FollowMode.ndjson, .sse])
  func streaming(follow: FollowMode) async throws {
    let serve: Script.Respond = { _, answer in
      let update = #"{"snapshot":[{"nodeId":"a"},{"id":"b"}]}"#
      try await answer.begin(headers: [:])
      try await answer.chunk(follow == .sse ? "data: \(update)\n\n" : update + "\n")
      try await answer.hang()
    }
    let events: Script.Respond = { _, answer in
      let update = #"{"snapshot":[{"nodeId":"a"},{"id":"b"}]}"#
      try await answer.raw(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
      try await answer.chunk("data: \(update)\n\n")
      try await answer.hang()
    }
    let good = follow == .sse ? events : serve
    let script = Script(good)
    try await ScriptedServer.run(script.respond) { server in
      let report = await RegistryConformance.check(deadline: .seconds(20)) {
        try registry {
          $0.url = server.url
          $0.follow = follow
        }
      }
      #expect(report.isPassed, "\(report)")
    }
  }
}
