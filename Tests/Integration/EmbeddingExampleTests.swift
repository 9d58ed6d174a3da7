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
