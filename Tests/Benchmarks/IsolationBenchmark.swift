import BenchmarkTable
import ClusterModel
import Foundation
import PluginHost
import RegistryKit
import RegistryProtocol
import Synchronization

/// What it costs that a plugin runs in a process of its own: the `rollcall` beside this program.
enum IsolationBenchmark {
  /// The reach: microseconds for each affiliate more than in this process, and megabytes for each registry.
  static let targets = (microseconds: 3.0, megabytes: 25.0)
  private static let nodeCount = BoundaryBenchmark.nodeCount

  static func run() async throws -> [BenchmarkRow] {
    let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let rollcall = folder.appendingPathComponent("rollcall").path
    guard FileManager.default.isExecutableFile(atPath: rollcall) else {
      return [BenchmarkRow(name: "isolated plugins", measured: "there is no \(rollcall)", target: "")]
    }
    let many = try BoundaryBenchmark.compile(nodes: nodeCount, to: "librollcall-many.so")
    let plugin = try await PluginCatalog(
      directories: PluginDirectories(folders: []), logger: BoundaryBenchmark.logger
    ).plugin(at: many)
    let context = RegistryContext(name: "many", logger: BoundaryBenchmark.logger)
    let isolated = try await IsolatedPlugin(named: many, launcher: launcher(rollcall))
    var (here, there) = (Double.infinity, Double.infinity)
    for _ in 0..<5 {
      here = min(here, try await BoundaryBenchmark.measure(plugin.registry(context: context)).upserts)
      there = min(
        there, try await BoundaryBenchmark.measure(isolated.registry(options: "{}", context: context)).upserts
      )
    }
    let codec = try codec()
    let memory = try await memory(rollcall, context)
    return [
      row(
        "100,000 affiliates one by one, isolated", there - here, "us an affiliate more", targets.microseconds),
      row("100,000 affiliates in a snapshot: to write", codec.write, "us an affiliate", targets.microseconds),
      row("100,000 affiliates in a snapshot: to read", codec.read, "us an affiliate", targets.microseconds),
      row("an isolated registry's own memory", memory.own, "MB", targets.megabytes),
      row("an isolated registry's share of all memory", memory.share, "MB", targets.megabytes),
    ]
  }

  private static func row(_ name: String, _ value: Double, _ unit: String, _ target: Double) -> BenchmarkRow {
    BenchmarkRow(name: name, measured: "\((value * 100).rounded() / 100) \(unit)", target: "<= \(target)")
  }

  private static func launcher(_ rollcall: String) -> PluginLauncher {
    PluginLauncher(command: [rollcall], directories: PluginDirectories(folders: []))
  }

  /// What it takes to write a snapshot in lines, and to read it, each on one thread.
  private static func codec() throws -> (write: Double, read: Double) {
    let records = try (0..<nodeCount).map { index in
      let addresses = [IPAddress(v4: UInt32(index)), IPAddress(v6High: 1, low: UInt64(index))]
      return AffiliateRecord(
        Affiliate(
          nodeID: try NodeIdentity("\(index)-Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yza"), addresses: addresses,
          hostname: "rack-worker-number-\(index)", nodename: "rack-worker-number-\(index)",
          operatingSystem: "Debian GNU/Linux 12 (bookworm)", machineType: .worker,
          kubeSpan: KubeSpanAffiliate(
            publicKey: "QDUG5clQTWa5IHBBGIVXNHTPoWSBYUhfvYyjwTcHdmc=", address: addresses[1],
            endpoints: addresses.map { IPEndpoint(address: $0, port: 51820) })))
    }
    let batch = RegistryBatch(updates: [.snapshot(records, source: .only)])
    var best = (write: Double.infinity, read: Double.infinity)
    for _ in 0..<5 {
      var lines: [[UInt8]] = []
      let start = ContinuousClock.now
      ProgramLineWriter.write(batch) { lines.append($0) }
      let written = ContinuousClock.now
      var splitter = ProtocolLines()
      var assembly = BatchAssembly()
      var result: RegistryBatch?
      let reader = ProgramLineReader(.plugin)
      for line in lines {
        try splitter.take(line[...]) { line in
          guard case .whole(let bytes) = line else { return }
          let read = try reader.read(bytes)
          result = try assembly.take(read.batch, continues: read.continues)
        }
      }
      let end = ContinuousClock.now
      precondition(result == batch)
      best.write = min(best.write, (written - start) / .microseconds(1) / Double(nodeCount))
      best.read = min(best.read, (end - written) / .microseconds(1) / Double(nodeCount))
    }
    return best
  }

  /// The memory of the process of a registry of few nodes: its own, and with its share of what it has in common.
  private static func memory(
    _ rollcall: String, _ context: RegistryContext
  ) async throws -> (own: Double, share: Double) {
    let few = try BoundaryBenchmark.compile(nodes: 1, to: "librollcall-few.so")
    let registry = try await IsolatedPlugin(named: few, launcher: launcher(rollcall))
      .registry(options: "{}", context: context)
    let (done, finish) = AsyncStream.makeStream(of: Void.self)
    let session = RegistrySession(context: context) { _ throws(RegistryError) in finish.finish() }
    let run = Task { try await registry.run(session) }
    for await _ in done {}
    let found = rollup(of: few)
    run.cancel()
    _ = await run.result
    return found
  }

  private static func rollup(of plugin: String) -> (own: Double, share: Double) {
    for number in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline"),
        String(decoding: line, as: UTF8.self).contains(plugin),
        let text = try? String(contentsOfFile: "/proc/\(number)/smaps_rollup", encoding: .utf8)
      else { continue }
      func megabytes(_ key: String) -> Double {
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return Double(line?.split(separator: " ").dropFirst().first ?? "0").map { $0 / 1024 } ?? 0
      }
      return (megabytes("Private_Dirty") + megabytes("Private_Clean"), megabytes("Pss"))
    }
    return (0, 0)
  }
}

/// The rows of ``IsolationBenchmark``.
func isolationBenchmark() async throws -> [BenchmarkRow] { try await IsolationBenchmark.run() }
