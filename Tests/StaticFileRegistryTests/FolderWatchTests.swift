import ClusterModel
import RegistryKit
import Testing

@testable import StaticFileRegistry

/// Folders that come, go and are replaced, and patterns over them.
@Suite struct FolderWatchTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("a folder that is missing, made, removed and made again is followed")
  func missingFolder() async throws {
    let folder = folder
    try await run(folder.registry("some/where/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the report") { !$0.isHealthy }
      for round in 0..<3 {
        try folder.makeFolder("some/where")
        try folder.write(nodes(["a": "round-\(round)"]), to: "some/where/nodes.yaml")
        try await recorder.wait(for: "making \(round)") {
          $0.hostname("a") == "round-\(round)" && $0.isHealthy
        }
        try folder.remove("some")
        try await recorder.wait(for: "removal \(round)") { $0.ids() == [] && !$0.isHealthy }
      }
    }
  }

  @Test("a folder that is moved away and replaced by another is followed")
  func movedFolder() async throws {
    let folder = folder
    try folder.makeFolder("current")
    try folder.write(nodes(["a": "one"]), to: "current/nodes.yaml")
    try folder.makeFolder("next")
    try folder.write(nodes(["b": "two"]), to: "next/nodes.yaml")
    try await run(folder.registry("current/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the first") { $0.ids() == ["a"] }
      try folder.rename("current", to: "old")
      try folder.rename("next", to: "current")
      try await recorder.wait(for: "the second") { $0.ids() == ["b"] }
      try folder.replace("current/nodes.yaml", with: nodes(["c": "three"]))
      try await recorder.wait(for: "a change in the second") { $0.ids() == ["c"] }
    }
  }

  @Test("a folder far above the file that is replaced is followed")
  func movedAncestor() async throws {
    let folder = folder
    try folder.makeFolder("current/x/y")
    try folder.write(nodes(["a": "one"]), to: "current/x/y/nodes.yaml")
    try folder.makeFolder("next/x/y")
    try folder.write(nodes(["b": "two"]), to: "next/x/y/nodes.yaml")
    try await run(folder.registry("current/x/y/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the first") { $0.ids() == ["a"] }
      try folder.rename("current", to: "old")
      try folder.rename("next", to: "current")
      try await recorder.wait(for: "the second") { $0.ids() == ["b"] }
    }
  }

  @Test("a pattern's files come and go, each a source of its own")
  func pattern() async throws {
    let folder = folder
    try await run(folder.registry("nodes.d/*.yaml")) { recorder in
      try await recorder.wait(for: "an empty snapshot") { $0.ids() == [] }
      #expect(recorder.now.isHealthy)
      try folder.makeFolder("nodes.d")
      try folder.write(nodes(["a": "one"]), to: "nodes.d/a.yaml")
      try await recorder.wait(for: "the first file") { $0.sources == ["a.yaml"] && $0.ids("a.yaml") == ["a"] }
      try folder.write(nodes(["a": "two", "b": "b"]), to: "nodes.d/b.yaml")
      try folder.write("no nodes", to: "nodes.d/ignored.txt")
      try await recorder.wait(for: "the second file") { $0.ids("b.yaml") == ["a", "b"] }
      #expect(recorder.now.sources == ["a.yaml", "b.yaml"])
      try folder.remove("nodes.d/a.yaml")
      try await recorder.wait(for: "a file's end") { $0.sources == ["b.yaml"] }
      #expect(recorder.now.isHealthy)
    }
  }

  @Test(
    "the first batch of a registry of many files has all of them, and what is wrong with them",
    arguments: [2, 64, 65])
  func manyFiles(count: Int) async throws {
    let folder = folder
    for number in 1..<count { try folder.write(nodes(["n\(number)": "x"]), to: "nodes-\(number).yaml") }
    try folder.write("nodes: {", to: "nodes-0.yaml")
    try await run(folder.registry("nodes-*.yaml")) { recorder in
      try await recorder.wait(for: "the sync") { !$0.batches.isEmpty }
      let first = recorder.now.batches[0]
      #expect(first.updates.count == (count > 64 ? 1 : count))
      let nodes = first.updates.flatMap { update -> [NodeIdentity] in
        if case .snapshot(let records, _, .deleted) = update { records.map(\.affiliate.nodeID) } else { [] }
      }
      #expect(Set(nodes).count == count - 1)
      let problem = first.reports.first { $0.aspect == .content }?.error
      #expect(problem?.message.hasPrefix("nodes-0.yaml:1:") == true)
    }
  }

  @Test("folders that match a pattern are followed too")
  func folderPattern() async throws {
    let folder = folder
    try folder.makeFolder("racks/r1")
    try folder.write(nodes(["a": "one"]), to: "racks/r1/nodes.yaml")
    try await run(folder.registry("racks/*/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the first rack") { $0.sources == ["r1_nodes.yaml"] }
      try folder.makeFolder("racks/r2")
      try folder.write(nodes(["b": "two"]), to: "racks/r2/nodes.yaml")
      try await recorder.wait(for: "the second rack") { $0.ids("r2_nodes.yaml") == ["b"] }
      try folder.remove("racks/r1")
      try await recorder.wait(for: "the first rack's end") { $0.sources == ["r2_nodes.yaml"] }
    }
  }
}
