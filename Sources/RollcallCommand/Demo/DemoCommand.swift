import ArgumentParser
import ClusterModel
import DiscoveryService
import Logging
import Platform
import Rollcall
import RollcallMetrics
import StatusClient
import UnixSignals

/// `rollcall demo`
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Show a made-up cluster of six machines that come, go, move, lose power and disagree.",
    discussion: """
      Nothing is needed beside this command and its plugins, and nothing is left behind. All of it is real but the \
      machines: a discovery service, an inventory file, and a daemon that asks both and answers at the address that is \
      printed. Everything is on loopback, on free ports, in a temporary folder.

        rollcall demo
        rollcall demo --for 30s
      """)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("End by itself after that time; without it on Ctrl-C.", valueName: "duration"),
    transform: DurationOption.parse)
  var duration: DurationOption?

  @Option(help: "The port of the page; 0 for any that is free.")
  var port: UInt16 = 0

  func run() async throws {
    // What the parts log isn't what a person wants to see here.
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    // Listened for before there is something that could be left behind.
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let hangup = await UnixSignalsSequence(trapping: .sighup)
    let folder = try PrivateFolder("demo")
    defer { folder.removeAll() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      let duration = duration?.duration
      group.addTask { try await Demo(folder: folder, port: port).run(until: signals) }
      group.addTask { for await _ in hangup { return } }
      if let duration { group.addTask { try await TimeSource().sleep(duration) } }
      // Whatever ends first ends all; what the others say then is of no interest.
      defer { group.cancelAll() }
      try await group.next()
      group.cancelAll()
      while (try? await group.next()) != nil {}
    }
    try Terminal.write("\nThe demo is over, and nothing of it is left.\n")
  }
}
