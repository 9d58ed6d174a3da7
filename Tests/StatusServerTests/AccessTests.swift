import ClusterModel
import Foundation
import TestSupport
import Testing

@testable import StatusServer

@Suite("TCP", .timeLimit(.minutes(3)))
struct AccessTests {
  private static let token = "0123456789abcdef-token"

  private static func endpoint() throws -> IPEndpoint { try IPEndpoint("127.0.0.1:0") }

  @Test("is read only, and asked under a name of its own: DNS rebinding and foreign pages get nothing")
  func hosts() async throws {
    try await TestDaemon.run(knowing: [try record("a")]) { options, _ in
      options.http = .init(listen: try Self.endpoint(), hosts: ["Cluster.Example"])
    } _: { daemon in
      let port = try #require(await daemon.server.port())
      func get(_ path: String, _ arguments: String...) async throws -> TestDaemon.Answer {
        try await TestDaemon.curl(arguments + ["http://127.0.0.1:\(port)\(path)"])
      }
      for host in [
        "localhost:\(port)", "localhost", "127.0.0.1", "[::1]:\(port)", "127.8.8.8:1", "cluster.example",
        "CLUSTER.example.:80",
      ] {
        #expect(try await get("/v1/members", "-H", "Host: \(host)").status == 200, "\(host)")
      }
      for host in [
        "evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example:80", "xlocalhost",
      ] {
        let answer = try await get("/v1/members", "-H", "Host: \(host)")
        #expect(answer.status == 403, "\(host)")
        #expect(try answer.text("code") == "forbidden")
      }
      #expect(try await get("/v1/members", "-H", "Origin: http://127.0.0.1:\(port)").status == 200)
      for origin in ["http://evil.example", "null", "https://127.0.0.1:\(port)", "http://127.0.0.1:1"] {
        #expect(try await get("/v1/members", "-H", "Origin: \(origin)").status == 403, "\(origin)")
      }
      #expect(
        try await get("/v1/members", "-H", "Origin: http://x").fields["access-control-allow-origin"] == nil)
      #expect(try await get("/v1/members/a", "-X", "DELETE").status == 403)
      #expect(try await get("/v1/log-level", "-X", "PUT", "-d", "{}").status == 403)
    }
  }

  @Test("with tokens, who has none reads nothing but health without names; a session's cookie lets a page in")
  func tokens() async throws {
    try await TestDaemon.run(knowing: nil) { options, folder in
      let file = try folder.write("# for tests\n\n\(Self.token)\n", to: "tokens")
      chmod(file, 0o600)
      options.http = .init(listen: try Self.endpoint(), tokensFile: file)
    } _: { daemon in
      let port = try #require(await daemon.server.port())
      func get(_ path: String, _ arguments: String...) async throws -> TestDaemon.Answer {
        try await TestDaemon.curl(arguments + ["http://127.0.0.1:\(port)\(path)"])
      }
      for path in [
        "/v1", "/v1/members", "/metrics", "/sd?port=1", "/openapi.yaml", "/v1/watch?types=members",
      ] {
        let answer = try await get(path)
        #expect(answer.status == 401, "\(path)")
        #expect(answer.fields["www-authenticate"] == "Bearer realm=\"rollcall\"")
        #expect(try answer.text("code") == "unauthorized")
      }
      for wrong in [
        "Bearer x", "Bearer \(Self.token)x", "Bearer \(Self.token.dropLast())", "Basic \(Self.token)",
        "Bearer",
      ] {
        #expect(try await get("/v1/members", "-H", "Authorization: \(wrong)").status == 401, "\(wrong)")
      }
      let signedIn = "Authorization: bearer \(Self.token)"
      #expect(try await get("/v1/members", "-H", signedIn).status == 200)
      // Health is for everybody, names aren't.
      #expect(try await get("/healthz").body == "ok\n")
      let ready = try await get("/readyz?verbose")
      #expect(ready.status == 503)
      #expect(ready.body == "1 of 2 registries are ready\n")
      #expect(try await get("/readyz?verbose", "-H", signedIn).body.contains("[-]service starting"))
      #expect(try await get("/readyz?exclude=service").status == 200)
      // A page's sign-in.
      #expect(try await get("/v1/session", "-X", "POST").status == 401)
      let session = try await get("/v1/session", "-X", "POST", "-H", signedIn)
      #expect(session.status == 204)
      let cookie = try #require(session.fields["set-cookie"])
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"))
      let pair = "Cookie: other=1; \(cookie.prefix { $0 != ";" })"
      #expect(try await get("/v1/members", "-H", pair).status == 200)
      #expect(try await get("/v1/members", "-H", "Cookie: rollcall=").status == 401)
      #expect(try await get("/v1/session", "-X", "DELETE", "-H", pair).status == 204)
      #expect(try await get("/v1/members", "-H", pair).status == 401)
      // The file's tokens are those that are in it now.
      let other = "another-token-of-17"
      try daemon.folder.replace("tokens", with: other + "\n")
      chmod(daemon.folder.path("tokens"), 0o600)
      #expect(try await get("/v1/members", "-H", "Authorization: Bearer \(other)").status == 200)
      #expect(try await get("/v1/members", "-H", signedIn).status == 401)
      // A session ends with its token, and a file without tokens lets nobody in.
      let bearer = "Authorization: Bearer \(other)"
      let second = try #require(
        try await get("/v1/session", "-X", "POST", "-H", bearer).fields["set-cookie"])
      let page = "Cookie: \(second.prefix { $0 != ";" })"
      #expect(try await get("/v1/members", "-H", page).status == 200)
      try daemon.folder.replace("tokens", with: "# nobody\n")
      chmod(daemon.folder.path("tokens"), 0o600)
      #expect(try await get("/v1/members", "-H", bearer).status == 401)
      #expect(try await get("/v1/members", "-H", page).status == 401)
    }
  }

  @Test(
    "a tokens' file that others can read, or with a token that can be guessed, is refused without naming one")
  func badTokens() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("short-secret\n", to: "tokens")
    chmod(file, 0o600)
    let short = #expect(throws: ReaderTokens.Failure.self) { _ = try ReaderTokens(file) }
    #expect(
      short?.description.contains("line 1") == true && short?.description.contains("short-secret") == false)
    try folder.write("\(Self.token)\n", to: "tokens")
    chmod(file, 0o644)
    #expect(throws: ReaderTokens.Failure.self) { _ = try ReaderTokens(file) }
    chmod(file, 0o600)
    let tokens = try ReaderTokens(file)
    #expect(tokens.has(Self.token))
    #expect(throws: ReaderTokens.Failure.self) { _ = try ReaderTokens(folder.path("none")) }
    // Lines may end as on Windows.
    let second = "second-token-of-two"
    try folder.write("# two\r\n\(Self.token)\r\n\(second)\r\n", to: "tokens")
    let lines = try ReaderTokens(file)
    #expect(lines.has(Self.token) && lines.has(second) && !lines.has("\(Self.token)\r\n\(second)"))
    try folder.write("# nothing\n", to: "tokens")
    #expect(throws: ReaderTokens.Failure.self) { _ = try ReaderTokens(file) }
  }

  @Test(
    "over TLS a client's certificate lets in, one of another authority doesn't, and nobody's asks for a token"
  )
  func certificates() async throws {
    let authority = try await Certificates()
    let server = try await authority.make("server", names: "DNS:localhost,IP:127.0.0.1")
    let client = try await authority.make("client", names: "")
    let stranger = try await authority.make("stranger", names: "", by: "stranger")
    try await TestDaemon.run(knowing: [try record("a")]) { options, _ in
      options.http = .init(
        listen: try Self.endpoint(),
        tls: .init(
          certificateFile: server.certificate, keyFile: server.key, clientCAFile: authority.authority))
    } _: { daemon in
      let port = try #require(await daemon.server.port())
      func get(_ path: String, _ arguments: String...) async throws -> TestDaemon.Answer {
        try await TestDaemon.curl(
          ["--cacert", authority.authority] + arguments + ["https://localhost:\(port)\(path)"])
      }
      let mine = try await get("/v1/members", "--cert", client.certificate, "--key", client.key)
      #expect(mine.status == 200)
      #expect(try await get("/v1/members").status == 401)
      #expect(try await get("/healthz").status == 200)
      await #expect(throws: NotInTime.self) {
        _ = try await get("/v1/members", "--cert", stranger.certificate, "--key", stranger.key)
      }
      let session = try await get(
        "/v1/session", "-X", "POST", "--cert", client.certificate, "--key", client.key)
      #expect(session.fields["set-cookie"]?.contains("; Secure") == true)
    }
  }

  @Test("a port that is taken is a failure that names it")
  func taken() async throws {
    let port = try LoopbackPort.free()
    let endpoint = try IPEndpoint("127.0.0.1:\(port)")
    try await TestDaemon.run { options, _ in
      options.http = .init(listen: endpoint)
    } _: { daemon in
      let second = StatusServer(
        daemon.aggregator, options: StatusServerOptions(nodeLabel: "x", http: .init(listen: endpoint)),
        logger: quiet)
      let failure = await #expect(throws: StatusServer.Failure.self) { try await second.run() }
      #expect(failure?.description.contains("127.0.0.1:\(port)") == true)
    }
  }
}
