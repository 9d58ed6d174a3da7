import ClusterResources
import DiscoveryService
import Logging
import Platform
import Rollcall
import RollcallMetrics
import StatusClient
import UnixSignals

/// The parts of the demo: a discovery service, machines, an inventory, and the daemon that calls the roll.
struct Demo: Sendable {
  let folder: PrivateFolder
  /// The port of the page; 0 for any that is free.
  let port: UInt16

  private var socket: String { folder.file(SocketPath.fileName) }
  private var inventory: String { folder.file("inventory.yaml") }

  /// Runs all of it until one of `signals` comes or the task is cancelled.
  ///
  /// - Throws: what a part can't do.
  func run(until signals: UnixSignalsSequence) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      let (addresses, started) = AsyncStream.makeStream(of: ListenAddress.self)
      group.addTask {
        let server = DiscoveryServer(configuration: serviceConfiguration, logger: .silent) {
          started.yield($0.service)
        }
        // Whoever waits for the address doesn't wait for ever.
        defer { started.finish() }
        try await server.run()
      }
      guard let address = await addresses.first(where: { _ in true }) else {
        try await group.next()
        return
      }
      let service = DemoService(
        endpoint: "http://\(address)", clusterID: GenerateSecrets.random(),
        clusterSecret: GenerateSecrets.random())
      let machines = DemoMachine.all()
      let loaded = try await configuration(service)
      let session = try await ClusterSession(loaded)
      let (ports, listening) = AsyncStream.makeStream(of: Int?.self)
      let daemon = daemon(session, listening)
      let story = try DemoStory(machines, service, inventory: inventory, observer: session.aggregator) {
        try Terminal.write($0 + "\n")
      }
      group.addTask {
        defer { listening.finish() }
        try await daemon.run(loaded, until: signals)
      }
      guard let port = await ports.first(where: { _ in true }) ?? nil else {
        try await group.next()
        return
      }
      try Terminal.write(introduction(port))
      group.addTask { try await story.run() }
      try await group.next()
    }
  }

  private var serviceConfiguration: ServiceConfiguration {
    var configuration = ServiceConfiguration()
    configuration.address = ListenAddress(host: "127.0.0.1", port: 0)
    configuration.landingAddress = nil
    configuration.metricsAddress = nil
    // All machines come from one address here.
    configuration.requestsPerSecond = 0
    configuration.drainTimeout = .zero
    configuration.eventLoops = 1
    return configuration
  }

  /// The daemon's configuration, from a file as everybody's is.
  private func configuration(_ service: DemoService) async throws -> ConfigurationLookup.Loaded {
    let text = """
      cluster:
        id: \(service.clusterID)
        secret: \(service.clusterSecret)
        discovery:
          registries:
            service: {endpoint: "\(service.endpoint)"}
            inventory: {plugin: static-file, path: inventory.yaml, debounce: 10ms}
      merge: {precedence: [service, inventory]}
      node: {publish: false, hostname: demo}
      http: {listen: "127.0.0.1:\(port)"}
      """
    var options = ConfigurationOptions()
    options.config = folder.file("rollcall.yaml")
    options.state = folder.file("state")
    do {
      try AtomicFile.replace(inventory, with: Array("nodes: []\n".utf8))
      try AtomicFile.replace(folder.file("rollcall.yaml"), with: Array(text.utf8))
    } catch {
      throw CommandError("\(error)")
    }
    return try await ConfigurationLookup.load(options)
  }

  private func daemon(_ session: ClusterSession, _ listening: AsyncStream<Int?>.Continuation) -> Daemon {
    var options = ConfigurationOptions()
    options.config = folder.file("rollcall.yaml")
    options.state = folder.file("state")
    var daemon = Daemon(
      session: session, options: options, keeper: nil,
      socket: (.path(socket, mode: 0o600), isChosen: true), levels: LogLevels(.error),
      metrics: DaemonMetrics(),
      logger: .silent)
    daemon.onListening = { listening.yield($0) }
    return daemon
  }

  private func introduction(_ port: Int) -> String {
    """
    Six made-up machines, a discovery service, an inventory, and a daemon that calls the roll. All of it is on
    loopback and goes with this command: Ctrl-C ends it.

      page     http://127.0.0.1:\(port)/
      command  rollcall status --socket \(socket)


    """
  }
}
