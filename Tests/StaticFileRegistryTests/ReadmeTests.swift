import ClusterModel
import Documents
import Foundation
import Inventories
import RegistryKit
import TestSupport
import Testing

@testable import StaticFileRegistry

@Suite struct ReadmeTests {
  static let path = "Plugins/StaticFile/README.md"

  @Test("every example of nodes in the README is read without a problem")
  func nodes() throws {
    let blocks = try MarkdownBlock.all(in: Self.path).filter { !$0.text.hasPrefix("# rollcall.yaml") }
    #expect(blocks.count == 6)
    var ids: Set<String> = []
    for block in blocks {
      let reading = try Inventory.read(Array(block.text.utf8), name: block.description)
      #expect(reading.problems.kept == [])
      #expect(reading.notes.kept == [])
      ids.formUnion(reading.nodes.keys.map(\.nodeID.text))
    }
    #expect(
      ids.sorted() == [
        "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd", "asset-1093", "rack-2", "rack-3", "rack-4", "worker-1",
        "worker-2", "worker-3",
      ])
  }

  @Test("every configuration in the README makes a registry")
  func configurations() throws {
    let blocks = try MarkdownBlock.all(in: Self.path).filter { $0.text.hasPrefix("# rollcall.yaml") }
    #expect(blocks.count == 2)
    for block in blocks {
      let stream = try YAML.parse(Array(block.text.utf8), file: block.description)
      let rack = try #require(stream.documents.first?["cluster"]?["discovery"]?["registries"]?["rack"])
      #expect(rack["plugin"]?.string == StaticFileRegistry.descriptor.name)
      let options = (rack.pairs ?? []).filter { $0.key != "plugin" }.map { ($0.key, $0.value) }
      _ = try StaticFileSettings(StaticFileOptions(json: YAML.json(of: .mapping(options))))
    }
  }

  @Test("the README has the sections of every plugin, and every option")
  func sections() throws {
    let url = BuiltProducts.checkout.appendingPathComponent(Self.path)
    let text = try String(contentsOf: url, encoding: .utf8)
    let sections = text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
    #expect(sections == ["Name", "Description", "Configuration", "Metrics", "Examples"])
    let table = StaticFileOptions.options.schema.markdownTable
    #expect(text.contains("\n\n\(table)\n"), "the table should be:\n\(table)")
  }
}
