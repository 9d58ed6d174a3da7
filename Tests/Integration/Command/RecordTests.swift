import Foundation
import TestSupport
import Testing

/// `rollcall record` and `rollcall replay`, as a person runs them.
@Suite("Recording with the command", .timeLimit(.minutes(2)))
struct RecordTests {
  @Test("what was recorded is replayed in the same bytes by each process, and needs nothing else")
  func sameBytes() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let file = folder.path("x.rec")
    let process = try Command.start(["record", file], in: folder.path)
    try await eventually("both files are recorded") {
      let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
      return size > 700
    }
    try folder.replace("b.yaml", with: nodes([("n3", "three", "10.0.0.1")]))
    try await eventually("the change is recorded") {
      ((try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data()).range(of: Data("three".utf8)) != nil
    }
    process.signal(SIGINT)
    let recorded = try await process.result()
    #expect(recorded.status == 0, "\(recorded)")
    #expect(recorded.output == "")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)

    let elsewhere = try TemporaryFolder()
    let first = try await Command.output("replay \(file)", in: elsewhere.path)
    #expect(first.contains(#""type":"member","change":"added","id":"three","nodeId":"n3""#))
    #expect(first.contains(#""type":"conflict","change":"added","id":"address/10.0.0.1""#))
    for _ in 0..<4 { #expect(try await Command.output("replay \(file)", in: elsewhere.path) == first) }

    // An existing file is left alone.
    let again = try await Command.run("record \(file) --for 1s", in: folder.path)
    #expect(again.status == 1)
    #expect(again.errors.contains("exists already, and a recording overwrites nothing: name another file"))
    #expect(try await Command.output("replay \(file)", in: elsewhere.path) == first)

    // What is cut is replayed up to there.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    try bytes.prefix(bytes.count - 1).write(to: URL(fileURLWithPath: folder.path("cut.rec")))
    let cut = try await Command.run("replay cut.rec", in: folder.path)
    #expect(cut.status == 1)
    #expect(cut.output == first)
    #expect(
      cut.errors.hasPrefix("rollcall: 'cut.rec' has no end: it was cut, or its recording ended early, after ")
    )
  }

  @Test("a recording ends by itself after its time, and with 3 where its file is full")
  func ends() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let many = (0..<200).map { (id: "n\($0)", name: "node-\($0)", address: "10.0.1.\($0)") }
    try folder.write(nodes(many), to: "a.yaml")
    #expect(try await Command.run("record x.rec --for 1ms", in: folder.path).status == 0)
    let full = try await Command.run("record full.rec --max-size 4096", in: folder.path)
    #expect(full.status == 3)
    #expect(full.errors.contains("the recording ended early, as it may have 4KiB; --max-size allows more"))
    let size = try FileManager.default.attributesOfItem(atPath: folder.path("full.rec"))[.size] as? Int
    #expect(size.map { $0 <= 4096 } == true)
    #expect(try await Command.run("replay full.rec", in: folder.path).status == 0)
  }

  @Test("without a configuration there is nothing to record, and no file is made")
  func nothing() async throws {
    let folder = try TemporaryFolder()
    let result = try await Command.run("record x.rec --for 1s", in: folder.path)
    #expect(result.status == 1)
    #expect(result.errors.contains("there is no configuration file"))
    #expect(folder.names == [])
  }
}
