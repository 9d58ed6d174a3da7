import ClusterModel
import RegistryTestSupport
import TestSupport
import Testing

@testable import StaticFileRegistry

/// Many changes at once.
@Suite struct StormTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("after any number of changes in quick succession what is known is what is there", arguments: 1...8)
  func storm(seed: UInt64) async throws {
    let folder = folder
    try await run(folder.registry("d/*.yaml", "d/sub/link.yaml")) { recorder in
      var generator = SeededGenerator(seed: seed)
      for round in 0..<6 {
        for step in 0..<25 {
          try? folder.disturb(text: nodes(["n\(step % 4)": "\(round)-\(step)"]), using: &generator)
        }
        let expected = try folder.truth()
        try await recorder.wait(for: "round \(round): \(expected)") { now in
          let truth = now.contents.flatMap { source, records in
            records.map { "\(source.name) \($0.key) \($0.value.affiliate.hostname)" }
          }
          return truth.sorted() == expected
        }
      }
    }
  }
}

extension TestFolder {
  /// Does one of the things that are done to files.
  fileprivate func disturb(text: String, using generator: inout SeededGenerator) throws {
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
