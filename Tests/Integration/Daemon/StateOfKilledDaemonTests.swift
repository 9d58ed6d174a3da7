import Foundation
import Sealing
import Synchronization
import TestSupport
import Testing

@Suite("A daemon that is killed while it writes its state", .serialized, .timeLimit(.minutes(5)))
struct StateOfKilledDaemonTests {
  private let folder: TemporaryFolder
  private static let count = 300

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      """
      cluster: {discovery: {registries: {racks: {plugin: static-file, path: racks.yaml, debounce: 1ms}}}}
      node: {publish: false, hostname: watcher}
      """, to: "rollcall.yaml")
    try list(generation: 0)
  }

  @Test("a hundred times: the state is whole each time, nothing of it is lost, no half file stays")
  func killed() async throws {
    // The first state, from which on there always is one.
    var daemon = try start()
    try await eventually("the state is written", within: .seconds(60)) { try size(of: "state") > 10_000 }
    daemon.signal(SIGKILL)
    _ = try await daemon.result()

    let changing = Changing(folder: folder)
    defer { changing.stop() }
    var generator = SeededGenerator(seed: 11)
    var duringWrite = 0
    for round in 1...100 {
      let (before, begun) = (try inode(), drafts())
      daemon = try start()
      // A daemon writes at once what it knows: half of them end in the middle of that, the others soon after a write.
      if round.isMultiple(of: 2) {
        if try await waits(for: { !drafts().subtracting(begun).isEmpty || (try? inode()) != before }) {
          duringWrite += 1
        }
      } else {
        #expect(try await waits { (try? inode()) != before }, "\(daemon.errorsSoFar)")
        usleep(UInt32(generator.next() % 30_000))
      }
      daemon.signal(SIGKILL)
      let end = try await daemon.result()
      try #require(end.status == -SIGKILL, "round \(round): \(end)")
      #expect(!end.errors.contains("is lost"), "round \(round): \(end.errors)")
      #expect(try isWhole(), "round \(round)")
      #expect(setAside().isEmpty, "round \(round): \(names())")
      // What the one before had begun was put away.
      #expect(drafts().isDisjoint(with: begun) && drafts().count <= 1, "round \(round): \(names())")
    }
    #expect(duringWrite == 50)
    changing.stop()

    // All are there at once although their file can't be read any more, and what was begun is put away.
    try FileManager.default.removeItem(atPath: folder.path("racks.yaml"))
    daemon = try start()
    let members = try await ask("get members -o wide --no-headers --partial-ok") {
      $0.split(separator: "\n").count == Self.count
    }
    #expect(members.split(separator: "\n").allSatisfy { $0.contains("stale") }, "\(members.prefix(500))")
    daemon.signal(SIGTERM)
    #expect(try await daemon.result().status == 0)
    #expect(drafts().isEmpty && setAside().isEmpty, "\(names())")
  }

  @Test("a damaged state file is set aside and told, and the daemon goes on without it")
  func damaged() async throws {
    var daemon = try start()
    try await eventually("the state is written", within: .seconds(60)) { try size(of: "state") > 10_000 }
    daemon.signal(SIGTERM)
    _ = try await daemon.result()
    let path = folder.path("state-folder/state")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))

    daemon = try start()
    _ = try await ask("get members -o name") { $0.split(separator: "\n").count == Self.count }
    let aside = setAside()
    try #require(aside.count == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("state-folder/\(aside[0])"))) == bytes)
    let log = daemon.errorsSoFar
    #expect(log.contains("has been changed or cut since it was written; it is set aside as "), "\(log)")
    #expect(log.contains(aside[0]), "\(log)")
    let status = try await ask("status") { _ in true }
    #expect(status.contains(aside[0]), "\(status)")
    let metrics = try await ask("get --raw /metrics") { _ in true }
    #expect(metrics.contains("\nrollcall_cache_damaged 1\n"), "\(metrics)")
    try await eventually("it is written anew", within: .seconds(60)) { try size(of: "state") > 10_000 }
    daemon.signal(SIGTERM)
    _ = try await daemon.result()
    #expect(try isWhole())
  }

  // MARK: The daemon

  private var environment: [String: String] { ["ROLLCALL_SOCKET": folder.path("run/rollcall.sock")] }

  private func start() throws -> ChildProcess {
    try Command.start(["run", "--state", "state-folder"], in: folder.path, environment: environment)
  }

  /// What it answers as soon as that is as it should be.
  private func ask(_ line: String, _ condition: (String) -> Bool) async throws -> String {
    var last: ChildProcess.Result?
    do {
      try await eventually(line, within: .seconds(60)) {
        let result = try await Command.start(
          line.split(separator: " ").map(String.init), in: folder.path,
          environment: environment
        ).result()
        last = result
        return result.status == 0 && condition(result.output)
      }
    } catch let error as NotInTime {
      let shown = last.map { "\($0)" } ?? ""
      throw NotInTime(description: "\(error.description): \(shown)")
    }
    return last?.output ?? ""
  }

  /// Writes a file in which each node has another address in each generation.
  fileprivate static func text(generation: Int) -> String {
    "nodes:\n"
      + (1...count).map {
        "  - {nodeId: id-\($0), nodename: n-\($0), addresses: [10.\(generation % 250).\($0 / 250).\($0 % 250 + 1)]}\n"
      }.joined()
  }

  private func list(generation: Int) throws {
    try folder.replace("racks.yaml", with: Self.text(generation: generation))
  }

  /// Waits without a pause: what is waited for takes a moment only.
  private func waits(for condition: () -> Bool) async throws -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(60)
    while !condition() {
      guard clock.now < deadline else { return false }
      usleep(100)
    }
    return true
  }

  // MARK: The file

  private func names() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path("state-folder"))) ?? []).sorted()
  }
  /// Files that are being written, or were.
  private func drafts() -> Set<String> { Set(names().filter { $0.hasSuffix(".tmp") }) }
  private func setAside() -> [String] { names().filter { $0.contains(".damaged-") } }

  private func size(of name: String) throws -> Int {
    var info = stat()
    return stat(folder.path("state-folder/\(name)"), &info) == 0 ? Int(info.st_size) : 0
  }

  private func inode() throws -> UInt {
    var info = stat()
    return stat(folder.path("state-folder/state"), &info) == 0 ? UInt(info.st_ino) : 0
  }

  /// Whether the file is what its first line says, by its digest.
  private func isWhole() throws -> Bool {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("state-folder/state"))))
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ")
    let digest = SealedBlob.digest(Array(bytes.dropFirst(line.count + 1))) ?? []
    return words.count == 4 && words[2] == "sha-256"
      && words[3] == digest.map { String(format: "%02x", $0) }.joined()
  }
}

/// Writes a file anew all the time.
private final class Changing: Sendable {
  private let isRunning = Atomic(true)

  init(folder: TemporaryFolder) {
    Thread.detachNewThread { [weak self] in
      var generation = 1
      while let self, self.isRunning.load(ordering: .relaxed) {
        try? folder.replace(
          "racks.yaml", with: StateOfKilledDaemonTests.text(generation: generation))
        generation += 1
        usleep(5_000)
      }
    }
  }

  func stop() { isRunning.store(false, ordering: .relaxed) }
}
