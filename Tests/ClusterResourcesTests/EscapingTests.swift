import ClusterModel
import Testing

@testable import ClusterResources

/// Names come from outside, and a person reads them on a terminal.
@Suite("Every output escapes the same characters")
struct EscapingTests {
  /// All of the first planes' beginnings, all that are special anywhere, and some of the rest.
  private static let scalars: [Unicode.Scalar] = (0...0x10FFFF).compactMap { (value: UInt32) in
    guard let scalar = Unicode.Scalar(value) else { return nil }
    // Most of the rest are characters that don't exist yet, and all alike.
    let isSpecial =
      scalar.breaksLines && ![.unassigned, .privateUse].contains(scalar.properties.generalCategory)
    return value < 0x2100 || value % 997 == 0 || isSpecial ? scalar : nil
  }

  private struct Output: CustomTestStringConvertible {
    let testDescription: String
    let text: @Sendable (Resource) throws -> String

    init(_ name: String, format: String? = nil) {
      testDescription = name
      text = { resource in
        var printer = try OutputFormat(format ?? name).printer(of: .member)
        return try printer.text(of: [PrintedResource(resource)])
      }
    }
  }

  private static let outputs = [
    Output("table"), Output("yaml"), Output("json"), Output("ndjson"),
    Output("custom columns", format: "custom-columns=A:.spec.hostname,B:.spec"),
    Output("jsonpath", format: "jsonpath={.spec.hostname}"),
    Output("jsonpath of all", format: "jsonpath={.spec}"),
    Output("jsonpath template", format: "jsonpath=is {.spec.hostname} {.metadata}"),
  ]

  private func resource(_ text: String) throws -> Resource {
    let affiliate = Affiliate(
      nodeID: try NodeIdentity("n"), hostname: text, nodename: text, operatingSystem: text)
    let member = try #require(Member(affiliate))
    return Resource.member(
      member, version: 1, node: "here", created: Timestamp(milliseconds: 0),
      updated: Timestamp(milliseconds: 0))
  }

  @Test(
    "what a terminal may do something else with than show it is never written as it is",
    arguments: outputs.indices)
  func escaped(index: Int) throws {
    let output = Self.outputs[index]
    let special = Self.scalars.filter(\.breaksLines)
    #expect(special.count > 200)
    for scalar in special {
      let text = try output.text(try resource("left\(scalar)right"))
      // A line break is the output's own.
      let written = text.unicodeScalars.filter { $0 != "\n" && $0.breaksLines }
      #expect(written.isEmpty, "U+\(String(scalar.value, radix: 16)) in \(output.testDescription)")
      #expect(!text.contains("left\n") && !text.contains("\nright"), "\(output.testDescription): \(text)")
    }
  }

  @Test("every other character is written as it is", arguments: outputs.indices)
  func shown(index: Int) throws {
    let output = Self.outputs[index]
    let plain = Self.scalars.filter { !$0.breaksLines && !"\"\\'".unicodeScalars.contains($0) }
    let name = "x" + String(String.UnicodeScalarView(plain)) + "x"
    let text = try output.text(try resource(name))
    let missing = Set(plain).subtracting(text.unicodeScalars)
    #expect(missing.isEmpty, "\(output.testDescription)")
  }
}
