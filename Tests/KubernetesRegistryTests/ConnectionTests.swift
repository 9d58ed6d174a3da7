import Foundation
import HTTPTestSupport
import KubernetesTestSupport
import Platform
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// The way to the server: trust, proxies, limits.
@Suite("The connection to a Kubernetes server", .timeLimit(.minutes(2)))
struct ConnectionTests {
  private static func config(server: String, cluster: String) -> String {
    """
    clusters:
    - name: c
      cluster:
        server: \(server)
        \(cluster)
    contexts: [{name: x, context: {cluster: c}}]
    current-context: x

    """
  }

  /// What becomes of a registry with such a kubeconfig: nil where the server's node is there, else what is reported.
  private static func outcome(
    _ config: String, environment: [String: String] = [:]
  ) async throws -> String? {
    var test = try TestRegistry(config: config)
    test.registry.environment = environment
    try await test.run { recorder in
      try await recorder.wait(for: "an outcome") { $0.ids() == ["1"] || !$0.isHealthy }
    }
    return test.recorder.now.error(.reading)?.message
  }

  @Test(
    "certificate-authority may be any certificate on the way, in lines too, and in a bundle of the system's size",
    arguments: ["file", "data", "lines", "bundle"])
  func anchors(form: String) async throws {
    let certificates = try await Certificates()
    let middle = try await certificates.make("middle", names: "", isAuthority: true)
    let server = try await certificates.make("server", names: "IP:127.0.0.1", by: "middle")
    let other = try await certificates.make("other", names: "", by: "other", isAuthority: true)
    try await ScriptedServer.run(tls: server, ScriptedServer.oneNode) { scripted in
      func outcome(_ anchor: String) async throws -> String? {
        var pem = try String(contentsOfFile: anchor, encoding: .utf8)
        if form == "bundle" {
          pem =
            String(repeating: try String(contentsOfFile: other.certificate, encoding: .utf8), count: 400)
            + pem
          #expect(pem.utf8.count > 200_000)
        }
        let encoded = Base64.encode(Array(pem.utf8))
        let lines = encoded.indices.enumerated().filter { $0.offset % 64 == 0 }.map {
          encoded[$0.element...].prefix(64)
        }
        let cluster =
          switch form {
          case "file": "certificate-authority: \(anchor)"
          case "lines":
            "certificate-authority-data: |\n" + lines.map { "          \($0)" }.joined(separator: "\n")
          default: "certificate-authority-data: \(encoded)"
          }
        return try await Self.outcome(
          Self.config(server: "https://127.0.0.1:\(scripted.port)", cluster: cluster))
      }
      for anchor in [middle.certificate, server.certificate] {
        let outcome = try await outcome(anchor)
        #expect(outcome == nil)
      }
      let text = try await outcome(other.certificate) ?? ""
      #expect(text.contains("isn't trusted: it isn't signed by "), "\(text)")
      #expect(
        text.contains("signed by 'CN=middle'") && text.contains("it is for IP Address:127.0.0.1"), "\(text)")
      #expect(!text.contains(".swift") && !text.contains(".cc"), "\(text)")
    }
  }

  @Test(
    "what the environment names as proxy is gone through, unless the kubeconfig names one, and is named in errors"
  )
  func proxies() async throws {
    try await ScriptedServer.run(ScriptedServer.oneNode) { server in
      let heads = Mutex<[String]>([])
      try await Relay.run(to: server.port, asked: { head in heads.withLock { $0.append(head) } }) { port in
        let proxy = "http://\(Relay.host):\(port)"
        let plain = Self.config(server: "http://kube.invalid:99", cluster: "")
        let through = try await Self.outcome(plain, environment: ["HTTP_PROXY": proxy])
        #expect(through == nil)
        #expect(heads.withLock { $0.first }?.hasPrefix("CONNECT kube.invalid:99 ") == true)
        let exempt = try await Self.outcome(
          plain, environment: ["HTTP_PROXY": proxy, "NO_PROXY": "kube.invalid"])
        #expect(exempt?.contains("the name 'kube.invalid' isn't known") == true, "\(exempt ?? "")")
        let own = try await Self.outcome(
          Self.config(server: "http://kube.invalid:99", cluster: "proxy-url: \(proxy)"),
          environment: ["HTTP_PROXY": "http://127.0.0.1:1"])
        #expect(own == nil)
      }
    }
    let silent = try SilentPort()
    let proxy = "http://127.0.0.1:\(silent.number)"
    let dead = try await Self.outcome(
      Self.config(server: "https://10.0.0.1:6443", cluster: ""),
      environment: ["HTTPS_PROXY": "http://me:hush@127.0.0.1:\(silent.number)"])
    #expect(
      dead?.hasPrefix(
        "https://10.0.0.1:6443 can't be reached: the proxy \(proxy) can't be reached: Connection refused")
        == true, "\(dead ?? "")")
    let wrong = try await Self.outcome(
      Self.config(server: "https://10.0.0.1:6443", cluster: ""), environment: ["HTTPS_PROXY": "ftp://hush"])
    #expect(wrong?.hasPrefix("HTTPS_PROXY names a proxy of a kind") == true, "\(wrong ?? "")")
    withExtendedLifetime(silent) {}
  }

  @Test("an address that answers nobody is left at once when the registry ends")
  func cancellation() async throws {
    let hole = try BlackHole(isIPv6: false)
    let start = ContinuousClock.now
    try await TestRegistry(config: Kube.config(server: "https://127.0.0.1:\(hole.port)")).run { _ in
      try await eventually("it has begun") { ContinuousClock.now - start > .milliseconds(200) }
    }
    #expect(ContinuousClock.now - start < .seconds(3))
    withExtendedLifetime(hole) {}
  }

  @Test("one that answers nobody is reported after the limit of connecting")
  func timeout() async throws {
    let hole = try BlackHole(isIPv6: false)
    var test = try TestRegistry(config: Kube.config(server: "https://127.0.0.1:\(hole.port)"))
    test.registry.clientTiming.connect = .milliseconds(300)
    try await test.run { recorder in try await recorder.wait(for: "the report") { !$0.isHealthy } }
    #expect(
      test.recorder.now.errors[0].message
        == "https://127.0.0.1:\(hole.port) can't be reached: no connection within 300ms")
    withExtendedLifetime(hole) {}
  }

  @Test("a kept connection that the server has closed meanwhile isn't noticed by anybody")
  func keptConnection() async throws {
    // Each answer is followed by the end of the connection, though it says that it is kept.
    try await ScriptedServer.run { request, answer in
      guard request.isWatch else {
        try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
        throw ScriptedServer.HangUp()
      }
      try await answer.begin()
      try await answer.hang()
    } _: { server in
      try await TestRegistry(config: Kube.config(server: server.url)).run { recorder in
        try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.error(.reading) == nil }
        try await eventually("the watch") { server.requests.contains(where: \.isWatch) }
        #expect(recorder.now.errors.isEmpty)
      }
    }
  }

  @Test("a redirect isn't followed, and the token goes nowhere else")
  func redirect() async throws {
    try await ScriptedServer.run(ScriptedServer.oneNode) { other in
      try await ScriptedServer.run { _, answer in
        try await answer.send("", status: 307, headers: ["Location": "\(other.url)/api/v1/nodes"])
      } _: { server in
        var config = Kube.config(server: server.url, user: "{token: hush}")
        config += "\n"
        let test = try TestRegistry(config: config, options: { $0.allowInsecure = true })
        try await test.run { recorder in try await recorder.wait(for: "the report") { !$0.isHealthy } }
        #expect(test.recorder.now.errors[0].message.contains("sends elsewhere (307)"))
        #expect(server.requests.first?.headers["authorization"] == "Bearer hush")
        #expect(other.requests.isEmpty)
      }
    }
  }
}
