import HTTPTestSupport
import RegistryTestSupport

@testable import KubernetesRegistry

/// Runs a registry against a server that answers by `respond`.
func checkInformer(
  localNodeID: String? = nil, options: @escaping @Sendable (inout KubernetesOptions) -> Void = { _ in },
  timing: @escaping @Sendable (inout InformerTiming) -> Void = { _ in },
  client: ClientTiming = ClientTiming(),
  respond: @escaping @Sendable (ScriptedServer.Request, ScriptedServer.Answer) async throws -> Void,
  body: @escaping @Sendable (SessionRecorder, ScriptedServer) async throws -> Void
) async throws {
  try await ScriptedServer.run(respond) { server in
    var test = try TestRegistry(
      config: Kube.config(server: server.url), localNodeID: localNodeID, options: options, timing: timing)
    test.registry.clientTiming = client
    try await test.run { recorder in try await body(recorder, server) }
  }
}
