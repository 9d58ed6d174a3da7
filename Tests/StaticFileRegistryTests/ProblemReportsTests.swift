import Documents
import Inventories
import RegistryKit
import RegistryTestSupport
import Testing

@testable import StaticFileRegistry

@Suite struct ProblemReportsTests {
  private func errors(_ numbers: some Sequence<Int>) -> [RegistryError] {
    numbers.map { RegistryError(.invalidArgument, "problem \($0)") }
  }

  @Test("a report names the first ten problems and counts the others, and is made once")
  func bounded() throws {
    let recorder = SessionRecorder()
    var reports = ProblemReports(
      logger: recorder.logger, recoveries: [.content: "all of the files is good again"])
    #expect(reports.report(.content, []) == HealthReport(.content, nil))
    #expect(reports.report(.content, []) == nil)
    let expected = (1...10).map { "problem \($0); " }.joined() + "and 15 more"
    #expect(
      reports.report(.content, errors(1...25))
        == HealthReport(.content, RegistryError(.invalidArgument, expected)))
    #expect(reports.report(.content, errors(1...25)) == nil)
    #expect(reports.report(.content, []) == HealthReport(.content, nil))
    #expect(
      recorder.now.log == (1...10).map { "warning: problem \($0)" } + [
        "warning: and 15 more problems", "info: all of the files is good again",
      ])
  }

  @Test("a problem is logged once, whatever comes up or ends beside it")
  func once() {
    let recorder = SessionRecorder()
    var reports = ProblemReports(
      logger: recorder.logger, recoveries: [.content: "all of the files is good again"])
    for numbers in [[1], [2, 1], [1]] { _ = reports.report(.reading, errors(numbers)) }
    #expect(recorder.now.log == ["warning: problem 1", "warning: problem 2"])
  }

  @Test("a million bad nodes are counted, not kept")
  func manyProblems() throws {
    let text = "nodes:\n" + String(repeating: "- {}\n", count: 5000)
    let reading = try Inventory.read(Array(text.utf8), name: "f")
    #expect(reading.problems.count == 5000)
    #expect(reading.problems.kept.count == ProblemList.maximumKept)
  }
}
