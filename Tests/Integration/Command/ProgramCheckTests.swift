import Foundation
import TestSupport
import Testing

/// `rollcall plugins check --exec`, run as the author of a program does.
@Suite("Checks of programs", .timeLimit(.minutes(3))) struct ProgramCheckTests {
  private static let programs = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/Programs").path

  private func check(_ script: String, name: String = "nodes") async throws -> ChildProcess.Result {
    let folder = try TemporaryFolder()
    let path = try folder.write("#!/bin/sh\n" + script, to: name)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return try await Command.run(["plugins", "check", "--exec", "./\(name)"], in: folder.path)
  }

  @Test("the example programs pass, each as what it is")
  func examples() async throws {
    let folder = try TemporaryFolder()
    try folder.write("10.0.0.1 w-1\n10.0.0.2 w-2\n", to: "machines.txt")
    for (name, how) in [("nodes.sh", "is run each interval"), ("nodes.py", "runs for good (stream: true)")] {
      let result = try await Command.run(
        [
          "plugins", "check", "--exec", "\(Self.programs)/\(name)", "--options", #"{"path": "machines.txt"}"#,
        ],
        in: folder.path)
      #expect(result.status == 0, "\(result)")
      #expect(result.output.hasPrefix("\(Self.programs)/\(name), a program that \(how)\n"))
      #expect(result.output.contains("\nok    each line is of the protocol"))
      #expect(result.output.contains(": w-1, w-2\n"), "\(result)")
      #expect(!result.output.contains("\nFAIL  "))
    }
  }

  @Test("a program that reads its whole input first is one that is run each interval")
  func readsAll() async throws {
    let result = try await check(#"cat > /dev/null; echo '{"snapshot":[{"id":"a"}]}'"#)
    #expect(result.status == 0, "\(result)")
    #expect(result.output.contains("a program that is run each interval"))
  }

  @Test(
    "what is wrong with a program is told",
    arguments: [
      (#"echo '{"snapshot":[{"id":"a","addresses":["x"]}]}'"#, "FAIL  each line is of the protocol"),
      (#"echo 'w-1 10.0.0.1'"#, "no document of nodes"), ("exit 5", "the program ended with exit code 5"),
      (#"echo '{"snapshot":[]}'; echo oops; sleep 1000"#, "line 2: column 1: a line must be a JSON object"),
    ])
  func wrong(script: String, message: String) async throws {
    let result = try await check(script)
    #expect(result.status == 1, "\(result)")
    #expect(result.output.contains(message), "\(result)")
  }

  @Test("a program that isn't there, or none at all, is told")
  func missing() async throws {
    let missing = try await Command.run(["plugins", "check", "--exec", "./no-such"])
    #expect(missing.status == 1)
    #expect(missing.errors == "rollcall: the program can't be started: No such file or directory\n")
    for arguments in [["plugins", "check"], ["plugins", "check", "static-file", "--exec", "./x"]] {
      let result = try await Command.run(arguments)
      #expect(result.status == 2)
      #expect(result.errors == "rollcall: name a plugin, or a program with --exec\n")
    }
  }
}
