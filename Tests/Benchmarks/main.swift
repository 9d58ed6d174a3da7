import BenchmarkTable

/// Runs the benchmarks that are named, or all of them: `Benchmarks merge`. Figures count in release only.
let benchmarks: [(name: String, run: () async throws -> [BenchmarkRow])] = [
  ("merge", { try mergeBenchmarks() }),
  ("match", { matchBenchmarks() }),
  ("lifecycle", { try lifecycleBenchmarks() }),
  ("boundary", boundaryBenchmark),
  ("isolation", isolationBenchmark),
  ("aggregator", aggregatorBenchmark),
  ("command", commandBenchmark),
]

/// What a benchmark runs in a process of its own, by a name that isn't a benchmark's.
let measurements: [String: () -> Void] = [
  "merge-memory": { measureMergeMemory(distinct: false) },
  "merge-memory-distinct": { measureMergeMemory(distinct: true) },
  "merge-first-sync": { runFirstSync() },
  "merge-changes": { runChanges() },
]

let names = CommandLine.arguments.dropFirst()
if let name = names.first, let measure = measurements[name] {
  measure()
} else if let unknown = names.first(where: { name in !benchmarks.contains { $0.name == name } }) {
  print("no benchmark '\(unknown)'; there are: \(benchmarks.map(\.name).joined(separator: ", "))")
} else {
  for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) {
    print("==> \(benchmark.name)")
    printTable(try await benchmark.run())
  }
}
