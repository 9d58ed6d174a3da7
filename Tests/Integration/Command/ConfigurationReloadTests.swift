import Foundation
import TestSupport
import Testing

/// What SIGHUP changes, and what it doesn't.
@Suite struct ConfigurationReloadTests {
  private func reloaded(_ process: ChildProcess, _ parts: String...) async throws {
    process.signal(SIGHUP)
    for part in parts { try await logged(process, part) }
  }

  /// Starts `run` on two files, and waits until both are read.
  private func start(
    _ folder: TemporaryFolder, arguments: [String] = [], environment: [String: String] = [:]
  ) async throws -> ChildProcess {
    let process = try Command.start(
      ["run", "--state", "state"] + arguments, in: folder.path, environment: environment)
    try await logged(process, "registry synced", "registry=a")
    try await logged(process, "registry synced", "registry=b")
    return process
  }

  private func ended(_ process: ChildProcess) async throws {
    #expect(!process.errorsSoFar.contains("member left"))
    #expect(!process.errorsSoFar.contains("registry removed"))
    #expect(!process.errorsSoFar.contains("configuration reloaded"))
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test(
    "a configuration that is gone, empty or unreadable changes nothing, however it was found",
    arguments: ["default", "option", "variable"])
  func lost(how: String) async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    // What would be found in its place.
    try folder.write(nodes([("n9", "nine", "10.0.0.9")]), to: "members.yaml")
    let process = try await start(
      folder, arguments: how == "option" ? ["-c", "rollcall.yaml"] : [],
      environment: how == "variable" ? ["ROLLCALL_CONFIG": folder.path("rollcall.yaml")] : [:])
    let path = folder.path("rollcall.yaml")
    try FileManager.default.removeItem(atPath: path)
    var count = 1
    try await refused(process, count)
    for text in [
      "", "# nothing\n", "---\n", "cluster:\n", "cluster: {discovery: {registries: }}\n", "\u{FEFF}",
      "null\n", "[]\n",
      "cluster: [", "---\n---\n",
    ] {
      try folder.write(text, to: "rollcall.yaml")
      count += 1
      try await refused(process, count)
    }
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try await refused(process, count + 1)
    try await ended(process)
  }

  /// Sends SIGHUP and waits until it was refused for the `count`-th time.
  private func refused(_ process: ChildProcess, _ count: Int) async throws {
    process.signal(SIGHUP)
    try await eventually("refusal \(count)") {
      let lines = process.errorsSoFar.split(separator: "\n")
      return lines.count { $0.contains("the configuration wasn't reloaded: nothing has changed") } == count
        && lines.count { $0.contains("rollcall.yaml") && $0.contains(" error ") } >= count
    }
  }

  @Test("a configuration that is being written to isn't taken")
  func halfWritten() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try await start(folder)
    let good = try contents(folder.path("rollcall.yaml"))
    let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("rollcall.yaml")))
    try writer.truncate(atOffset: UInt64(good.utf8.count / 2))
    try await reloaded(process, "rollcall.yaml: the file is being written to", "wasn't reloaded")
    try writer.close()
    try await ended(process)
  }

  @Test("files of members that are gone change nothing where there never was a configuration")
  func members() async throws {
    let folder = try TemporaryFolder()
    try folder.write(nodes([("n9", "nine", "10.0.0.9")]), to: "members.yaml")
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "member joined", "member=nine")
    try FileManager.default.removeItem(atPath: folder.path("members.yaml"))
    try await reloaded(process, "there is no configuration file", "wasn't reloaded: nothing has changed")
    try await ended(process)
  }

  @Test("who began without a configuration takes the one that is there now")
  func firstConfiguration() async throws {
    let folder = try TemporaryFolder()
    try folder.write(nodes([("n9", "nine", "10.0.0.9")]), to: "members.yaml")
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "member joined", "member=nine")
    try twoFiles(folder)
    try await reloaded(process, "configuration reloaded added=a,b kept=0 removed=members")
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test("what a plugin alone knows to be wrong is found before anything is given up")
  func creation() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try await start(folder)
    let good = try contents(folder.path("rollcall.yaml"))
    try folder.write(good.replacing("path: b.yaml", with: "path: b/"), to: "rollcall.yaml")
    try await reloaded(
      process, "rollcall.yaml:5:7: the registry 'b' can't be made: 'b/' is a folder", "wasn't reloaded")
    try await ended(process)
  }

  @Test("what a reload can't change is told to need a restart")
  func restart() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try await start(folder)
    let good = try contents(folder.path("rollcall.yaml"))
    try folder.write(good.replacing("publish: false", with: "publish: true"), to: "rollcall.yaml")
    try await reloaded(
      process, "node.publish is true: this node is published after a restart", "configuration reloaded")
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test("another folder for the node's identity is told to need a restart")
  func stateFolder() async throws {
    let folder = try TemporaryFolder()
    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "a.yaml")
    let text = """
      cluster: {discovery: {registries: {a: {plugin: static-file, path: a.yaml}}}}
      node: {hostname: me, addresses: [10.0.0.7]}
      stateDirectory: one
      """
    try folder.write(text, to: "rollcall.yaml")
    let process = try Command.start(["run"], in: folder.path)
    try await logged(process, "registry synced", "registry=a")
    try folder.write(text.replacing("stateDirectory: one", with: "stateDirectory: two"), to: "rollcall.yaml")
    try await reloaded(
      process, "stateDirectory: this node keeps the identity in '", "configuration reloaded changed=a")
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test("staleAfter takes effect at once for a file that is gone later")
  func staleAfter() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try await start(folder)
    let good = try contents(folder.path("rollcall.yaml"))
    try folder.write(
      good.replacing("path: b.yaml", with: "staleAfter: 50ms, path: b.yaml"), to: "rollcall.yaml")
    try await reloaded(process, "configuration reloaded changed=b kept=1")
    try await logged(process, "registry synced", "registry=b")
    try FileManager.default.removeItem(atPath: folder.path("a.yaml"))
    try await logged(process, "'a.yaml' is gone; what it listed (2 nodes) stays")
    try FileManager.default.removeItem(atPath: folder.path("b.yaml"))
    try await logged(process, "there is no file 'b.yaml'")
    #expect(!process.errorsSoFar.contains("member left"))
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }
}
