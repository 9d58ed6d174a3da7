import Foundation
import TestSupport
import Testing

/// The rules and the dashboard in Docs/Examples.
@Suite struct AlertTests {
  private static let examples = BuiltProducts.checkout.appending(path: "Docs/Examples")

  private func text(_ name: String) throws -> String {
    try String(contentsOf: Self.examples.appending(path: name), encoding: .utf8)
  }

  private func names(_ key: String, in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      line.range(of: "\(key): ").map { String(line[$0.upperBound...]) }
    }
  }

  @Test(
    "each rule fires when it should, and not before",
    .enabled(if: Program.isThere("promtool"), Comment(rawValue: Program.hint)))
  func rules() async throws {
    let tested = try await Tool.run(
      "promtool", ["test", "rules", "alerts-test.yaml"], folder: Self.examples.path)
    #expect(tested.status == 0 && tested.output.contains("SUCCESS"), "\(tested)")
    // What it says where a rule is another one.
    let folder = try TemporaryFolder()
    try folder.write(try text("alerts.yaml").replacing("> 120", with: "> 1200"), to: "alerts.yaml")
    try folder.write(try text("alerts-test.yaml"), to: "alerts-test.yaml")
    let other = try await Tool.run("promtool", ["test", "rules", "alerts-test.yaml"], folder: folder.path)
    #expect(other.status != 0 && other.output.contains("RollcallMemberMissing"))
  }

  @Test("each of the sixteen rules has a test in which it fires, and a line in the documentation")
  func complete() throws {
    let rules = names("- alert", in: try text("alerts.yaml"))
    #expect(rules.count == 16 && Set(rules).count == 16)
    let tests = try text("alerts-test.yaml").components(separatedBy: "- eval_time: ").dropFirst()
    for rule in rules {
      let own = tests.filter { $0.contains("alertname: \(rule)\n") }
      #expect(
        own.contains { $0.contains("exp_labels") } && own.contains { $0.contains("exp_alerts: []") },
        "\(rule)")
    }
    let page = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Docs/Metrics.md"), encoding: .utf8)
    let documented = page.split(separator: "\n").filter { $0.hasPrefix("| Rollcall") }
      .map { $0.split(separator: "|")[0].trimmingCharacters(in: .whitespaces) }
    #expect(documented == rules)
  }

  @Test("rules and dashboard ask for families that there are")
  func families() throws {
    let page = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Docs/Metrics.md"), encoding: .utf8)
    let families = Set(
      page.split(separator: "\n").filter { $0.hasPrefix("| `rollcall_") }.map {
        String($0.split(separator: "`")[1])
      })
    for name in ["alerts.yaml", "dashboard.json"] {
      let used = try text(name).matches(of: /rollcall_[a-z_]+/).map { String($0.output) }
      #expect(!used.isEmpty)
      for family in used where !families.contains(family) {
        #expect(families.contains(family.replacing(/_(bucket|sum|count)$/, with: "")), "\(name): \(family)")
      }
    }
  }

  @Test(
    "the dashboard is JSON with panels of their own places, and promtool reads their expressions",
    .enabled(if: Program.isThere("promtool"), Comment(rawValue: Program.hint)))
  func dashboard() async throws {
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(text("dashboard.json").utf8)) as? [String: Any])
    let panels = try #require(root["panels"] as? [[String: Any]])
    #expect(panels.count >= 15 && Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
    var rules = "groups:\n  - name: dashboard\n    rules:\n"
    for (index, panel) in panels.enumerated() {
      for target in try #require(panel["targets"] as? [[String: Any]]) {
        let expression = try #require(target["expr"] as? String)
        rules +=
          "      - {record: 'panel:\(index):\(target["refId"] as? String ?? "")', expr: '\(expression)'}\n"
      }
    }
    let folder = try TemporaryFolder()
    try folder.write(rules, to: "rules.yaml")
    let result = try await Tool.run("promtool", ["check", "rules", folder.path("rules.yaml")])
    #expect(result.status == 0, "\(result)")
  }
}
