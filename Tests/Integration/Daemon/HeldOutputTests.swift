import Foundation
import TestSupport
import Testing

@Suite("An output that waits", .timeLimit(.minutes(2)))
struct HeldOutputTests {
  @Test("a file that would lose most of its entries stays as it is, and status and the metrics tell why")
  func held() async throws {
    let folder = try TemporaryFolder()
    let list = { (count: Int) in nodes((1...count).map { ("id-\($0)", "n-\($0)", "10.0.0.\($0)") }) }
    try folder.write(list(10), to: "racks.yaml")
    try folder.write(
      """
      cluster: {discovery: {registries: {racks: {plugin: static-file, path: racks.yaml, debounce: 1ms}}}}
      node: {publish: false, hostname: watcher}
      outputs: {hosts: {format: hosts, path: hosts, debounce: 10ms}}
      """, to: "rollcall.yaml")
    let environment = ["ROLLCALL_SOCKET": folder.path("run.sock")]
    let daemon = try Command.start(["run", "--state", "state"], in: folder.path, environment: environment)
    let file = { (try? contents(folder.path("hosts"))) ?? "" }
    try await eventually("the file is written", within: .seconds(60)) { file().contains("\tn-10\n") }
    let before = file()
    let whole = try await Command.run("status", in: folder.path, environment: environment)
    #expect(whole.status == 0 && !whole.output.contains("output"), "\(whole)")

    try folder.replace("racks.yaml", with: list(4))
    var status: ChildProcess.Result?
    try await eventually("status tells of it", within: .seconds(60)) {
      status = try await Command.run("status", in: folder.path, environment: environment)
      return status?.output.contains("\noutput hosts: ") ?? false
    }
    #expect(status?.status == 0)
    let metrics = try await Command.run("get --raw /metrics", in: folder.path, environment: environment)
    #expect(
      metrics.output.contains("\nrollcall_output_held{output=\"hosts\",reason=\"shrink\"} 1\n"), "\(metrics)")
    #expect(file() == before)
    daemon.signal(SIGTERM)
    #expect(try await daemon.result().status == 0)
    #expect(file() == before)
  }
}
