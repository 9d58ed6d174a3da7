import ClusterModel
import Foundation
import RegistryKit
import Rollcall
import RollcallConfiguration
import TestSupport
import Testing

/// A registry of files whose first line says what is to be reported of them.
private struct FilesRegistry: Registry {
  let path: String

  func run(_ session: RegistrySession) async throws {
    let problems = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    if problems == ["hang"] { try await Task.sleep(for: .seconds(3600)) }
    if problems == ["fail"] { throw RegistryError(.failed, "it fell over") }
    for problem in problems { session.logger.warning("\(problem)") }
    let error = RegistryError(.invalidArgument, problems.joined(separator: "; "))
    try session.apply(
      RegistryBatch(
        updates: [.snapshot([], source: .only)],
        reports: [HealthReport(.content, problems.isEmpty ? nil : error)]))
    try await Task.sleep(for: .seconds(3600))
  }
}

/// Two plugins: `files` reads nothing but files, `net` needs some.
private struct Plugins: PluginSource {
  struct NotFound: Error {}

  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    let schemas = [
      "files": #"{"type":"object","properties":{"path":{"type":"string","format":"data-path"}}}"#,
      "net":
        #"{"type":"object","properties":{"tls":{"type":"object","properties":{"caFile":{"type":"string","format":"path"}}},"tokens":{"type":"array","items":{"type":"string","format":"path"}}}}"#,
    ]
    guard let schema = schemas[name] else { throw NotFound() }
    let descriptor = RegistryDescriptor(name: name, version: "1", summary: "a test's", optionsSchema: schema)
    return AvailablePlugin(descriptor: descriptor) { options, context in
      let path = options.split(separator: "\"").dropFirst(3).first.map(String.init) ?? ""
      return FilesRegistry(path: path.hasPrefix("/") ? path : "\(context.baseDirectory)/\(path)")
    }
  }
}

@Suite("Checks of the files that registries name", .timeLimit(.minutes(3)))
struct DataCheckTests {
  private func problems(
    _ registries: String, _ files: [String: String] = [:], timeout: Duration = .seconds(30)
  ) async throws -> (errors: [String], warnings: [String]) {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(text, to: name) }
    let text = "cluster:\n  discovery:\n    registries:\n" + registries
    let configuration = try ConfigurationFile.load(folder.write(text, to: "rollcall.yaml"))
    let found = await configuration.dataProblems(plugins: Plugins(), timeout: timeout)
    func shown(_ error: ConfigurationError) -> String {
      error.description.replacing(folder.path + "/", with: "")
    }
    return (found.errors.map(shown), found.warnings.map(shown))
  }

  @Test(
    "what a registry reports of its files is told at its place in them, each alone",
    arguments: [
      ("", []),
      ("a.yaml:3:5: no node\n", ["a.yaml:3:5: no node"]),
      (
        "a.yaml:3:5: no node; or half of one\nb.yaml:1:1: empty\n",
        ["a.yaml:3:5: no node; or half of one", "b.yaml:1:1: empty"]
      ),
      ("no place\n", ["rollcall.yaml:4:7: the registry 'a': no place"]),
      ("x:1:\n", ["rollcall.yaml:4:7: the registry 'a': x:1:"]),
      (
        "x:99999999999999999999:1: far\n",
        ["rollcall.yaml:4:7: the registry 'a': x:99999999999999999999:1: far"]
      ),
      ("fail", ["rollcall.yaml:4:7: the registry 'a': it fell over"]),
    ] as [(String, [String])])
  func contents(_ file: String, _ expected: [String]) async throws {
    let found = try await problems("      a: {plugin: files, path: data}\n", ["data": file])
    #expect(found.errors == expected)
    #expect(found.warnings == [])
  }

  @Test("of a disabled registry it is a warning that says so")
  func disabled() async throws {
    let found = try await problems(
      "      a: {plugin: files, path: data, disabled: true}\n", ["data": "a.yaml:3:5: no node\n"])
    #expect(found.errors == [])
    #expect(found.warnings == ["a.yaml:3:5: no node (the registry 'a' is disabled)"])
  }

  @Test("a registry that doesn't get to an end with its files is told, and waited for no longer")
  func hanging() async throws {
    let found = try await problems(
      "      a: {plugin: files, path: data}\n", ["data": "hang"], timeout: .milliseconds(50))
    #expect(
      found.errors == ["rollcall.yaml:4:7: the registry 'a': it hasn't read its files within 50ms"])
  }

  @Test(
    "files that can't be read are told at their options, however deep those are, and nothing is run for them")
  func unreadable() async throws {
    let found = try await problems(
      "      n: {plugin: net, tls: {caFile: ca.pem}, tokens: [here, gone, .]}\n", ["here": "t"])
    #expect(
      found.errors == [
        "rollcall.yaml:4:38: cluster.discovery.registries.n.tls.caFile: 'ca.pem' can't be read: there is no such file",
        "rollcall.yaml:4:62: cluster.discovery.registries.n.tokens[1]: 'gone' can't be read: there is no such file",
        "rollcall.yaml:4:68: cluster.discovery.registries.n.tokens[2]: '.' can't be read: it is a folder, not a file",
      ])
  }
}
