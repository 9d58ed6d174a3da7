import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// The service where no file descriptor is free for another connection.
@Suite("The service without free descriptors", .timeLimit(.minutes(2)))
struct ServiceDescriptorTests {
  @Test("accepts nobody without spinning, counts it, and goes on when descriptors are free again")
  func exhausted() async throws {
    let cluster = try await ProcessCluster()
    let pages = try LoopbackPort.free()
    let service = try await cluster.serve(["--landing-addr", "127.0.0.1:\(pages)"])
    let one = try cluster.node("one")
    try await eventually("it is published") { try await cluster.observed() == ["one"] }
    let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(service.processID)/fd").count
    try await limit(service, to: used)
    let group = MultiThreadedEventLoopGroup.singleton
    var waiting: [any Channel] = []
    for _ in 0..<40 {
      // The system's queue takes them, the service doesn't.
      waiting.append(
        try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: cluster.port).get())
    }
    let before = try processorTime(service)
    let start = ContinuousClock.now
    try await eventually("two seconds have passed") { ContinuousClock.now - start > .seconds(2) }
    #expect(try processorTime(service) - before < 0.5)
    #expect(service.isRunning && one.isRunning)
    for channel in waiting { try await channel.close() }
    try await limit(service, to: 4096)
    try await eventually("others get in again") { try await cluster.observed() == ["one"] }
    let metrics = try await Tool.run("curl", ["-sf", "http://127.0.0.1:\(pages)/metrics"])
    #expect(
      metrics.output.split(separator: "\n").contains {
        $0.contains("descriptors") && !$0.hasSuffix(" 0") && !$0.hasPrefix("#")
      }, "\(metrics.output.prefix(3000))")
  }

  /// Sets how many descriptors the process may have, as a person may at any time.
  private func limit(_ process: ChildProcess, to count: Int) async throws {
    let result = try await Tool.run("prlimit", ["--pid", "\(process.processID)", "--nofile=\(count):"])
    try #require(result.status == 0, "\(result.output)")
  }

  /// Seconds of processor time that it has used.
  private func processorTime(_ process: ChildProcess) throws -> Double {
    let fields = try contents("/proc/\(process.processID)/stat").split(separator: ")").last?.split(
      separator: " ")
    let ticks = try #require(fields.map { (Int($0[11]) ?? 0) + (Int($0[12]) ?? 0) })
    return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
