import Foundation
import StatusTestSupport
import TestSupport

/// A daemon of the documented world of six nodes, as its API tells of it.
struct DaemonWorld {
  let folder: TemporaryFolder
  let daemon: FakeDaemon
  var socket: String { daemon.socket }

  /// - Parameter other: what is answered in place of the world; nil for the world.
  init(_ other: @escaping @Sendable (FakeDaemon.Request) -> FakeDaemon.Answer? = { _ in nil }) throws {
    folder = try TemporaryFolder()
    daemon = try FakeDaemon(at: folder.path("s")) { other($0) ?? Self.answer($0) }
  }

  /// Runs the command, which asks this daemon.
  func run(_ line: String) async throws -> ChildProcess.Result {
    try await Command.run(line, in: folder.path, environment: ["ROLLCALL_SOCKET": socket])
  }

  func run(_ arguments: [String]) async throws -> ChildProcess.Result {
    try await Command.run(arguments, in: folder.path, environment: ["ROLLCALL_SOCKET": socket])
  }

  /// What is in a file of the world.
  static func file(_ name: String) throws -> String {
    try contents(
      BuiltProducts.checkout.appendingPathComponent("Tests/ClusterResourcesTests/Golden/world/\(name)").path)
  }

  private static func answer(_ request: FakeDaemon.Request) -> FakeDaemon.Answer {
    let all = request.query["all"] == "true" ? "-all" : ""
    let parts = request.path.split(separator: "/").map { $0.removingPercentEncoding ?? "" }
    do {
      switch request.path {
      case "/v1/members": return .json(try file("members\(all).json"))
      case "/v1/registries": return .json(try file("registries.json"))
      case "/v1/conflicts":
        return .json(
          try all.isEmpty
            ? list("conflicts") { ($0["spec"] as? [String: Any])?["severity"] as? String == "warning" }
            : file("conflicts.json"))
      case "/v1/status": return .json(try file("status.json"))
      case "/v1/history":
        return .json(try file("history-\(request.query["continue"] == nil ? 1 : 2).json"))
      case "/v1/diff":
        return .json(try file(request.query["since"] == nil ? "diff-registries.json" : "diff-since.json"))
      case "/v1/explain/w-3": return .json(try file("explain-w-3.json"))
      case "/readyz": return .json("ok")
      case _ where request.path.hasPrefix("/v1/members/") && parts.count == 3:
        let found = try items("members-all").first { id(of: $0) == parts[2] }
        guard let found else {
          return .json(
            #"{"title":"Not Found","status":404,"detail":"there is no member '\#(parts[2])': did you mean 'w-3'?","code":"not-found"}"#,
            status: 404)
        }
        return .json(String(decoding: try JSONSerialization.data(withJSONObject: found), as: UTF8.self))
      default: return .json(#"{"title":"Not Found","detail":"there is no \#(request.path)"}"#, status: 404)
      }
    } catch {
      return .json("{\"detail\":\"\(error)\"}", status: 500)
    }
  }

  private static func items(_ name: String) throws -> [[String: Any]] {
    let value = try JSONSerialization.jsonObject(with: Data(file("\(name).json").utf8)) as? [String: Any]
    return value?["items"] as? [[String: Any]] ?? []
  }

  private static func list(_ name: String, _ isIncluded: ([String: Any]) -> Bool) throws -> String {
    var value =
      try JSONSerialization.jsonObject(with: Data(file("\(name).json").utf8)) as? [String: Any] ?? [:]
    value["items"] = try items(name).filter(isIncluded)
    return String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
  }

  private static func id(of item: [String: Any]) -> String? {
    (item["metadata"] as? [String: Any])?["id"] as? String
  }
}

/// `table` without the blanks at the ends of its lines.
func trimmedLines(_ table: String) -> String {
  table.split(separator: "\n", omittingEmptySubsequences: false).map {
    String($0).replacing(#/ +$/#, with: "")
  }.joined(separator: "\n")
}
