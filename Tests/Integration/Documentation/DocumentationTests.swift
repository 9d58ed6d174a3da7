import ClusterModel
import Foundation
import TestSupport
import Testing

/// Every file that a person reads.
private let documents: [String] = {
  let checkout = BuiltProducts.checkout
  var files = ["README.md", "CONTRIBUTING.md"]
  for folder in ["Docs", "Plugins"] {
    let names = FileManager.default.enumerator(atPath: checkout.appendingPathComponent(folder).path)
    for case let name as String in names ?? .init() where name.hasSuffix(".md") && !name.contains(".build") {
      files.append("\(folder)/\(name)")
    }
  }
  return files.sorted()
}()

private func blocks(_ language: String) throws -> [MarkdownBlock] {
  try documents.flatMap { try MarkdownBlock.all(in: $0) }.filter { $0.language == language }
}

@Suite("The documentation")
struct DocumentationTests {
  @Test("the packages that the README names are of this version")
  func packages() throws {
    let text = try contents(BuiltProducts.checkout.appendingPathComponent("README.md").path)
    let named = text.matches(of: #/rollcall[_-](?<version>[0-9][0-9.]*[0-9])[_-]/#).map { String($0.version) }
    #expect(named.count >= 3 && Set(named) == [RollcallVersion.current], "\(named)")
  }

  /// What a block says it is decides how it is tested; what nobody tests must not be written.
  @Test("has only blocks that are tested")
  func languages() throws {
    let tested: Set = ["yaml", "console", "swift", "c"]
    for document in documents {
      // A plugin's own tests run what its README shows of its own formats, the Kubernetes plugin's apply the
      // guide's manifests with kubectl, and the service's guide has tests of its own.
      let more: Set<String> =
        switch document {
        case "Docs/Kubernetes.md": ["sh"]
        case "Docs/Discovery-service.md": ["sh", "text"]
        // The exec plugin's tests run its programs, and compare its lines with the schema.
        case "Docs/Registry-protocol.md": ["sh", "python", "json"]
        default: document.hasPrefix("Plugins/") ? ["json"] : []
        }
      for block in try MarkdownBlock.all(in: document) {
        #expect(tested.union(more).contains(block.language), "\(block) is '\(block.language)'")
      }
    }
  }

  @Test("has configurations that pass the check")
  func configurations() async throws {
    var checked = 0
    for block in try blocks("yaml") where block.isConfiguration {
      let folder = try TemporaryFolder()
      let file = try folder.write(block.text, to: "rollcall.yaml")
      try folder.write(
        "I24zU+UBl6wPUFIVktgJcldr44lWjeuFl+yfQDUNOCM=\n", to: "cluster.secret")
      let result = try await ChildProcess.run(BuiltProducts.rollcall, ["config", "check", file])
      #expect(result.status == 0, "\(block): \(result)")
      checked += 1
    }
    #expect(checked >= 4)
  }

  @Test("has commands that print what it says")
  func commands() async throws {
    var checked = 0
    for block in try blocks("console") {
      for step in block.steps {
        let result = try await step.run()
        #expect(step.accepts(result.output + result.errors), "\(block): \(step.command)\n\(result)")
        checked += 1
      }
    }
    #expect(checked >= 1)
  }

  @Test("has code that stands in the examples, which are built and run", arguments: ["swift", "c"])
  func code(language: String) throws {
    let sources = try exampleSources(endingWith: language == "swift" ? [".swift"] : [".c", ".h"])
    for block in try blocks(language) {
      let wanted = normalized(block.text)
      #expect(sources.contains { $0.contains(wanted) }, "\(block) stands in no example")
    }
  }

  @Test("names only files and folders that exist")
  func links() throws {
    let link = /\]\((?<target>[^)#\s]+)(#[^)]*)?\)/
    for document in documents {
      let folder = BuiltProducts.checkout.appendingPathComponent(document).deletingLastPathComponent()
      let text = try String(
        contentsOf: BuiltProducts.checkout.appendingPathComponent(document), encoding: .utf8)
      for match in text.matches(of: link) where !match.target.hasPrefix("http") {
        let target = folder.appendingPathComponent(String(match.target)).standardizedFileURL.path
        #expect(FileManager.default.fileExists(atPath: target), "\(document) points to \(match.target)")
      }
    }
  }

  @Test("names only make targets that exist")
  func makeTargets() throws {
    let makefile = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent("Makefile"), encoding: .utf8)
    let targets = Set(makefile.matches(of: /(?m)^([a-z-]+):/).map { String($0.1) })
    for document in documents {
      let text = try String(
        contentsOf: BuiltProducts.checkout.appendingPathComponent(document), encoding: .utf8)
      for match in text.matches(of: /(?:`|    )make ([a-z-]+)/) {
        #expect(targets.contains(String(match.1)), "\(document) says make \(match.1)")
      }
    }
  }

  private func exampleSources(endingWith endings: [String]) throws -> [String] {
    let checkout = BuiltProducts.checkout
    var sources: [String] = []
    for folder in ["Docs/Examples", "Sources/CRegistryPlugin/include", "Plugins"] {
      let names = FileManager.default.enumerator(atPath: checkout.appendingPathComponent(folder).path)
      for case let name as String in names ?? .init() {
        guard endings.contains(where: name.hasSuffix), !name.contains(".build") else { continue }
        let file = checkout.appendingPathComponent(folder).appendingPathComponent(name)
        sources.append(normalized(try String(contentsOf: file, encoding: .utf8)))
      }
    }
    return sources
  }

  /// Lines without what stands before them, so that a block may be indented differently than its source.
  private func normalized(_ text: String) -> String {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
      .joined(separator: "\n")
  }
}
