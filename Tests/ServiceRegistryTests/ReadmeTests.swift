import Documents
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("The README")
struct ReadmeTests {
  static let path = "Plugins/Service/README.md"

  @Test("has configurations that make a registry")
  func configurations() throws {
    let blocks = try MarkdownBlock.all(in: Self.path)
    #expect(blocks.count == 3)
    for block in blocks {
      let stream = try YAML.parse(Array(block.text.utf8), file: block.description)
      let cluster = try #require(stream.documents.first?["cluster"])
      let section = try #require(cluster["discovery"]?["registries"]?["service"])
      let options = try ServiceOptions(json: YAML.json(of: section))
      var context = try TestSettings.context()
      context.clusterID = cluster["id"]?.string
      context.clusterSecret = cluster["secret"]?.string
      _ = try ServiceRegistry(options: options, context: context)
    }
  }

  @Test("has the sections of every plugin, and every option as it is declared")
  func sections() throws {
    let url = BuiltProducts.checkout.appendingPathComponent(Self.path)
    let text = try String(contentsOf: url, encoding: .utf8)
    let sections = text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
    #expect(sections == ["Name", "Description", "Configuration", "Metrics", "Examples"])
    let table = ServiceOptions.options.schema.markdownTable
    #expect(text.contains("## Configuration\n\n\(table)\n"), "\(table)")
  }
}
