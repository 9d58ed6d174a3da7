import ClusterModel
import Foundation
import HTTPTestSupport
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import HTTPRegistry

@Suite struct PollTests {
  static let two = #"[{"nodeId":"a","hostname":"one"},{"hostname":"w-2","addresses":["10.0.0.2"]}]"#

  /// Runs a registry of the list at `/list` of a server, by a clock that the test moves.
  private func polling(
    _ script: Script, tls: (certificate: String, key: String)? = nil, clientAuthority: String? = nil,
    environment: [String: String] = [:],
    _ configure: @escaping @Sendable (inout HTTPOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (ScriptedServer, SessionRecorder, ManualClock) async throws -> Void
  ) async throws {
    try await ScriptedServer.run(tls: tls, clientAuthority: clientAuthority, script.respond) { server in
      let clock = ManualClock()
      let recorder = SessionRecorder()
      let registry = try registry(environment: environment) {
        $0.url = (tls == nil ? "http" : "https") + "://localhost:\(server.port)/list"
        configure(&$0)
      }
      try await recorder.run(registry, clock: clock) { try await body(server, recorder, clock) }
    }
  }

  @Test("a list is read, its changes are followed, and an empty one empties the view")
  func follows() async throws {
    let script = Script(Self.two)
    try await polling(script) { server, recorder, clock in
      let record = try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      #expect(record.isHealthy)
      #expect(record.record("w-2")?.isLocalID == true)
      script.become(#"[{"nodeId":"a","hostname":"new"}]"#)
      _ = try await passing(clock, recorder, "the change") { $0.ids() == ["a"] && $0.hostname("a") == "new" }
      script.become("[]")
      _ = try await passing(clock, recorder, "the end") { $0.ids() == [] }
      #expect(recorder.now.isHealthy)
      #expect(server.requests.allSatisfy { $0.headers["host"] == "localhost:\(server.port)" })
      #expect(server.requests.first?.headers["user-agent"]?.hasPrefix("rollcall/") == true)
    }
  }

  @Test(
    "every form of static files is read, by name and by content",
    arguments: [
      ("auto", "10.0.0.1 w-1\n"), ("hosts", "10.0.0.1 w-1\n"), ("auto", #"[{"targets":["w-1:9100"]}]"#),
      ("http_sd", #"[{"targets":["w-1:9100"]}]"#), ("auto", #"{"_meta":{"hostvars":{"w-1":{}}}}"#),
      ("auto", "hostname,address\nw-1,10.0.0.1\n"), ("auto", "nodes: [{id: w-1}]\n"),
      ("kubernetes", #"{"kind":"NodeList","items":[{"metadata":{"name":"w-1"}}]}"#),
    ])
  func forms(format: String, body: String) async throws {
    try await polling(Script(body)) {
      $0.format = .init(rawValue: format) ?? .auto
    } _: { _, recorder, _ in
      let record = try await recorder.wait(for: "the list") { $0.ids() == ["w-1"] }
      #expect(record.isHealthy)
    }
  }

  @Test("what hasn't changed isn't sent again: by its tag and by its date")
  func conditional() async throws {
    let script = Script(
      Self.two, headers: ["ETag": #"W/"7""#, "Last-Modified": "Mon, 23 Nov 2026 03:08:50 GMT"])
    try await polling(script) { server, recorder, clock in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      script.become { request, answer in
        guard request.headers["if-none-match"] == #"W/"7""#,
          request.headers["if-modified-since"] == "Mon, 23 Nov 2026 03:08:50 GMT"
        else { return try await answer.send("[]") }
        try await answer.raw("HTTP/1.1 304 Not Modified\r\n\r\n")
      }
      let count = server.requests.count
      _ = try await passing(clock, recorder, "more requests") { _ in server.requests.count >= count + 4 }
      #expect(recorder.now.ids() == ["a", "w-2"])
      #expect(recorder.now.isHealthy)
      #expect(recorder.now.updates.count == 1)
    }
  }

  /// What goes wrong, and what is said of it.
  private static let troubles: [(name: String, says: String, respond: Script.Respond)] = [
    (
      "500", "answers with 500: broken", { _, answer in try await answer.send("broken\nsecond", status: 500) }
    ),
    ("404", "there is no http://localhost", { _, answer in try await answer.send("", status: 404) }),
    ("403", "may not be read (403)", { _, answer in try await answer.send("", status: 403) }),
    ("204", "answers with 204", { _, answer in try await answer.raw("HTTP/1.1 204 No Content\r\n\r\n") }),
    ("206", "answers with 206", { _, answer in try await answer.send("[]", status: 206) }),
    ("hang-up", "closed the connection in the midst", { _, _ in throw ScriptedServer.HangUp() }),
    (
      "half by length", "closed the connection in the midst",
      { _, answer in
        try await answer.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]")
        throw ScriptedServer.HangUp()
      }
    ),
    (
      "half by chunks", "closed the connection in the midst",
      { _, answer in
        try await answer.begin()
        try await answer.chunk("nodes:\n- {id: x}\n")
        throw ScriptedServer.HangUp()
      }
    ),
    (
      "text without a length", "without Content-Length or chunks",
      { _, answer in
        try await answer.raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnodes: []\n")
        throw ScriptedServer.HangUp()
      }
    ),
    (
      "no HTTP", "something that isn't HTTP",
      { _, answer in try await answer.raw("SSH-2.0-OpenSSH_9.2\r\n\r\n") }
    ),
    (
      "too large", "has more than 2048 bytes",
      { _, answer in try await answer.send("[" + String(repeating: " ", count: 4096) + "]") }
    ),
    (
      "endless", "has more than 2048 bytes",
      { _, answer in
        try await answer.begin()
        while true { try await answer.chunk(String(repeating: " ", count: 4096)) }
      }
    ),
    ("silence", "doesn't answer within 3s", { _, answer in try await answer.hang() }),
    (
      "an unknown encoding", "Content-Encoding 'br'",
      { _, answer in try await answer.send("[]", headers: ["Content-Encoding": "br"]) }
    ),
  ]

  @Test(
    "an answer that fails never takes anything away: it is reported, and mended", arguments: troubles.indices)
  func failures(index: Int) async throws {
    let trouble = Self.troubles[index]
    let script = Script(Self.two)
    try await polling(script) {
      $0.maximumBytes = 2048
      if trouble.name == "silence" { $0.timeout = .seconds(3) }
    } _: { _, recorder, clock in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      script.become(trouble.respond)
      let record = try await passing(clock, recorder, "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains(trouble.says), "\(trouble.name): \(record.trouble)")
      #expect(!record.trouble.contains("\n"))
      #expect(record.ids() == ["a", "w-2"])
      script.become(Self.two)
      let mended = try await passing(clock, recorder, "the mending") { $0.isHealthy }
      #expect(mended.ids() == ["a", "w-2"])
      #expect(mended.updates.count == 1)
    }
  }

  @Test(
    "content that is no list never takes anything away, be it the first",
    arguments: [
      "<html><body>Sign in</body></html>", #"{"error":"x"}"#, #"[{"nodeId":"a"},"#, "null", "", "{}",
      "upstream connect error: reset\n", #""x""#, #"["a"]"#, #"{"nodes":null}"#, "7",
    ], [false, true])
  func content(body: String, isFirst: Bool) async throws {
    let script = Script(isFirst ? body : Self.two)
    try await polling(script) { _, recorder, clock in
      if !isFirst {
        try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
        script.become(body)
      }
      let record = try await passing(clock, recorder, "the report") { !$0.content.isEmpty }
      #expect(record.ids() == (isFirst ? nil : ["a", "w-2"]), "\(record.content)")
      #expect(record.error(.reading) == nil)
      script.become(Self.two)
      let mended = try await passing(clock, recorder, "the mending") { $0.isHealthy }
      #expect(mended.ids() == ["a", "w-2"])
    }
  }

  @Test("an item that can't be read is reported with its place, and the node that it was stays")
  func item() async throws {
    let script = Script(Self.two)
    try await polling(script) { server, recorder, clock in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      script.become(#"[{"nodeId":"a/b"},{"nodeId":"c","addresses":["10.0.0.300"]}]"#)
      let record = try await passing(clock, recorder, "the report") { !$0.content.isEmpty }
      #expect(record.ids() == ["a", "c", "w-2"])
      #expect(record.content.hasPrefix("http://localhost:\(server.port)/list:1:12: nodeId: "))
      #expect(record.content.contains("/list:1:46: node 'c': addresses[0]: '10.0.0.300' isn't an IP address"))
    }
  }

  @Test("a server that asks to be left alone is")
  func retryAfter() async throws {
    let script = Script { _, answer in try await answer.send("", status: 429, headers: ["Retry-After": "40"])
    }
    try await polling(script) { server, recorder, clock in
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("is asked too often (429); asked again in 40s"))
      try await eventually("it waits") { clock.pending == [.seconds(40)] }
      #expect(server.requests.count == 1)
    }
  }

  @Test("pauses after failures grow, and a minute of them ends the run")
  func patience() async throws {
    let script = Script { _, answer in try await answer.send("", status: 500) }
    let error = await #expect(throws: RegistryError.self) {
      try await polling(script) { server, recorder, clock in
        var last = Duration.zero
        while true {
          try await eventually("a pause") { !clock.pending.isEmpty }
          guard let pause = clock.pending.first else { continue }
          #expect(pause >= last * 0.9)
          last = pause
          clock.advance(by: pause)
          try await eventually("the next request") { clock.pending.isEmpty }
        }
      }
    }
    #expect(error?.message.contains("answers with 500") == true)
  }

  // MARK: Redirects

  @Test("a redirect on the same server is followed, and one that never ends isn't")
  func redirects() async throws {
    let script = Script { request, answer in
      switch request.path {
      case "/list": try await answer.send("", status: 302, headers: ["Location": "next?x=1"])
      case "/next": try await answer.send("", status: 308, headers: ["Location": "/a/b/../c"])
      default: try await answer.send(Self.two)
      }
    }
    try await polling(script) { server, recorder, clock in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      script.become { _, answer in try await answer.send("", status: 301, headers: ["Location": "/list"]) }
      let count = server.requests.count
      let record = try await passing(clock, recorder, "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("more than 5 redirects"))
      #expect(server.requests.count == count + 6)
      #expect(record.ids() == ["a", "w-2"])
    }
  }

  @Test(
    "a redirect to another scheme or nowhere isn't followed",
    arguments: [
      ("https://localhost:1/", "of another scheme"), ("ftp://localhost/x", "doesn't say where"),
      ("file:///etc/passwd", "doesn't say where"), ("", "doesn't say where"),
      ("http://user:pass@localhost/", "doesn't say where"), ("http://", "doesn't say where"),
    ])
  func badRedirects(location: String, says: String) async throws {
    let script = Script { _, answer in try await answer.send("", status: 302, headers: ["Location": location])
    }
    try await polling(script) { _, recorder, _ in
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains(says), "\(record.trouble)")
      #expect(!record.trouble.contains("pass"))
    }
  }

  @Test("another server is only led to without credentials", arguments: [false, true])
  func otherServer(hasCredentials: Bool) async throws {
    try await ScriptedServer.run { _, answer in
      try await answer.send(Self.two)
    } _: { other in
      let location = "http://localhost:\(other.port)/there"
      let script = Script { _, answer in
        try await answer.send("", status: 307, headers: ["Location": location])
      }
      try await polling(script) {
        if hasCredentials { $0.headers = ["X-Key": Secret("geheim")] }
      } _: { _, recorder, _ in
        guard hasCredentials else {
          try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
          return
        }
        let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
        #expect(record.trouble.contains("another server, which isn't given the credentials"))
        #expect(other.requests.isEmpty)
      }
    }
  }

  // MARK: Credentials

  @Test("a token is read anew for each request, and is in no message")
  func token() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("first\n", to: "token")
    let script = Script { request, answer in
      guard request.headers["authorization"] == "Bearer second", request.headers["x-key"] == "k" else {
        return try await answer.send("wrong token", status: 401)
      }
      try await answer.send(Self.two)
    }
    try await polling(script) {
      $0.tokenFile = file
      $0.headers = ["X-Key": Secret("k")]
    } _: { _, recorder, clock in
      let record = try await recorder.wait(for: "the report") { $0.error(.credentials) != nil }
      #expect(record.error(.credentials)?.message.contains("doesn't accept the credentials (401)") == true)
      #expect(record.error(.reading)?.code == .permissionDenied)
      try folder.replace("token", with: "second")
      let mended = try await passing(clock, recorder, "the list") { $0.ids() == ["a", "w-2"] }
      #expect(mended.isHealthy)
      try folder.replace("token", with: "")
      let empty = try await passing(clock, recorder, "the report") { $0.error(.credentials) != nil }
      #expect(empty.error(.credentials)?.message == "token file '\(file)' is empty")
      #expect(empty.ids() == ["a", "w-2"])
      #expect(!recorder.now.log.contains { $0.contains("first") || $0.contains("second") })
    }
  }

  @Test("TLS is trusted by the authority that is named, and by no other")
  func tls() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "DNS:localhost,IP:127.0.0.1")
    try await polling(Script(Self.two), tls: server) {
      $0.caFile = certificates.authority
    } _: { _, recorder, _ in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
    }
    try await polling(Script(Self.two), tls: server) { _, recorder, _ in
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("isn't trusted"), "\(record.trouble)")
      #expect(record.trouble.contains("caFile"))
    }
  }

  @Test("a server that wants a client certificate is shown it")
  func clientCertificate() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "DNS:localhost")
    let client = try await certificates.make("client", names: "")
    try await polling(Script(Self.two), tls: server, clientAuthority: certificates.authority) {
      $0.caFile = certificates.authority
      ($0.clientCertFile, $0.clientKeyFile) = (client.certificate, client.key)
    } _: { _, recorder, _ in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
    }
    try await polling(Script(Self.two), tls: server, clientAuthority: certificates.authority) {
      $0.caFile = certificates.authority
    } _: { _, recorder, _ in
      try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
    }
  }

  @Test("the environment's proxy leads to a server, but for those that NO_PROXY lists")
  func proxy() async throws {
    let script = Script { request, answer in
      guard request.method == "CONNECT" else { return try await answer.send(Self.two) }
      guard request.path == "inventory.example.org:80" else { return try await answer.send("", status: 502) }
      try await answer.raw("HTTP/1.1 200 Connected\r\n\r\n")
    }
    try await ScriptedServer.run(script.respond) { server in
      let recorder = SessionRecorder()
      let registry = try registry(environment: ["HTTP_PROXY": "http://127.0.0.1:\(server.port)"]) {
        $0.url = "http://inventory.example.org/list"
      }
      try await recorder.run(registry) {
        try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      }
      #expect(server.requests.map(\.method).prefix(2) == ["CONNECT", "GET"])
    }
  }

  // MARK: Long polls

  @Test("a long poll is asked again as soon as it is answered, with what is known")
  func longPoll() async throws {
    let gate = Mutex(false)
    let script = Script { request, answer in
      if request.number > 0 {
        try await eventually("the change") { gate.withLock { $0 } }
        return try await answer.send(#"[{"nodeId":"new"}]"#, headers: ["ETag": #""2""#])
      }
      try await answer.send(Self.two, headers: ["ETag": #""1""#])
    }
    try await polling(script) {
      $0.follow = .longPoll
      $0.interval = .seconds(86_400)
    } _: { server, recorder, clock in
      try await recorder.wait(for: "the list") { $0.ids() == ["a", "w-2"] }
      _ = try await passing(clock, recorder, "the second question") { _ in server.requests.count == 2 }
      #expect(server.requests[1].headers["if-none-match"] == #""1""#)
      #expect(server.requests[1].headers["prefer"] == "wait=60")
      gate.withLock { $0 = true }
      try await recorder.wait(for: "the change") { $0.ids() == ["new"] }
    }
  }
}
