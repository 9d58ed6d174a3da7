import ClusterModel
import Foundation
import RegistryConformance
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ExecRegistry

/// The programs of the documentation are run as their readers would.
@Suite("Example programs", .timeLimit(.minutes(3))) struct ExampleProgramTests {
  private static let programs = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/Programs")

  /// A folder with `name` as the documentation has it, and a list of machines.
  private func folder(_ name: String) throws -> ProgramFolder {
    let program = try ProgramFolder()
    try FileManager.default.copyItem(
      atPath: Self.programs.appendingPathComponent(name).path, toPath: program.folder.path(name))
    try program.folder.write("10.0.0.1 w-1\n10.0.0.2 w-2\n", to: "machines.txt")
    return program
  }

  @Test(
    "the guide shows the programs as they are",
    arguments: [("nodes.sh", "sh", 5), ("nodes.py", "python", 15)])
  func guide(name: String, language: String, lines: Int) throws {
    let text = try String(contentsOf: Self.programs.appendingPathComponent(name), encoding: .utf8)
    #expect(text.split(separator: "\n").count <= lines)
    let guide = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent("Docs/Registry-protocol.md"), encoding: .utf8)
    #expect(guide.contains("<!-- Docs/Examples/Programs/\(name) -->\n```\(language)\n\(text)```\n"))
  }

  @Test("the registry in shell lists the machines of its file, and keeps them while the file is away")
  func shell() async throws {
    let program = try folder("nodes.sh")
    let registry = try program.registry { $0.command = ["./nodes.sh"] }
    let recorder = SessionRecorder()
    try await recorder.run(registry) {
      let record = try await recorder.wait(for: "the machines") { names($0) == ["w-1", "w-2"] }
      #expect(record.isHealthy)
      try FileManager.default.removeItem(atPath: program.folder.path("machines.txt"))
      try await recorder.wait(for: "the cause") { $0.error(.reading) != nil }
      #expect(names(recorder.now) == ["w-1", "w-2"])
    }
    try program.folder.write("10.0.0.1 w-1\n", to: "machines.txt")
    let report = await RegistryConformance.check { try program.registry { $0.command = ["./nodes.sh"] } }
    #expect(report.isPassed, "\(report)")
  }

  @Test("the registry in Python follows its file, and says when it can't read it")
  func python() async throws {
    let program = try folder("nodes.py")
    let make: @Sendable () throws -> ExecRegistry = {
      try program.registry {
        $0.command = ["./nodes.py"]
        $0.stream = true
        $0.programOptions = #"{"path":"machines.txt","seconds":0.05}"#
      }
    }
    let recorder = SessionRecorder()
    let registry = try make()
    try await recorder.run(registry) {
      try await recorder.wait(for: "the machines") { names($0) == ["w-1", "w-2"] }
      try FileManager.default.removeItem(atPath: program.folder.path("machines.txt"))
      let record = try await recorder.wait(for: "the cause") { $0.error(.reading) != nil }
      #expect(record.error(.reading)?.message.contains("No such file") == true)
      try program.folder.write("10.0.0.3 w-3\n", to: "machines.txt")
      try await recorder.wait(for: "the machine") { names($0) == ["w-3"] && $0.isHealthy }
    }
    let report = await RegistryConformance.check { try make() }
    #expect(report.isPassed, "\(report)")
  }

  @Test("what programs and hosts write is what the schema has, and so is what the documentation shows")
  func schema() async throws {
    let schema = BuiltProducts.checkout.appendingPathComponent("Docs/registry-protocol.schema.json").path
    let guide = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent("Docs/Registry-protocol.md"), encoding: .utf8)
    var lines = guide.split(separator: "\n").filter { $0.hasPrefix("{\"") }.map(String.init)
    #expect(lines.count >= 2)
    for program in [try folder("nodes.sh")] {
      let result = try await Tool.run(program.folder.path("nodes.sh"), [], folder: program.folder.path)
      lines += result.output.split(separator: "\n").map(String.init)
    }
    // No validator is at hand everywhere: the schema is at least JSON whose keys are those that are read.
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: schema))) as? [String: Any]
    )
    let definitions = try #require(root["$defs"] as? [String: Any])
    func keys(_ name: String) throws -> Set<String> {
      let definition = try #require(definitions[name] as? [String: Any])
      return Set(try #require(definition["properties"] as? [String: Any]).keys)
    }
    let known = try keys("program").union(try keys("update")).union(try keys("host"))
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      for key in object.keys { #expect(known.contains(key), "\(line)") }
    }
    for key in try keys("program").union(try keys("update")) where key != "absent" && key != "reason" {
      #expect(guide.contains("| `\(key)` |"), "the guide doesn't have \(key)")
    }
    for key in try keys("node") { #expect(guide.contains("`\(key)`"), "the guide doesn't have \(key)") }
  }
}
