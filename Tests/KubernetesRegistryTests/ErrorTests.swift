import HTTPTestSupport
import HTTPTransport
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct ErrorTests {
  private func access(_ url: String = "https://h:6443") throws -> Access {
    Access(
      endpoint: Access.Endpoint(server: try #require(ServerURL(url)), isInsecure: false),
      token: "secret-token",
      authorityName: "'/etc/ca.crt'", origin: "context 'x' of /k", credentialName: "token file '/t'")
  }

  private func text(
    _ code: Int, _ message: String, _ request: APIRequest = .list(limit: 500, continueToken: nil)
  ) throws -> String {
    APIError(
      APIStatus(message: message), httpStatus: code, retryAfter: nil, request: request, access: try access()
    )
    .error.message
  }

  @Test("a refusal names who may not do what, and the rule that would allow it")
  func forbidden() throws {
    let list = try text(
      403,
      #"nodes is forbidden: User "system:serviceaccount:a:b" cannot list resource "nodes" in API group """#)
    #expect(list.hasPrefix("user 'system:serviceaccount:a:b' may not list nodes at https://h:6443 (403)"))
    #expect(list.contains(#"{apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}"#))
    #expect(!list.contains("1.32"))
    let kubelet = try text(403, #"nodes is forbidden: User "system:node:w" cannot list resource "nodes""#)
    #expect(kubelet.contains("since Kubernetes 1.32 a kubelet's credentials may read only their own Node"))
    let odd = try text(403, "go away", .patch(node: "w", "{}"))
    #expect(odd.hasPrefix("the user of context 'x' of /k may not patch node 'w'"))
    #expect(odd.contains("(go away)"))
  }

  @Test("other answers are errors that have what they mean")
  func others() throws {
    #expect(try text(401, "Unauthorized").contains("doesn't accept token file '/t' (401)"))
    #expect(try text(404, "404 page not found").contains("isn't a Kubernetes API server"))
    #expect(try text(302, "").contains("sends elsewhere (302)"))
    #expect(try text(503, "line one\nline two") == "https://h:6443 can't list nodes (503): line one")
    #expect(try !text(401, "x").contains("secret-token"))
    #expect(try text(500, String(repeating: "x", count: 5000)).count < 600)
  }

  @Test("what is about a version that is gone is known in each of its forms")
  func expired() {
    #expect(APIStatus(code: 410).isExpired)
    #expect(APIStatus(reason: "Expired").isExpired)
    #expect(
      APIStatus(message: "Too large resource version: 5, current: 3", reason: "Timeout", code: 504).isExpired)
    #expect(!APIStatus(message: "no", reason: "Timeout", code: 504).isExpired)
  }

  private func failure(_ config: String) async throws -> String {
    let test = try TestRegistry(config: config)
    try await test.run { recorder in try await recorder.wait(for: "the report") { !$0.isHealthy } }
    return test.recorder.now.errors[0].message
  }

  @Test("a server that doesn't listen, that doesn't speak TLS or that breaks off is reported")
  func connections() async throws {
    try await ScriptedServer.run(greeting: "HTTP/1.1 400 Bad Request\r\n\r\n") { _, _ in
    } _: { server in
      let text = try await failure(Kube.config(server: "https://127.0.0.1:\(server.port)"))
      #expect(
        text.contains("https://127.0.0.1:\(server.port) doesn't speak TLS; is the port right"), "\(text)")
    }
    let silent = try SilentPort()
    defer { withExtendedLifetime(silent) {} }
    let port = silent.number
    let closed = try await failure(Kube.config(server: "https://127.0.0.1:\(port)"))
    #expect(
      closed.hasPrefix(
        "https://127.0.0.1:\(port) can't be reached: Connection refused; the URL is of context 'x' of"),
      "\(closed)")
    let broken = try await ScriptedServer.run { _, _ in
      throw ScriptedServer.HangUp()
    } _: { server in
      try await failure(Kube.config(server: server.url))
    }
    #expect(broken.contains("closed the connection"), "\(broken)")
  }

  @Test("a connection that breaks off again and again is reported, though the view was read before")
  func breaksOff() async throws {
    try await ScriptedServer.run { request, answer in
      guard request.isList else { throw ScriptedServer.HangUp() }
      try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    } _: { server in
      try await TestRegistry(config: Kube.config(server: server.url)).run { recorder in
        try await recorder.wait(for: "the report") { $0.ids() == ["1"] && !$0.isHealthy }
      }
    }
  }

  @Test("a name that nobody knows is reported")
  func unknownName() async throws {
    let text = try await failure(Kube.config(server: "https://no-such-host.invalid:6443"))
    #expect(text.contains("https://no-such-host.invalid:6443"), "\(text)")
    #expect(text.contains("the name 'no-such-host.invalid' isn't known"), "\(text)")
  }
}
