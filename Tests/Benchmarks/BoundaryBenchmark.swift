import BenchmarkTable
import ClusterModel
import FoundationEssentials
import Logging
import PluginHost
import RegistryKit
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// What it costs to bring 100,000 affiliates across the boundary of a real plugin.
enum BoundaryBenchmark {
  /// The reach: microseconds for each affiliate.
  static let target = 1.5
  static let nodeCount = 100_000

  /// One figure: a name, and microseconds for each affiliate.
  struct Figure {
    let name: String
    let microseconds: Double
  }

  enum Failure: Error { case cannotCompile, nothingTold }

  /// The best of five runs: a snapshot, each node by itself in C, and the same from a registry in Swift,
  /// which has to write it out first.
  static func run() async throws -> [Figure] {
    let plugin = try await load()
    var best: [String: Double] = [:]
    for _ in 0..<5 {
      let (snapshot, upserts) = try await measure(plugin)
      best["100,000 affiliates in a snapshot", default: .infinity].keepLess(snapshot)
      best["100,000 affiliates one by one", default: .infinity].keepLess(upserts)
      best["100,000 affiliates, from Swift to Swift", default: .infinity].keepLess(try await measureExport())
    }
    return best.sorted { $0.key < $1.key }.map { Figure(name: $0.key, microseconds: $0.value) }
  }

  static let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }

  /// Compiles and loads the plugin in Tests/Support/ABI/many.c.
  private static func load() async throws -> LoadedPlugin {
    let output = try compile(nodes: nodeCount, to: "librollcall-many.so")
    return try await PluginCatalog(directories: PluginDirectories(folders: []), logger: logger).plugin(
      at: output)
  }

  /// Compiles that plugin with so many nodes, to a file of that name, and returns its path.
  static func compile(nodes: Int, to file: String) throws -> String {
    let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let folder = "/\(package)/.build/benchmarks"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let output = "\(folder)/\(file)"
    let arguments = [
      "clang", "-shared", "-fPIC", "-O2", "-DNODES=\(nodes)", "-I",
      "/\(package)/Sources/CRegistryPlugin/include", "-o", output, "/\(package)/Tests/Support/ABI/many.c",
    ]
    var process = pid_t()
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var status: Int32 = 1
    guard posix_spawnp(&process, "clang", nil, nil, &words, environ) == 0,
      waitpid(process, &status, 0) == process, status == 0
    else { throw Failure.cannotCompile }
    return output
  }

  /// When the run began, the snapshot came, and the last change came.
  private static func measure(_ plugin: LoadedPlugin) async throws -> (snapshot: Double, upserts: Double) {
    try await measure(plugin.registry(context: RegistryContext(name: "many", logger: logger)))
  }

  /// Microseconds for each affiliate of a registry of that plugin: in its snapshot, with its start, and one by one.
  static func measure(
    _ registry: any Registry, whileRunning: @escaping @Sendable () -> Void = {}
  ) async throws -> (snapshot: Double, upserts: Double) {
    let times = try await times(of: registry, until: nodeCount + 1, whileRunning: whileRunning)
    return (microseconds(times.start, times.first), microseconds(times.first, times.last))
  }

  private static func measureExport() async throws -> Double {
    let plugin = try LoadedPlugin(entry: .exporting(Many.self), file: "many")
    let times = try await times(
      of: plugin.registry(context: RegistryContext(name: "many", logger: logger)), until: 1)
    return microseconds(Many.began.withLock { $0 } ?? times.start, times.first)
  }

  private static func microseconds(_ from: ContinuousClock.Instant, _ to: ContinuousClock.Instant) -> Double {
    Double((to - from) / .microseconds(1)) / Double(nodeCount)
  }

  private struct Times: Sendable {
    var start: ContinuousClock.Instant
    var first: ContinuousClock.Instant
    var last: ContinuousClock.Instant
    var count = 0
  }

  private static func times(
    of registry: any Registry, until count: Int, whileRunning: @escaping @Sendable () -> Void = {}
  ) async throws -> Times {
    let start = ContinuousClock.now
    let times = Mutex(Times(start: start, first: start, last: start))
    let (done, finish) = AsyncStream.makeStream(of: Void.self)
    let session = RegistrySession(context: RegistryContext(name: "many", logger: logger)) {
      _ throws(RegistryError) in
      times.withLock { times in
        times.count += 1
        if times.count == 1 { times.first = .now }
        if times.count == count {
          times.last = .now
          finish.finish()
        }
      }
    }
    let run = Task { try await registry.run(session) }
    for await _ in done {}
    whileRunning()
    run.cancel()
    _ = await run.result
    return times.withLock { $0 }
  }

  /// A registry in Swift with as many nodes.
  private struct Many: RegistryPlugin {
    typealias Options = NoOptions
    static let descriptor = RegistryDescriptor(name: "many-swift", version: "1", summary: "Many nodes")
    static let began = Mutex<ContinuousClock.Instant?>(nil)
    static let nodes = Mutex<[AffiliateRecord]>([])

    init(options: NoOptions, context: RegistryContext) throws {
      guard Self.nodes.withLock({ $0.isEmpty }) else { return }
      let nodes = try (0..<nodeCount).map { index in
        AffiliateRecord(
          Affiliate(
            nodeID: try NodeIdentity("\(index)-Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yza"),
            addresses: [IPAddress(v4: UInt32(index)), IPAddress(v6High: 1, low: UInt64(index))],
            hostname: "rack-worker-number-\(index)", nodename: "rack-worker-number-\(index)",
            operatingSystem: "Debian GNU/Linux 12 (bookworm)", machineType: .worker))
      }
      Self.nodes.withLock { $0 = nodes }
    }

    func run(_ session: RegistrySession) async throws {
      let nodes = Self.nodes.withLock { $0 }
      Self.began.withLock { $0 = .now }
      try session.snapshot(nodes)
      try await Task.sleep(for: .seconds(3600))
    }
  }
}

extension Double {
  fileprivate mutating func keepLess(_ other: Double) { self = min(self, other) }
}

/// The rows of ``BoundaryBenchmark``.
func boundaryBenchmark() async throws -> [BenchmarkRow] {
  try await BoundaryBenchmark.run().map { figure in
    BenchmarkRow(
      name: figure.name, measured: "\((figure.microseconds * 100).rounded() / 100) us an affiliate",
      target: "<= \(BoundaryBenchmark.target) us")
  }
}
