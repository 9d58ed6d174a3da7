import ClusterModel
import Foundation
import RegistryKit
import Testing

@testable import StaticFileRegistry

/// Real files, and no looking from time to time: what is seen has been heard from the system.
@Suite struct WatchTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("a file is told as one snapshot, and a change in place as what changed")
  func inPlace() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one", "b": "two", "c": "three"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "b", "c"] }
      try folder.write(nodes(["a": "one", "b": "TWO"]), to: "nodes.yaml")
      let told = try await recorder.wait(for: "the change") { $0.ids() == ["a", "b"] }
      #expect(told.hostname("b") == "TWO")
      guard case .update(.snapshot) = try #require(told.events.first) else {
        Issue.record("the first event is \(told.events[0])")
        return
      }
      let kinds = told.events.dropFirst().map { event in
        switch event {
        case .update(.upsert(let record, _)): "upsert \(record.affiliate.nodeID)"
        case .update(.remove(let id, _)): "remove \(id)"
        default: "\(event)"
        }
      }
      #expect(kinds == ["upsert b", "remove c"])
    }
  }

  @Test("a file that is replaced by renaming is seen, and its nodes are never gone meanwhile")
  func atomicRename() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      for round in 0..<5 {
        try folder.replace("nodes.yaml", with: nodes(["a": "round-\(round)"]))
        try await recorder.wait(for: "round \(round)") { $0.hostname("a") == "round-\(round)" }
      }
      #expect(!recorder.now.events.contains { if case .update(.remove) = $0 { true } else { false } })
      #expect(!recorder.now.events.contains { if case .degraded = $0 { true } else { false } })
    }
  }

  @Test("a config map's swap of the link to its data is seen")
  func configMap() async throws {
    let folder = folder
    try folder.makeFolder("mount/..2026_1")
    try folder.write(nodes(["a": "one"]), to: "mount/..2026_1/nodes.yaml")
    try folder.link("mount/..data", to: "..2026_1")
    try folder.link("mount/nodes.yaml", to: "..data/nodes.yaml")
    try await Recorder.run(folder.registry("mount/*.yaml")) { recorder in
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

  @Test("a missing file is told, and read when it comes")
  func missingFile() async throws {
    let folder = folder
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.ids() == [])
      #expect(told.trouble?.code == .unavailable)
      #expect(
        told.trouble?.message
          == "there is no file 'nodes.yaml' in '\(folder.path)'; it is read as soon as it is there")
      try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
      try await recorder.wait(for: "the file") { $0.ids() == ["a"] && $0.trouble == nil }
    }
  }

  @Test("a folder that is missing, made, removed and made again is followed")
  func missingFolder() async throws {
    let folder = folder
    try await Recorder.run(folder.registry("some/where/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      for round in 0..<3 {
        try folder.makeFolder("some/where")
        try folder.write(nodes(["a": "round-\(round)"]), to: "some/where/nodes.yaml")
        try await recorder.wait(for: "making \(round)") {
          $0.hostname("a") == "round-\(round)" && $0.trouble == nil
        }
        try folder.remove("some")
        try await recorder.wait(for: "removal \(round)") { $0.ids() == [] && $0.trouble != nil }
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
    try await Recorder.run(folder.registry("current/nodes.yaml")) { recorder in
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
    try await Recorder.run(folder.registry("current/x/y/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the first") { $0.ids() == ["a"] }
      try folder.rename("current", to: "old")
      try folder.rename("next", to: "current")
      try await recorder.wait(for: "the second") { $0.ids() == ["b"] }
    }
  }

  @Test("a file that is removed takes its nodes with it")
  func removal() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.remove("nodes.yaml")
      try await recorder.wait(for: "the removal") { $0.ids() == [] && $0.trouble?.code == .unavailable }
    }
  }

  @Test("a link to a file elsewhere is followed on both sides")
  func linkedFile() async throws {
    let folder = folder
    try folder.makeFolder("elsewhere")
    try folder.write(nodes(["a": "one"]), to: "elsewhere/real.yaml")
    try folder.write(nodes(["b": "two"]), to: "elsewhere/other.yaml")
    try folder.link("nodes.yaml", to: "\(folder.path)/elsewhere/real.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      try folder.replace("elsewhere/real.yaml", with: nodes(["a": "changed"]))
      try await recorder.wait(for: "the target's change") { $0.hostname("a") == "changed" }
      try folder.link("new-link", to: "elsewhere/other.yaml")
      try folder.rename("new-link", to: "nodes.yaml")
      try await recorder.wait(for: "the link's change") { $0.ids() == ["b"] }
    }
  }

  @Test("a pattern's files come and go, each a source of its own")
  func pattern() async throws {
    let folder = folder
    try await Recorder.run(folder.registry("nodes.d/*.yaml")) { recorder in
      try await recorder.wait(for: "an empty snapshot") { $0.ids() == [] }
      #expect(recorder.now.trouble == nil)
      try folder.makeFolder("nodes.d")
      try folder.write(nodes(["a": "one"]), to: "nodes.d/a.yaml")
      try await recorder.wait(for: "the first file") { $0.sources == ["a.yaml"] && $0.ids("a.yaml") == ["a"] }
      try folder.write(nodes(["a": "two", "b": "b"]), to: "nodes.d/b.yaml")
      try folder.write("no nodes", to: "nodes.d/ignored.txt")
      try await recorder.wait(for: "the second file") { $0.ids("b.yaml") == ["a", "b"] }
      #expect(recorder.now.sources == ["a.yaml", "b.yaml"])
      try folder.remove("nodes.d/a.yaml")
      try await recorder.wait(for: "a file's end") { $0.sources == ["b.yaml"] }
      #expect(recorder.now.trouble == nil)
    }
  }

  @Test(
    "a registry of many files is in sync when all are told, and what is wrong with them",
    arguments: [2, 63, 64])
  func manyFiles(count: Int) async throws {
    let folder = folder
    for number in 1..<count { try folder.write(nodes(["n\(number)": "x"]), to: "nodes-\(number).yaml") }
    try folder.write("nodes: {", to: "nodes-0.yaml")
    try await Recorder.run(folder.registry("nodes-*.yaml")) { recorder in
      let told = try await recorder.wait(for: "the sync") { $0.atSync != nil }
      var atSync = Told()
      for event in told.atSync ?? [] { atSync.take(event) }
      #expect(Set(atSync.contents.values.flatMap { $0.keys }).count == count - 1)
      #expect(atSync.contents.count == (count > 63 ? 1 : count))
      #expect(atSync.trouble?.message.hasPrefix("nodes-0.yaml:1:") == true)
      let updates = (told.atSync ?? []).filter { if case .update = $0 { true } else { false } }
      guard case .sources(let named) = told.events.first, case .update(.snapshot) = updates.first else {
        Issue.record("the first events are \(told.events.prefix(2))")
        return
      }
      #expect(named.count <= RegistrySource.maximumCount)
    }
  }

  @Test("folders that match a pattern are followed too")
  func folderPattern() async throws {
    let folder = folder
    try folder.makeFolder("racks/r1")
    try folder.write(nodes(["a": "one"]), to: "racks/r1/nodes.yaml")
    try await Recorder.run(folder.registry("racks/*/nodes.yaml")) { recorder in
      try await recorder.wait(for: "the first rack") { $0.sources == ["r1_nodes.yaml"] }
      try folder.makeFolder("racks/r2")
      try folder.write(nodes(["b": "two"]), to: "racks/r2/nodes.yaml")
      try await recorder.wait(for: "the second rack") { $0.ids("r2_nodes.yaml") == ["b"] }
      try folder.remove("racks/r1")
      try await recorder.wait(for: "the first rack's end") { $0.sources == ["r2_nodes.yaml"] }
    }
  }

  @Test("a file that no longer parses keeps its content and tells the place, until it is mended")
  func syntaxError() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.replace("nodes.yaml", with: "nodes:\n  - nodeId: a\n   hostname: x\n")
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.trouble?.message.hasPrefix("nodes.yaml:3:4: ") == true)
      #expect(told.hostname("a") == "one")
      try folder.replace("nodes.yaml", with: nodes(["a": "mended"]))
      try await recorder.wait(for: "the mending") { $0.trouble == nil && $0.hostname("a") == "mended" }
    }
  }

  @Test("a node that goes bad keeps what was good of it, and the others change")
  func badNode() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one", "b": "two"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "b"] }
      try folder.replace(
        "nodes.yaml",
        with: "nodes:\n  - {nodeId: a, hostname: x, addresses: [nowhere]}\n  - {nodeId: b, hostname: new}\n")
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.hostname("a") == "one")
      #expect(told.hostname("b") == "new")
      #expect(
        told.trouble?.message
          == "nodes.yaml:2:42: node 'a': addresses: 'nowhere' isn't an IP address such as 10.5.0.2 or fd00::2"
      )
    }
  }

  @Test("a file behind links that lead nowhere keeps its previous content")
  func linkLoop() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.link("loop", to: "nodes.yaml")
      try folder.rename("loop", to: "nodes.yaml")
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.ids() == ["a"])
      #expect(told.trouble?.message.contains("can't be read: Too many levels of symbolic links") == true)
      try folder.replace("nodes.yaml", with: nodes(["a": "two"]))
      try await recorder.wait(for: "the mending") { $0.trouble == nil && $0.hostname("a") == "two" }
    }
  }

  @Test("a file that is touched or written anew with the same content changes nothing")
  func touch() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml", "later.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids("nodes.yaml") == ["a"] }
      try folder.replace("nodes.yaml", with: nodes(["a": "one"]))
      try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
      try folder.write(nodes(["b": "two"]), to: "later.yaml")
      let told = try await recorder.wait(for: "the later file") { $0.ids("later.yaml") == ["b"] }
      let updates = told.events.filter {
        switch $0 {
        case .update(.snapshot(_, let source)), .update(.upsert(_, let source)),
          .update(.remove(_, let source)):
          source.name == "nodes.yaml"
        default: false
        }
      }
      #expect(updates.count == 1)
    }
  }

  @Test("this node isn't told of")
  func localNode() async throws {
    let folder = folder
    try folder.write(nodes(["me": "here", "other": "there"]), to: "nodes.yaml")
    try await Recorder.run(folder.registry("nodes.yaml", localNodeID: "me")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["other"] }
    }
  }

  @Test("without inotify files are looked at from time to time")
  func polling() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml", pollInterval: "100ms") {
      $0.makeWatch = { _ in FolderWatch(failure: "inotify isn't to be had (in this test)") }
    }
    try await Recorder.run(registry) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      // As long as before, and within one step of the file system's time: only the content tells.
      try folder.write(nodes(["a": "two"]), to: "nodes.yaml")
      try await recorder.wait(for: "the change") { $0.hostname("a") == "two" }
      try folder.remove("nodes.yaml")
      try await recorder.wait(for: "the removal") { $0.ids() == [] }
    }
  }

  @Test("a registry can be run again after it was cancelled")
  func again() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml")
    for _ in 0..<3 {
      try await Recorder.run(registry) { recorder in
        try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      }
    }
  }

  @Test("an update that is refused ends the run with the refusal")
  func refusal() async throws {
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml")
    await #expect(throws: RegistryError(.limitExceeded, "too many")) {
      try await registry.run(
        updates: RegistryUpdates { (_) throws(RegistryError) in
          throw RegistryError(.limitExceeded, "too many")
        })
    }
  }

  @Test("a file system that doesn't answer is told of, and so is its recovery")
  func hanging() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let release = DispatchSemaphore(value: 0)
    let registry = try folder.registry("nodes.yaml") {
      $0.slowAfter = .milliseconds(50)
      $0.beforeLook = {
        release.wait()
        release.signal()
      }
    }
    try await Recorder.run(registry) { recorder in
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.ids() == nil)
      #expect(told.trouble?.code == .unavailable)
      #expect(told.trouble?.message.hasSuffix("a file system doesn't answer") == true)
      release.signal()
      try await recorder.wait(for: "the recovery") { $0.ids() == ["a"] && $0.trouble == nil }
    }
  }

  @Test("a registry whose file system hangs can be cancelled all the same")
  func cancelHanging() async throws {
    let release = DispatchSemaphore(value: 0)
    defer { release.signal() }
    let registry = try folder.registry("nodes.yaml") {
      $0.slowAfter = .milliseconds(10)
      $0.beforeLook = { release.wait() }
    }
    try await Recorder.run(registry) { recorder in
      try await recorder.wait(for: "the trouble") { $0.trouble != nil }
    }
  }

  @Test("after any number of changes in quick succession what is told is what is there", arguments: 1...8)
  func storm(seed: UInt64) async throws {
    let folder = folder
    try await Recorder.run(folder.registry("d/*.yaml", "d/sub/link.yaml")) { recorder in
      var generator = SmallGenerator(state: seed)
      for round in 0..<6 {
        for step in 0..<25 {
          try? folder.disturb(text: nodes(["n\(step % 4)": "\(round)-\(step)"]), using: &generator)
        }
        let expected = try folder.truth()
        try await recorder.wait(for: "round \(round): \(expected)") { told in
          let truth = told.contents.flatMap { source, records in
            records.map { "\(source.name) \($0.key) \($0.value.affiliate.hostname)" }
          }
          return truth.sorted() == expected
        }
      }
    }
  }
}

/// Random numbers that are the same for the same seed.
private struct SmallGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
  }
}

extension TestFolder {
  /// Does one of the things that are done to files.
  fileprivate func disturb(text: String, using generator: inout SmallGenerator) throws {
    let name = "d/\(["a", "b", "c"].randomElement(using: &generator) ?? "a").yaml"
    switch Int.random(in: 0..<10, using: &generator) {
    case 0, 1: try write(text, to: name)
    case 2, 3: try replace(name, with: text)
    case 4: try remove(name)
    case 5: try remove("d")
    case 6, 7: try makeFolder("d/sub")
    case 8:
      try link("link-\(text.hashValue)", to: "../a.yaml")
      try rename("link-\(text.hashValue)", to: "d/sub/link.yaml")
    default: try rename("d", to: "old-\(text.hashValue)")
    }
  }

  /// What a registry that is made now finds.
  fileprivate func truth() throws -> [String] {
    let paths = [try PathPattern("d/*.yaml"), try PathPattern("d/sub/link.yaml")]
    let scanner = Scanner(paths: paths, base: path, watch: FolderWatch(failure: "none")) {
      Timestamp(milliseconds: 0)
    }
    var files = KnownFiles()
    _ = files.take(scanner.scan(known: [:]))
    return SourcePlan(paths).contents(of: files).contents.flatMap { source, records in
      records.map { "\(source.name) \($0.key) \($0.value.affiliate.hostname)" }
    }.sorted()
  }
}
