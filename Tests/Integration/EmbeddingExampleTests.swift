import Foundation
import TestSupport
import Testing

@Suite("The example that embeds the aggregator")
struct EmbeddingExampleTests {
  private let package = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/Embedding")

  @Test("it is under ten lines")
  func short() throws {
    let source = try String(
      contentsOf: package.appendingPathComponent("Sources/WhoIsThere/main.swift"), encoding: .utf8)
    #expect(source.split(separator: "\n").count < 10)
  }

  @Test("what the guide names in its prose is in the code that is compiled")
  func prose() throws {
    let guide = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent("Docs/Embedding.md"), encoding: .utf8)
    var code = ""
    for file in ["WhoIsThere/main.swift", "AsDocumented/AsDocumented.swift"] {
      code += try String(contentsOf: package.appendingPathComponent("Sources/\(file)"), encoding: .utf8)
    }
    // Of packages that the example doesn't need.
    let others: Set<Substring> = ["Logger", "Service"]
    let prose = guide.replacing(/```[^`]*```/, with: "")
    let spans = prose.matches(of: /`([^`]+)`/).map(\.output.1)
    #expect(spans.count > 40)
    for span in spans {
      for name in span.matches(of: /[A-Za-z]+/).map(\.output) where !others.contains(name) {
        #expect(code.contains(name), "\(span): \(name)")
      }
    }
  }

  @Test("it builds from outside the package, runs and lists its member", .timeLimit(.minutes(20)))
  func runs() async throws {
    // Beside the tests' own build, and kept from one time to the next.
    let scratch = BuiltProducts.checkout.appendingPathComponent(".build/examples-embedding").path
    // A cached plan doesn't notice that a file of the project went or came.
    let build = try await ChildProcess.run(
      "swift",
      [
        "build", "--disable-build-manifest-caching", "--package-path", package.path, "--scratch-path",
        scratch,
      ], within: .seconds(1100))
    try #require(build.status == 0, "\(build)")
    // Lines as they come: what goes into a pipe is else kept back.
    let program = try ChildProcess("stdbuf", ["-oL", "\(scratch)/debug/WhoIsThere"])
    defer { program.signal(SIGTERM) }
    try await eventually("it lists its member") { program.outputSoFar.contains(#"["rack-1"]"#) }
  }
}
