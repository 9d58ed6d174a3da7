import ClusterResources
import Glibc
import Platform
import Rollcall
import StatusClient
import StatusServer
import Synchronization
import UnixSignals

/// What a verb asks where no daemon runs: the registries of the configuration, run for as long as that takes, and
/// asked as a daemon is. So what is shown doesn't depend on whom one asked.
enum DirectDaemon {
  /// Runs the registries, waits until each has told what it knows, and lets `body` ask.
  ///
  /// - Parameters:
  ///   - timeout: how long registries may take to tell what they know.
  ///   - needsConfiguration: whether it is an error that there is nothing to show a cluster by.
  static func run(
    _ options: ConfigurationOptions, timeout: Duration, needsConfiguration: Bool,
    _ body: @escaping @Sendable (StatusClient, Sync, ClusterSnapshot) async throws -> Void
  ) async throws {
    let loaded = try await ConfigurationLookup.load(options)
    if needsConfiguration, loaded.isEmpty { throw CommandError(ConfigurationLookup.advice) }
    let session = try await ClusterSession(loaded)
    let folder = try PrivateFolder()
    let socket = folder.file(SocketPath.fileName)
    defer { folder.remove(with: [SocketPath.fileName]) }
    // Who ends a watch leaves no folder behind.
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    try await session.run { aggregator in
      let sync = await Sync.wait(for: aggregator, within: timeout)
      sync.report()
      var settings = StatusServerOptions(
        nodeLabel: session.nodeLabel, socket: .path(socket, mode: 0o600))
      settings.clusterID = nil
      settings.meshReports = DirectMesh.reports(loaded.configuration, aggregator.snapshot())
      let server = StatusServer(aggregator, options: settings, logger: .silent)
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          try await server.run()
          return false
        }
        group.addTask {
          for await signal in signals {
            folder.remove(with: [SocketPath.fileName])
            Glibc.exit(128 + (signal == .sigint ? SIGINT : SIGTERM))
          }
          return false
        }
        group.addTask {
          await server.waitUntilListening()
          try await body(
            StatusClient(sockets: [socket], timeout: timeout), sync, aggregator.snapshot())
          return true
        }
        while let isDone = try await group.next(), !isDone {}
        group.cancelAll()
      }
    }
  }
}
