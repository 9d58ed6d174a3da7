import RegistryKit
import Testing

@testable import StaticFileRegistry

/// Real files, and no looking from time to time: what is seen the system has notified us of.
@Suite struct WatchTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("a file is one snapshot, and a change in place a batch of what changed")
  func inPlace() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one", "b": "two", "c": "three"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "b", "c"] }
      try folder.write(nodes(["a": "one", "b": "TWO"]), to: "nodes.yaml")
      let record = try await recorder.wait(for: "the change") { $0.ids() == ["a", "b"] }
      #expect(record.hostname("b") == "TWO")
      #expect(
        record.batches.map { $0.updates.map(\.summary) } == [
          ["snapshot a b c"], ["remove c deleted", "upsert b"],
        ])
      #expect(
        record.batches.map(\.reports) == [[HealthReport(.reading, nil), HealthReport(.content, nil)], []])
    }
  }

  @Test("a file that is replaced by renaming is seen, and its nodes are never gone meanwhile")
  func atomicRename() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      for round in 0..<5 {
        try folder.replace("nodes.yaml", with: nodes(["a": "round-\(round)"]))
        try await recorder.wait(for: "round \(round)") { $0.hostname("a") == "round-\(round)" }
      }
      #expect(!recorder.now.updates.contains { if case .remove = $0 { true } else { false } })
      #expect(recorder.now.errors == [])
    }
  }

  @Test("a config map's swap of the link to its data is seen")
  func configMap() async throws {
    let folder = folder
    try folder.makeFolder("mount/..2026_1")
    try folder.write(nodes(["a": "one"]), to: "mount/..2026_1/nodes.yaml")
    try folder.link("mount/..data", to: "..2026_1")
    try folder.link("mount/nodes.yaml", to: "..data/nodes.yaml")
    try await run(folder.registry("mount/*.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a", "nodes.yaml") == "one" }
      for round in 2..<5 {
        try folder.makeFolder("mount/..2026_\(round)")
        try folder.write(nodes(["a": "round-\(round)"]), to: "mount/..2026_\(round)/nodes.yaml")
        try folder.link("mount/..data_tmp", to: "..2026_\(round)")
        try folder.rename("mount/..data_tmp", to: "mount/..data")
        try folder.remove("mount/..2026_\(round - 1)")
        try await recorder.wait(for: "round \(round)") { $0.hostname("a", "nodes.yaml") == "round-\(round)" }
      }
    }
  }

  @Test("a missing file is reported, and read when it comes")
  func missingFile() async throws {
    let folder = folder
    try await run(folder.registry("nodes.yaml")) { recorder in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == nil, "nobody knows that there is nobody: what was known before stays")
      #expect(record.error(.content) == nil)
      #expect(record.error(.reading)?.code == .unavailable)
      #expect(
        record.error(.reading)?.message
          == "there is no file 'nodes.yaml' in '\(folder.path)'; it is read as soon as it is there")
      try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
      try await recorder.wait(for: "the file") { $0.ids() == ["a"] && $0.isHealthy }
    }
  }

  @Test("a file that is removed takes its nodes with it")
  func removal() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.remove("nodes.yaml")
      let record = try await recorder.wait(for: "the removal") { $0.ids() == [] }
      #expect(record.error(.reading)?.code == .unavailable)
      #expect(record.updates.last?.summary == "remove a deleted")
    }
  }

  @Test("a link to a file elsewhere is followed on both sides")
  func linkedFile() async throws {
    let folder = folder
    try folder.makeFolder("elsewhere")
    try folder.write(nodes(["a": "one"]), to: "elsewhere/real.yaml")
    try folder.write(nodes(["b": "two"]), to: "elsewhere/other.yaml")
    try folder.link("nodes.yaml", to: "\(folder.path)/elsewhere/real.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      try folder.replace("elsewhere/real.yaml", with: nodes(["a": "changed"]))
      try await recorder.wait(for: "the target's change") { $0.hostname("a") == "changed" }
      try folder.link("new-link", to: "elsewhere/other.yaml")
      try folder.rename("new-link", to: "nodes.yaml")
      try await recorder.wait(for: "the link's change") { $0.ids() == ["b"] }
    }
  }

  @Test("a file that is touched or written anew with the same content changes nothing")
  func touch() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml", "later.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids("nodes.yaml") == ["a"] }
      try folder.replace("nodes.yaml", with: nodes(["a": "one"]))
      try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
      try folder.write(nodes(["b": "two"]), to: "later.yaml")
      let record = try await recorder.wait(for: "the later file") { $0.ids("later.yaml") == ["b"] }
      #expect(record.updates.count { $0.source.name == "nodes.yaml" } == 1)
    }
  }

  @Test("this node is left out")
  func localNode() async throws {
    let folder = folder
    try folder.write(nodes(["me": "here", "other": "there"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml"), localNodeID: "me") { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["other"] }
    }
  }
}
