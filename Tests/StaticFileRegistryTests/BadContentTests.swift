import Testing

@testable import StaticFileRegistry

/// Files whose content can't be used, or not all of it.
@Suite struct BadContentTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("a file that no longer parses keeps its content and is reported with the place, until it is mended")
  func syntaxError() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.replace("nodes.yaml", with: "nodes:\n  - nodeId: a\n   hostname: x\n")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.error(.content)?.message.hasPrefix("nodes.yaml:3:4: ") == true)
      #expect(record.hostname("a") == "one")
      try folder.replace("nodes.yaml", with: nodes(["a": "mended"]))
      try await recorder.wait(for: "the mending") { $0.isHealthy && $0.hostname("a") == "mended" }
    }
  }

  @Test("a node of which one item goes bad has all the others, as if it had never been otherwise")
  func badNode() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one", "b": "two"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "b"] }
      try folder.replace(
        "nodes.yaml",
        with: "nodes:\n  - {nodeId: a, hostname: x, addresses: [nowhere]}\n  - {nodeId: b, hostname: new}\n")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.hostname("a") == "x")
      #expect(record.affiliate("a")?.addresses == [])
      #expect(record.hostname("b") == "new")
      #expect(record.error(.reading) == nil)
      #expect(
        record.error(.content)?.message
          == "nodes.yaml:2:42: node 'a': addresses[0]: 'nowhere' isn't an IP address such as 10.5.0.2 or fd00::2"
      )
    }
  }

  @Test("a file behind links that lead nowhere keeps its previous content")
  func linkLoop() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.link("loop", to: "nodes.yaml")
      try folder.rename("loop", to: "nodes.yaml")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == ["a"])
      #expect(
        record.error(.reading)?.message.contains("can't be read: Too many levels of symbolic links") == true)
      try folder.replace("nodes.yaml", with: nodes(["a": "two"]))
      try await recorder.wait(for: "the mending") { $0.isHealthy && $0.hostname("a") == "two" }
    }
  }
}
