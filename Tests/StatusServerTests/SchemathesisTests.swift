import ClusterModel
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import StatusServer

@Suite("The API as schemathesis sees it", .timeLimit(.minutes(10)))
struct SchemathesisTests {
  /// The command, from PyPI: `ROLLCALL_SCHEMATHESIS`, or in PATH.
  private static let command: String? = {
    let environment = ProcessInfo.processInfo.environment
    let folders = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/schemathesis" }
    return ([environment["ROLLCALL_SCHEMATHESIS"]].compactMap { $0 } + folders)
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  @Test(
    "answers to all that it makes up are as the document says, and never an internal error",
    .enabled(if: command != nil, "schemathesis isn't installed: pip install schemathesis"))
  func schemathesis() async throws {
    let records = [
      try record("a", address: "10.0.0.1", labels: ["rack": "r1"]), try record("b", address: "10.0.0.1"),
      try record("c", health: .notReady(reason: "KubeletNotReady")),
    ]
    try await TestDaemon.run(knowing: records) { options, _ in
      options.http = .init(listen: try IPEndpoint("127.0.0.1:0"))
      options.longestWatch = .milliseconds(10)
      options.metrics = { _ in ("text/plain; version=0.0.4", "# nothing\n") }
    } _: { daemon in
      let port = try #require(await daemon.server.port())
      try daemon.service.apply(.remove(try NodeIdentity("c"), source: .only, reason: .withdrawn))
      let result = try await ChildProcess.run(
        try #require(Self.command),
        [
          "run", "http://127.0.0.1:\(port)/openapi.yaml", "--max-examples", "20", "--seed", "1",
          "--phases", "examples,coverage,fuzzing", "--checks",
          "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance",
          "--no-color",
        ], folder: daemon.folder.path, within: .seconds(500))
      #expect(result.status == 0, "\(result)")
    }
  }
}
