import Foundation
import TestSupport
import Testing

@Suite("What systemd is told", .timeLimit(.minutes(3)))
struct NotifyTests {
  @Test(
    "run says when it can be asked, when it reloads and that it did, and when it stops",
    arguments: [false, true])
  func daemon(isAbstract: Bool) async throws {
    let listener = try NotifyListener(isAbstract: isAbstract)
    let folder = try TemporaryFolder()
    try folder.write(
      "cluster: {discovery: {registries: {members: {plugin: static-file, path: members.yaml}}}}\nnode: {publish: false}\n",
      to: "rollcall.yaml")
    try folder.write("nodes: []\n", to: "members.yaml")
    let socket = folder.path("rollcall.sock")
    let process = try Command.start(
      ["run", "--state", "state", "--socket", socket], in: folder.path,
      environment: ["NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "3000000"])
    _ = try await listener.wait(for: "READY=1")
    let answer = try await Command.run(["get", "--raw", "/healthz", "--socket", socket])
    #expect(answer.status == 0, "\(answer)")
    _ = try await listener.wait(for: "WATCHDOG=1")
    process.signal(SIGHUP)
    let reloading = try await listener.wait(for: "RELOADING=1")
    #expect(reloading.contains(/\nMONOTONIC_USEC=[0-9]+$/))
    _ = try await listener.wait(for: "READY=1")
    process.signal(SIGTERM)
    _ = try await listener.wait(for: "STOPPING=1")
    #expect(try await process.result().status == 0)
  }

  @Test("serve says when it listens, that it goes on, and when it stops")
  func service() async throws {
    let listener = try NotifyListener()
    let process = try Command.start(
      ["serve", "--addr", "127.0.0.1:0", "--landing-addr", "", "--metrics-addr", ""],
      environment: ["NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "3000000"])
    let ready = try await listener.wait(for: "READY=1")
    #expect(ready.contains("STATUS=serves nodes on 127.0.0.1:"))
    _ = try await listener.wait(for: "WATCHDOG=1")
    process.signal(SIGTERM)
    _ = try await listener.wait(for: "STOPPING=1")
    #expect(try await process.result().status == 0)
  }
}
