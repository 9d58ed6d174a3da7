import ArgumentParser

/// Loads or attacks a discovery service.
struct ServiceTrial: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ServiceLoad", abstract: "Measure a discovery service, or attack it.",
    subcommands: [ServiceLoad.self, ServiceSoak.self], defaultSubcommand: ServiceLoad.self)
}

/// Loads a discovery service, ours or another, and measures what its users and its machine feel.
struct ServiceLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Measure a discovery service under load.",
    discussion: """
      Fills the clusters, opens the watches, then writers update affiliates one call after another, each with \
      the time of sending inside the data. At the end every watcher has to know every final state.
      """)

  @Option(help: "The service's IPv4 address.") var host = "127.0.0.1"
  @Option(help: "The service's port.") var port = 3000
  @Option(help: "Clusters.") var clusters = 50
  @Option(help: "Affiliates of each cluster.") var affiliates = 50
  @Option(help: "Watchers of each cluster, each with a connection of its own.") var watchers = 10
  @Option(help: "Writers, each with a connection of its own.") var writers = 16
  @Option(help: "Seconds to write for.") var seconds = 10
  @Option(help: "Updates a second in all; 0 for as many as go.") var rate = 0
  @Option(help: "Bytes of an affiliate's data.") var bytes = 200
  @Option(help: "The server's process id, for its CPU time and memory.") var pid: Int?
  @Flag(help: "Answer each notification with a PING, as grpc-go's bandwidth estimator does.") var pings =
    false

  func run() throws {
    let shape = LoadShape(
      clusters: clusters, affiliates: affiliates, watchers: watchers, bytes: max(bytes, 24), pings: pings)
    let prefix = "load-\(UInt32.random(in: 0...UInt32.max))"
    let run = try LoadRun(host: host, port: port, shape: shape, prefix: prefix)
    try run.fill(writers: writers)
    try run.watch()
    let before = pid.flatMap { ProcessUsage($0) }
    let start = steadyNanoseconds()
    try run.write(writers: writers, seconds: seconds, rate: rate)
    let written = Double(steadyNanoseconds() - start) / 1e9
    let missing = try run.settle(within: 20)
    let after = pid.flatMap { ProcessUsage($0) }
    report(run.totals(), written: written, missing: missing, before, after)
    if missing > 0 { throw ExitCode(1) }
  }

  private func report(
    _ totals: LoadTotals, written: Double, missing: Int, _ before: ProcessUsage?, _ after: ProcessUsage?
  ) {
    print("\(clusters)x\(affiliates), \(watchers) watchers each, \(writers) writers, \(seconds) s")
    print("updates/s            \(Int(Double(totals.updates) / written))")
    print("rpc p50/p99 ms       \(totals.rpc.milliseconds(0.5)) / \(totals.rpc.milliseconds(0.99))")
    print("fan-out p50/p99 ms   \(totals.fanOut.milliseconds(0.5)) / \(totals.fanOut.milliseconds(0.99))")
    print("notifications        \(totals.notifications) of \(totals.updates * watchers) (rest coalesced)")
    print("failed calls         \(totals.failures)")
    print("watchers cut off     \(totals.cutOff)")
    print("final states missing \(missing)")
    guard let before, let after else { return }
    let cpu = (after.cpuSeconds - before.cpuSeconds) * 1e6
    print("server cpu us/update \(Int(cpu / Double(max(totals.updates, 1))))")
    if totals.notifications > 0 {
      print("server cpu us/notif. \(String(Int(cpu * 10 / Double(totals.notifications))).tenths)")
    }
    print("server peak rss MiB  \(after.peakKilobytes / 1024)")
  }
}

extension String {
  /// Digits with the last one behind a point.
  fileprivate var tenths: String { count > 1 ? dropLast() + "." + suffix(1) : "0." + self }
}
