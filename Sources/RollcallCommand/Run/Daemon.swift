import ClusterModel
import KubeSpan
import Logging
import Outputs
import Platform
import Rollcall
import RollcallConfiguration
import RollcallMetrics
import StateFile
import StatusServer
import UnixSignals

/// What `run` does until it is told to stop.
struct Daemon: Sendable {
  let session: ClusterSession
  let options: ConfigurationOptions
  /// Keeps what must survive a restart; nil where nothing is kept.
  let keeper: StateKeeper?
  /// Where it is asked; nil: nowhere.
  let socket: (socket: StatusServerOptions.Socket, isChosen: Bool)?
  /// How much is logged of what.
  let levels: LogLevels
  let logger: Logger
  /// Is called when it can be asked, with the port over TCP; nil where there is none.
  var onListening: @Sendable (_ port: Int?) -> Void = { _ in }
  /// What started this process.
  private let manager = ServiceManager(environment: environment)
  private let metrics: DaemonMetrics
  /// How the WireGuard mesh is, for those who ask.
  let meshReports = MeshReports()
  /// What revisions of this start begin with.
  private let epoch: String

  init(
    session: ClusterSession, options: ConfigurationOptions, keeper: StateKeeper?,
    socket: (socket: StatusServerOptions.Socket, isChosen: Bool)?, levels: LogLevels,
    metrics: DaemonMetrics, logger: Logger
  ) {
    self.metrics = metrics
    epoch = StatusServerOptions(nodeLabel: session.nodeLabel).epoch
    self.session = session
    self.options = options
    self.keeper = keeper
    self.socket = socket
    self.levels = levels
    self.logger = logger
  }

  private enum End: Sendable {
    case signal(UnixSignal)
    case aggregator
    case other
  }

  /// Runs what `loaded` is, and what takes its place at each SIGHUP.
  func run(_ loaded: ConfigurationLookup.Loaded, until signals: UnixSignalsSequence) async throws {
    let aggregator = session.aggregator
    let configuration = loaded.configuration
    let context = OutputContext(logger: logger, metrics: metrics)
    let outputs = OutputService(configuration.outputs, context)
    let mesh = DaemonMesh(
      session, configuration, reports: meshReports, logger: Logger(label: "rollcall.kubespan"))
    let hooks = HookService(configuration.hooks, hookSource, cursors: hookCursors, context)
    await mesh.prepare()
    let end: End?
    do {
      end = try await run(aggregator, loaded, (outputs, hooks, mesh), until: signals)
    } catch {
      await mesh.leave()
      throw error
    }
    // Others know by now that this node goes: nothing is lost that they still sent.
    await mesh.leave()
    // What the registries said while they ended is kept too.
    keeper?.write(aggregator, isLast: true)
    if case .signal? = end { return logger.notice("stopped") }
    throw CommandError("the aggregator ended by itself")
  }

  /// Runs all parts side by side until the first signal to stop, or until the aggregator or a part fails.
  private func run(
    _ aggregator: Aggregator, _ loaded: ConfigurationLookup.Loaded,
    _ parts: (outputs: OutputService, hooks: HookService, mesh: DaemonMesh),
    until signals: UnixSignalsSequence
  ) async throws -> End? {
    let (outputs, hooks, mesh) = parts
    let configuration = loaded.configuration
    return try await withThrowingTaskGroup(of: End.self) { group in
      group.addTask {
        try await aggregator.run()
        return .aggregator
      }
      group.addTask {
        await logChanges()
        return .other
      }
      if let keeper {
        group.addTask {
          await keeper.run(aggregator)
          return .other
        }
      }
      group.addTask {
        await outputs.run(
          aggregator.snapshots().map { [epoch] in
            OutputWorld($0, revision: "\(epoch).\($0.revision)")
          })
        return .other
      }
      group.addTask {
        await hooks.run(aggregator.snapshots())
        return .other
      }
      group.addTask {
        await mesh.run()
        return .other
      }
      group.addTask {
        try await serve(configuration, outputs)
        return .other
      }
      group.addTask {
        await keepAlive()
        return .other
      }
      group.addTask {
        var running = loaded
        for await signal in signals {
          guard signal == .sighup else {
            if signal == .sigusr2 { aggregator.keepPublishedAtEnd() }
            return .signal(signal)
          }
          manager.notify(.reloading)
          running = await reload(after: running)
          outputs.reload(running.configuration.outputs)
          hooks.reload(running.configuration.hooks)
          await mesh.reload(running.configuration)
          manager.notify(.ready)
        }
        return .signal(.sigterm)
      }
      var first: End?
      while case .other? = try await {
        first = try await group.next(); return first
      }() {}
      if case .signal(let signal)? = first {
        logger.notice("stopping", metadata: ["signal": "\(signal.name)"])
      }
      manager.notify(.stopping)
      group.cancelAll()
      // What the registries say while they end is still logged.
      while try await group.next() != nil {}
      return first
    }
  }

  private func logChanges() async {
    let log = ChangeLog(logger: logger) { [metrics] in metrics.droppedLogLines(of: $0, $1) }
    let time = TimeSource()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while (try? await time.sleep(.seconds(5))) != nil {
          await log.reportLeftOut(at: time.elapsed)
        }
      }
      for await change in session.aggregator.changes() {
        metrics.observe(change)
        await log.take(change, at: time.elapsed)
      }
      group.cancelAll()
    }
    await log.reportLeftOut(at: time.elapsed)
  }

  // MARK: Who asks

  /// Answers those who ask, until the task is cancelled.
  ///
  /// - Throws: ``CommandError`` where it can't listen where somebody chose it to.
  private func serve(_ configuration: Configuration, _ outputs: OutputService) async throws {
    var settings = StatusServerOptions(
      nodeLabel: session.nodeLabel, socket: socket?.socket, http: configuration.http.map { .init($0) })
    settings.clusterID = configuration.cluster.id
    settings.epoch = epoch
    settings.meshReports = meshReports
    settings.metrics = { [aggregator = session.aggregator, metrics, keeper, meshReports] accept in
      if let status = keeper?.status {
        metrics.cached(
          at: status.currentAt, writeErrors: status.writeErrors, isDamaged: status.damage != nil)
      }
      let page = metrics.page(
        aggregator.snapshot(), mesh: meshReports.current, at: aggregator.now().wall, accept: accept)
      return (page.contentType, page.text)
    }
    settings.problems = { [keeper] in
      let status = keeper?.status
      let ofState = [
        status?.damage.map { "what was known before the start is lost: \($0)" },
        status?.lastError.map { "the state file isn't written: \($0)" },
      ].compactMap { $0 }
      return ofState
        + outputs.statuses.filter { !$0.message.isEmpty }.map { "output \($0.name): \($0.message)" }
    }
    settings.setLogLevels = { [levels] in levels.set($0) }
    settings.observe = { [metrics] in
      metrics.answered(handler: $0.path, code: $0.status, listener: $0.listener, took: $0.duration)
    }
    settings.observeWatchers = { [metrics] listener, change in
      if change > 0 { metrics.opened(watchOn: listener) } else { metrics.closed(watchOn: listener) }
    }
    settings.observeReset = { [metrics] in metrics.resynced($0) }
    do {
      try await serve(settings)
    } catch let error as StatusServer.Failure {
      // Who chose nothing has perhaps a daemon already; one that is asked nowhere still does its work.
      guard let socket, !socket.isChosen else { throw CommandError(error.description) }
      logger.warning("nobody can ask this daemon: \(error.description); --socket gives it another one")
      settings.socket = nil
      do { try await serve(settings) } catch let error as StatusServer.Failure {
        throw CommandError(error.description)
      }
    }
  }

  private func serve(_ settings: StatusServerOptions) async throws {
    let aggregator = session.aggregator
    guard settings.socket != nil || settings.http != nil else {
      manager.notify(.ready, .status("nobody can ask"))
      try? await TimeSource().sleep(DurationText.longest)
      return
    }
    let server = StatusServer(aggregator, options: settings, logger: Logger(label: "rollcall.http"))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      group.addTask {
        let port = await server.port()
        onListening(port)
        if !Task.isCancelled { manager.notify(.ready, .status("asks the registries")) }
      }
      try await group.waitForAll()
    }
  }

  private var hookSource: HookSource {
    let (aggregator, epoch) = (session.aggregator, epoch)
    return HookSource(
      aggregator,
      object: { entry in
        let documents = ClusterDocuments(aggregator.snapshot(), at: aggregator.now())
        switch entry.kind {
        case .member:
          let status = entry.nodeID.flatMap { documents.snapshot.life.status(of: $0) }
          return status.flatMap { documents.member($0) }
        case .registry:
          return documents.snapshot.registry(entry.id).map {
            documents.registry($0).value(version: 1, created: $0.since, updated: $0.since)
          }
        case .conflict, .daemon: return nil
        }
      }, revision: { "\(epoch).\($0)" })
  }

  private var hookCursors: HookCursors {
    guard let keeper else { return .none }
    return HookCursors(
      load: { keeper.cursor("hook/\($0)") }, store: { keeper.setCursor("hook/\($0)", to: $1) })
  }

  /// Tells what started this process that it goes on, as often as that wants to hear it; that the aggregator can be
  /// asked is part of it.
  private func keepAlive() async {
    await manager.keepAlive { _ = session.aggregator.snapshot() }
  }

  /// Reads the configuration again; what is wrong with it is logged, and nothing changes.
  ///
  /// - Returns: what runs now.
  private func reload(after running: ConfigurationLookup.Loaded) async -> ConfigurationLookup.Loaded {
    do {
      let loaded = try await ConfigurationLookup.reload(options, after: running)
      let summary = try await session.reload(loaded.configuration)
      for warning in loaded.configuration.warnings { logger.warning("\(warning)") }
      for text in await session.needsRestart(running.configuration, loaded.configuration, kept: summary.kept)
      {
        logger.warning("\(text)")
      }
      if loaded.configuration.http != running.configuration.http {
        logger.warning("http: what it says holds after a restart")
      }
      var metadata: Logger.Metadata = ["kept": "\(summary.kept.count)"]
      for (key, names) in [
        ("added", summary.added), ("changed", summary.changed), ("removed", summary.removed),
      ] where !names.isEmpty {
        metadata[key] = "\(names.joined(separator: ","))"
      }
      logger.notice("configuration reloaded", metadata: metadata)
      metrics.reloaded(successfully: true, at: .now())
      return loaded
    } catch let error as CommandError {
      for line in error.lines { logger.error("\(line)") }
      logger.error("the configuration wasn't reloaded: nothing has changed")
    } catch {
      logger.error("the configuration wasn't reloaded: nothing has changed", metadata: ["error": "\(error)"])
    }
    metrics.reloaded(successfully: false, at: .now())
    return running
  }
}

extension StatusServerOptions.HTTP {
  fileprivate init(_ settings: HTTPSettings) {
    self.init(
      listen: settings.listen, hosts: settings.hosts,
      tls: settings.tls.map {
        StatusServerOptions.TLS(
          certificateFile: $0.certFile, keyFile: $0.keyFile, clientCAFile: $0.clientCAFile)
      }, tokensFile: settings.tokensFile, page: settings.page)
  }
}
