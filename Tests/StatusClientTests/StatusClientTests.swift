import ClusterModel
import ClusterResources
import Platform
import StatusTestSupport
import Synchronization
import TestSupport
import Testing

@testable import StatusClient

private let empty = """
  {"apiVersion":"rollcall.dev/v1","kind":"MemberList","metadata":{"resourceVersion":"q7f3k.1","now":"2026-11-26T03:00:00.118Z","synced":true,"partial":["kubernetes"]},"items":[]}
  """

/// The error that `body` throws.
private func failure(_ body: () async throws -> some Any) async -> StatusError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? StatusError
  }
}

@Suite("The client of a daemon's socket")
struct StatusClientTests {
  private let folder: TemporaryFolder
  private var socket: String { folder.path("s") }

  init() throws { folder = try TemporaryFolder() }

  @Test("a list is its items, its revision, its time and what is missing in it")
  func list() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .json(empty) }
    let list = try await StatusClient(sockets: [socket]).list(
      "/v1/members", [("fieldSelector", "status.state=a b&c")])
    #expect(list.items.isEmpty)
    #expect(list.partial == ["kubernetes"])
    #expect(list.resourceVersion == "q7f3k.1")
    #expect(list.now == Timestamp(milliseconds: 1_795_662_000_118))
    let request = try #require(daemon.requests.first)
    #expect(request.line == "GET /v1/members?fieldSelector=status.state%3Da%20b%26c")
    #expect(request.headers["host"] == "rollcall")
    #expect(request.headers["accept"] == "application/json")
  }

  @Test("of several sockets the first at which somebody answers counts; nobody at any of them names them all")
  func several() async throws {
    let sockets = [folder.path("none"), socket]
    let nobody = await failure { try await StatusClient(sockets: sockets).get("/v1") }
    #expect(
      nobody?.message == "nothing answers at \(sockets[0]) or \(sockets[1]): is 'rollcall run' running?")
    let daemon = try FakeDaemon(at: socket) { _ in .json("{}") }
    #expect(try await StatusClient(sockets: sockets).get("/v1").status == 200)
    daemon.end()
  }

  @Test("an answer is copied as it is, and a refusal isn't")
  func copy() async throws {
    let daemon = try FakeDaemon(at: socket) { request in
      request.path == "/metrics" ? .json("# TYPE x\n") : .json(#"{"detail":"no"}"#, status: 404)
    }
    let copied = Mutex<[UInt8]>([])
    let client = StatusClient(sockets: [socket])
    try await client.copy("/metrics") { bytes in copied.withLock { $0 += bytes } }
    #expect(copied.withLock { $0 } == Array("# TYPE x\n".utf8))
    #expect(await failure { try await client.copy("/x") { _ in } }?.message == "no")
    daemon.end()
  }

  @Test("a long answer comes whole")
  func long() async throws {
    let item = #"{"metadata":{"id":"\#(String(repeating: "x", count: 1000))"}}"#
    let items = Array(repeating: item, count: 5000).joined(separator: ",")
    let daemon = try FakeDaemon(at: socket) { _ in .json(#"{"metadata":{},"items":[\#(items)]}"#) }
    #expect(try await StatusClient(sockets: [socket]).list("/v1/members").items.count == 5000)
    daemon.end()
  }

  @Test("nobody at a socket, a file in its place, a path that is too long: told as nobody being there")
  func unreachable() async throws {
    let nobody = await failure { try await StatusClient(sockets: [socket]).get("/v1/members") }
    #expect(nobody?.code == .unreachable)
    #expect(nobody?.message == "nothing answers at \(socket): is 'rollcall run' running?")
    let file = try folder.write("", to: "file")
    #expect(await failure { try await StatusClient(sockets: [file]).get("/v1") }?.code == .unreachable)
    let long = "/" + String(repeating: "x", count: 200)
    #expect(await failure { try await StatusClient(sockets: [long]).get("/v1") }?.code == .unreachable)
    // A socket that a killed daemon left behind.
    let dead = try FakeDaemon(at: socket) { _ in .silence }
    dead.end()
    #expect(await failure { try await StatusClient(sockets: [socket]).get("/v1") }?.isWithoutDaemon == true)
  }

  @Test("a problem is its sentence, its code and its candidates")
  func problem() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in
      .json(
        #"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no member 'w-9'","code":"not-found","candidates":[{"id":"w-8"}]}"#,
        status: 404)
    }
    let error = await failure { try await StatusClient(sockets: [socket]).get("/v1/members/w-9") }
    #expect(error?.code == .refused)
    #expect(error?.status == 404)
    #expect(error?.message == "there is no member 'w-9'")
    #expect(error?.problemCode == "not-found")
    #expect(error?.problem?["candidates"]?.items.count == 1)
    daemon.end()
  }

  @Test(
    "what isn't an answer of a daemon is an error that names the socket or what is wrong",
    arguments: [
      ("SSH-2.0-OpenSSH\r\n", StatusError.Code.malformed), ("", .closed),
      ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", .closed),
      ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]", .malformed),
      ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", .malformed),
      ("HTTP/1.1 500 Oh\u{1b}[31m\r\nContent-Length: 0\r\n\r\n", .refused),
      ("HTTP/1.1 500 Oh no\r\nContent-Length: 0\r\n\r\n", .refused),
    ])
  func malformed(text: String, code: StatusError.Code) async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .raw(text) }
    let error = await failure { try await StatusClient(sockets: [socket]).list("/v1/members") }
    #expect(error?.code == code, "\(error.map(\.message) ?? "none")")
    #expect(error?.message.unicodeScalars.contains { $0.value < 0x20 } == false)
    daemon.end()
  }

  @Test("a daemon that doesn't answer is given up")
  func silence() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .silence }
    let client = StatusClient(sockets: [socket], timeout: .milliseconds(50))
    #expect(await failure { try await client.get("/v1") }?.code == .timeout)
    #expect(
      await failure {
        try await client.watch("/v1/members") { event in
          if case .disconnected(let error) = event { throw error }
          return true
        }
      }?.code == .timeout)
    daemon.end()
  }

  @Test(
    "a path of hostile characters is refused before it is sent", arguments: ["/v1 x", "/v1\r\nA: b", "/é"])
  func path(path: String) async throws {
    #expect(await failure { try await StatusClient(sockets: [socket]).get(path) }?.code == .refused)
  }

  @Test("the daemon's version is what its Server header says")
  func version() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in
      .raw("HTTP/1.1 200 OK\r\nServer: rollcall/7.1.0 (x)\r\nContent-Length: 2\r\n\r\n{}")
    }
    #expect(try await StatusClient(sockets: [socket]).get("/v1").version == "7.1.0")
    daemon.end()
  }
}

@Suite("A watch over a daemon's socket")
struct StatusWatchTests {
  private let folder: TemporaryFolder
  private var socket: String { folder.path("s") }

  init() throws { folder = try TemporaryFolder() }

  private static func event(_ id: String, _ name: String, _ data: String) -> String {
    "id: \(id)\nevent: \(name)\ndata: \(data)\n\n"
  }

  private static let beginning =
    "retry: 10\n\n" + event("e.1", "ADDED", #"{"type":"members","object":{"metadata":{"id":"a"}}}"#)
    + event("e.2", "SYNCED", #"{"now":"2026-11-26T03:00:00.120Z"}"#)

  @Test("says what is there, that all was said, then each change")
  func changes() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in
      .stream(Self.beginning + "event: LATER\ndata: {}\n\n: x\n\n")
    }
    let seen = Mutex<[WatchEvent]>([])
    try await StatusClient(sockets: [socket]).watch("/v1/watch", [("types", "members")]) { event in
      seen.withLock { $0.append(event) }
      if case .synced = event {
        daemon.push(
          Self.event(
            "e.3", "DELETED", #"{"type":"members","object":{"metadata":{"id":"a"}},"reason":"selector"}"#))
      }
      if case .deleted = event { return false }
      return true
    }
    let object: ResourceValue = ["metadata": ["id": "a"]]
    #expect(
      seen.withLock { $0 } == [
        .added(type: "members", object), .synced(now: Timestamp(milliseconds: 1_795_662_000_120)),
        .deleted(type: "members", object, reason: "selector"),
      ])
    #expect(daemon.requests.map(\.target) == ["/v1/watch?types=members"])
    #expect(daemon.requests.first?.headers["accept"] == "text/event-stream")
  }

  @Test("goes on after an end from the last revision that was seen, and says that it was away")
  func resumes() async throws {
    let daemon = try FakeDaemon(at: socket) { request in
      request.headers["last-event-id"] == nil
        ? .stream(Self.beginning, ends: true)
        : .stream("retry: 10\n\n" + Self.event("f.1", "RESET", #"{"reason":"restarted"}"#))
    }
    let seen = Mutex<[WatchEvent]>([])
    try await StatusClient(sockets: [socket]).watch("/v1/members?watch=true") { event in
      seen.withLock { $0.append(event) }
      if case .reset = event { return false }
      return true
    }
    #expect(daemon.requests.map { $0.headers["last-event-id"] } == [nil, "e.2"])
    let events = seen.withLock { $0 }
    #expect(events.last == .reset(reason: "restarted"))
    guard case .disconnected(let error)? = events.dropLast().last else {
      Issue.record("\(events)")
      return
    }
    #expect(error.code == .closed)
  }

  @Test("a daemon that isn't there yet is waited for")
  func waits() async throws {
    let socket = socket
    let seen = Mutex<[WatchEvent]>([])
    let clock = ManualClock()
    async let watch: Void = StatusClient(sockets: [socket]).watch("/v1/members", time: TimeSource(clock)) {
      event in
      seen.withLock { $0.append(event) }
      if case .synced = event { return false }
      return true
    }
    try await eventually("it waits to ask again") { clock.pending == [.seconds(2)] }
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.beginning) }
    clock.advance(by: .seconds(2))
    try await watch
    #expect(seen.withLock { $0.count } == 3)
    #expect(daemon.requests.count == 1)
  }

  @Test("a refusal ends it, and so does an answer that is no stream")
  func refused() async throws {
    let daemon = try FakeDaemon(at: socket) { request in
      request.path == "/a"
        ? .json(
          #"{"title":"Too Many Requests","detail":"too many watchers","code":"too-many-watchers"}"#,
          status: 429)
        : .json("{}")
    }
    let client = StatusClient(sockets: [socket])
    #expect(await failure { try await client.watch("/a") { _ in true } }?.message == "too many watchers")
    #expect(await failure { try await client.watch("/b") { _ in true } }?.code == .malformed)
    #expect(daemon.requests.count == 2)
  }
}

@Suite("Where the socket is looked for")
struct SocketPathTests {
  @Test("in the runtime folder, then the system's, then the user's; relative ones don't count")
  func candidates() {
    func paths(_ variables: [String: String]) -> [String] { SocketPath.candidates { variables[$0] } }
    #expect(paths([:]) == ["/run/rollcall/rollcall.sock"])
    #expect(
      paths(["RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/7"]) == [
        "/run/a/rollcall.sock", "/run/rollcall/rollcall.sock", "/run/user/7/rollcall/rollcall.sock",
      ])
    #expect(
      paths(["RUNTIME_DIRECTORY": "/run/rollcall", "XDG_RUNTIME_DIR": "x"]) == ["/run/rollcall/rollcall.sock"]
    )
  }
}
