import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import ExecRegistry

@Suite struct ReadmeTests {
  private var text: String {
    get throws {
      try String(
        contentsOf: BuiltProducts.checkout.appendingPathComponent("Plugins/Exec/README.md"), encoding: .utf8)
    }
  }

  @Test("the README's table is that of the options")
  func table() throws {
    let table = ExecOptions.options.schema.markdownTable
    #expect(try text.contains("\n\n\(table)\n"), "the table should be:\n\(table)")
  }

  @Test("each option of the README's examples is one")
  func examples() throws {
    let names = Set(ExecOptions.options.schema.options.map(\.name))
    for line in try text.split(separator: "\n") where line.hasPrefix("        ") {
      guard let key = line.split(separator: ":").first?.trimmingPrefix(while: \.isWhitespace) else {
        continue
      }
      #expect(names.contains(String(key)) || key == "plugin", "\(line)")
    }
  }
}
