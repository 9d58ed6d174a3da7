import BenchmarkTable

/// Each figure beside the one that is to be reached.
enum ReportBenchmark {
  static func run() throws {
    print("==> the first sync, and changes")
    let small = try SyncBenchmark.compare(nodeCount: 5000)
    let large = try SyncBenchmark.compare(nodeCount: 20_000)
    let memory = (small: small.all.peak - small.idle.peak, large: large.all.peak - large.idle.peak)
    printTable(
      [
        BenchmarkRow(
          name: "first sync, 5000 Nodes", measured: "\(text(small.all.seconds, 2)) s", target: "<= 2.5 s"),
        BenchmarkRow(name: "first sync, 20000 Nodes", measured: "\(text(large.all.seconds, 2)) s"),
        BenchmarkRow(
          name: "peak memory above the idle process, 5000 Nodes", measured: "\(text(memory.small)) MB",
          target: "<= 80 MB"),
        BenchmarkRow(
          name: "peak memory above the idle process, 20000 Nodes",
          measured: "\(text(memory.large)) MB, \(text(memory.large / memory.small, 2)) times",
          target: "<= 4 times that of 5000"),
      ] + changes(small.all) + changes(large.all))
    print("==> the decoder against JSONDecoder, 5000 Nodes")
    let decoders = try DecodeBenchmark.compare(nodeCount: 5000)
    let slowest = decoders.last
    printTable(
      decoders.map { figures in
        BenchmarkRow(
          name: figures.reader, measured: "\(text(figures.speed, 0)) MB/s of CPU, +\(text(figures.peak)) MB",
          target: figures.reader == slowest?.reader ? "" : "> \(text(slowest?.speed ?? 0, 0)) MB/s of CPU")
      })
  }

  private static func changes(_ figures: SyncFigures) -> [BenchmarkRow] {
    guard let changes = figures.changes else { return [] }
    return [
      BenchmarkRow(
        name: "a watch event until it is visible, median, \(figures.nodes) Nodes",
        measured: "\(text(changes.median, 2)) ms", target: "<= 5 ms"),
      BenchmarkRow(
        name: "CPU of a watch event, \(figures.nodes) Nodes", measured: "\(text(changes.cpu, 0)) us"),
    ]
  }
}
