import Testing

@testable import StaticFileRegistry

/// Files in which machines have no identities.
@Suite struct FormatTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("a hosts file is read, and a line that goes takes its machine with it")
  func hosts() async throws {
    let folder = folder
    try folder.write("127.0.0.1 localhost\n10.0.0.1 w-1\n10.0.0.2 w-2\n", to: "hosts")
    try await run(folder.registry("hosts")) { recorder in
      let record = try await recorder.wait(for: "the snapshot") { $0.ids() == ["w-1", "w-2"] }
      #expect(record.isHealthy)
      #expect(record.hostname("w-1") == "w-1")
      try folder.replace("hosts", with: "127.0.0.1 localhost\n10.0.0.2 w-2\n")
      try await recorder.wait(for: "the change") { $0.ids() == ["w-2"] }
      try folder.replace("hosts", with: "10.0.0.2 w-2\n10.0.0.300 w-1\n")
      let changed = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(changed.ids() == ["w-2"])
      #expect(
        changed.error(.content)?.message.hasPrefix("hosts:2:1: '10.0.0.300' isn't an IP address") == true)
    }
  }

  @Test("files of several forms are read side by side")
  func several() async throws {
    let folder = folder
    try folder.write("all: {hosts: {w-1: {ansible_host: 10.0.0.1}}}\n", to: "a.yaml")
    try folder.write(#"[{"targets": ["w-2:9100"]}]"#, to: "b.yaml")
    try folder.write("hostname,address\nw-3,10.0.0.3\n", to: "c.yaml")
    try await run(folder.registry("*.yaml")) { recorder in
      try await recorder.wait(for: "all of them") { record in
        ["a.yaml", "b.yaml", "c.yaml"].allSatisfy { record.ids($0)?.count == 1 }
      }
    }
  }

  @Test("this node by a local id isn't left out as its identity is, even if that is the same text")
  func ownLocalID() async throws {
    let folder = folder
    try folder.write("- {hostname: me, addresses: [10.0.0.1]}\n- nodeId: other\n", to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml"), localNodeID: "me") { recorder in
      try await recorder.wait(for: "both") { $0.ids() == ["me", "other"] }
    }
  }
}
