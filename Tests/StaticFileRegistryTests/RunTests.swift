import Dispatch
import RegistryKit
import RegistryTestSupport
import Testing

@testable import StaticFileRegistry

/// How a run begins, goes on without what it needs, and ends.
@Suite struct RunTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test("without inotify files are looked at from time to time")
  func polling() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml", pollInterval: .milliseconds(100)) {
      $0.makeWatch = { _ in FolderWatch(failure: "inotify isn't to be had (in this test)") }
    }
    try await run(registry) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      // As long as before, and within one step of the file system's time: only the content shows it.
      try folder.write(nodes(["a": "two"]), to: "nodes.yaml")
      try await recorder.wait(for: "the change") { $0.hostname("a") == "two" }
      try folder.remove("nodes.yaml")
      try await recorder.wait(for: "the removal") { $0.ids() == [] }
    }
  }

  @Test("a registry can be run again after it was cancelled")
  func again() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml")
    for _ in 0..<3 {
      try await run(registry) { recorder in
        try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      }
    }
  }

  @Test("an update that is refused ends the run with the refusal")
  func refusal() async throws {
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let registry = try folder.registry("nodes.yaml")
    let refusal = RegistryError(.limitExceeded, "too many")
    await #expect(throws: refusal) {
      try await SessionRecorder().run(registry, refusal: refusal) { try await Task.sleep(for: .seconds(30)) }
    }
  }

  @Test("a file system that doesn't answer is reported, and so is its recovery")
  func hanging() async throws {
    let folder = folder
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let release = DispatchSemaphore(value: 0)
    let registry = try folder.registry("nodes.yaml") {
      $0.slowAfter = .milliseconds(50)
      $0.beforeScan = {
        release.wait()
        release.signal()
      }
    }
    try await run(registry) { recorder in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == nil)
      #expect(record.error(.reading)?.code == .unavailable)
      #expect(record.error(.reading)?.message.hasSuffix("a file system doesn't answer") == true)
      release.signal()
      try await recorder.wait(for: "the recovery") { $0.ids() == ["a"] && $0.isHealthy }
    }
  }

  @Test("a registry whose file system hangs can be cancelled all the same")
  func cancelHanging() async throws {
    let release = DispatchSemaphore(value: 0)
    defer { release.signal() }
    let registry = try folder.registry("nodes.yaml") {
      $0.slowAfter = .milliseconds(10)
      $0.beforeScan = { release.wait() }
    }
    try await run(registry) { recorder in
      try await recorder.wait(for: "the report") { !$0.isHealthy }
    }
  }
}
