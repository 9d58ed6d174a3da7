import ClusterModel
import HTTPTestSupport
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// How credentials that fail are reported: once, as their own aspect.
@Suite struct CredentialsTests {
  @Test("a program that prints no credentials is reported as such, until it does")
  func program() async throws {
    try await ScriptedServer.run(ScriptedServer.oneNode) { server in
      let folder = try TemporaryFolder()
      let script = try folder.write("echo 'log in first' >&2; exit 3\n", to: "login")
      let user =
        #"{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: ["\#(script)"]}}"#
      let test = try TestRegistry(
        config: Kube.config(server: server.url, user: user), options: { $0.allowInsecure = true })
      try await test.run { recorder in
        let record = try await recorder.wait(for: "the reports") {
          $0.error(.credentials) != nil && $0.error(.reading) != nil
        }
        #expect(record.error(.credentials)?.code == .permissionDenied)
        #expect(record.error(.credentials)?.message.hasSuffix("ended with status 3: log in first") == true)
        #expect(
          record.error(.reading)?.message
            == "the server shows nobody its Nodes without credentials that it accepts")
        #expect(server.requests.isEmpty)
        let credential =
          #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}"#
        try folder.write("echo '\(credential)'\n", to: "login")
        try await recorder.wait(for: "the recovery") { $0.ids() == ["1"] && $0.isHealthy }
        #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer t" })
      }
    }
  }

  @Test(
    "a token that is refused after it was read again is reported as such, also where something is published")
  func refused() async throws {
    try await ScriptedServer.run { request, answer in
      guard request.headers["authorization"] == "Bearer good" else { return try await answer.refuse(401) }
      try await ScriptedServer.oneNode(request, answer)
    } _: { server in
      let test = try TestRegistry(
        config: Kube.config(server: server.url, user: "{tokenFile: token}"),
        options: { $0.allowInsecure = true })
      try test.folder.write("bad", to: "token")
      try await test.run { recorder in
        let record = try await recorder.wait(for: "the reports") {
          $0.error(.credentials) != nil && $0.error(.reading) != nil
        }
        let token = test.folder.path("token")
        #expect(
          record.error(.credentials)?.message.contains("doesn't accept token file '\(token)' (401)") == true)
        await #expect(
          throws: RegistryError(
            .permissionDenied, "the server lets nobody change a Node without credentials that it accepts")
        ) {
          try await recorder.published(
            Publication(local: Affiliate(nodeID: try NodeIdentity("me"), nodename: "me")))
        }
        try test.folder.replace("token", with: "good")
        try await recorder.wait(for: "the recovery") { $0.ids() == ["1"] && $0.isHealthy }
      }
    }
  }

  @Test("a kubeconfig that can't be used isn't a failure of credentials")
  func kubeconfig() async throws {
    try await TestRegistry(config: "current-context: x").run { recorder in
      let record = try await recorder.wait(for: "the report") { $0.error(.reading) != nil }
      #expect(record.error(.reading)?.message.contains("there is no context 'x'") == true)
      #expect(record.error(.credentials) == nil)
    }
  }
}
