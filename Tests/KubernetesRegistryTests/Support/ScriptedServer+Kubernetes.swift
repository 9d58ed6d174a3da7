import HTTPTestSupport

@testable import KubernetesRegistry

extension ScriptedServer.Request {
  var isWatch: Bool { query["watch"] == "true" }
  var isList: Bool { method == "GET" && path == "/api/v1/nodes" && !isWatch }
}

extension ScriptedServer.Answer {
  /// A Kubernetes error.
  func refuse(
    _ code: Int, reason: String = "", message: String = "no", headers: [String: String] = [:]
  ) async throws {
    try await send(Kube.status(code, reason: reason, message: message), status: code, headers: headers)
  }
}

extension ScriptedServer {
  /// Answers as a server does that has one Node, `a` with the identity 1, to which nothing happens.
  @Sendable static func oneNode(_ request: Request, _ answer: Answer) async throws {
    guard request.isWatch else {
      return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    }
    try await answer.begin()
    try await answer.hang()
  }
}
