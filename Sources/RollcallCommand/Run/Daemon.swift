import Logging
import Platform
import Rollcall
import RollcallConfiguration
import StateFile
import UnixSignals

/// What `run` does until it is told to stop.
struct Daemon: Sendable {
  let session: ClusterSession
  let options: ConfigurationOptions
  /// Keeps what must survive a restart; nil where nothing is kept.
  let keeper: StateKeeper?
  let logger: Logger
  /// What started this process.
  private let manager = ServiceManager(environment: environment)

  private enum End: Sendable {
    case signal(UnixSignal)
    case aggregator
    case changes
    case keeper
    case watchdog
  }

  /// Runs what `loaded` is, and what takes its place at each SIGHUP.
  func run(_ loaded: ConfigurationLookup.Loaded, until signals: UnixSignalsSequence) async throws {
    let aggregator = session.aggregator
    let end = try await withThrowingTaskGroup(of: End.self) { group in
      group.addTask {
        try await aggregator.run()
        return .aggregator
      }
      group.addTask {
        let log = ChangeLog(logger: logger)
        let time = TimeSource()
        await withTaskGroup(of: Void.self) { group in
          group.addTask {
            while (try? await time.sleep(.seconds(5))) != nil {
              await log.reportLeftOut(at: time.elapsed)
            }
          }
          for await change in aggregator.changes() { await log.take(change, at: time.elapsed) }
          group.cancelAll()
        }
        await log.reportLeftOut(at: time.elapsed)
        return .changes
      }
      group.addTask {
        await keepAlive()
        return .watchdog
      }
      if let keeper {
        group.addTask {
          await keeper.run(aggregator)
          return .keeper
        }
      }
      manager.notify(.ready, .status("the registries are asked"))
      group.addTask {
        var running = loaded
        for await signal in signals {
          guard signal == .sighup else { return .signal(signal) }
          manager.notify(.reloading)
          running = await reload(after: running)
          manager.notify(.ready)
        }
        return .signal(.sigterm)
      }
      let first = try await group.next()
      if case .signal(let signal)? = first {
        logger.notice("stopping", metadata: ["signal": "\(signal.name)"])
      }
      manager.notify(.stopping)
      group.cancelAll()
      // What the registries say while they end is still logged.
      while try await group.next() != nil {}
      return first
    }
    // What the registries said while they ended is kept too.
    keeper?.write(aggregator)
    if case .signal? = end { return logger.notice("stopped") }
    throw CommandError("the aggregator ended by itself")
  }

  /// Tells what started this process that it goes on, as often as that wants to hear it; that the aggregator can be
  /// asked is part of it.
  private func keepAlive() async {
    let time = TimeSource()
    guard let interval = manager.watchdogInterval else {
      try? await time.sleep(DurationText.longest)
      return
    }
    while !Task.isCancelled {
      _ = session.aggregator.snapshot()
      manager.notify(.alive)
      try? await time.sleep(interval / 3)
    }
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
      var metadata: Logger.Metadata = ["kept": "\(summary.kept.count)"]
      for (key, names) in [
        ("added", summary.added), ("changed", summary.changed), ("removed", summary.removed),
      ] where !names.isEmpty {
        metadata[key] = "\(names.joined(separator: ","))"
      }
      logger.notice("configuration reloaded", metadata: metadata)
      return loaded
    } catch let error as CommandError {
      for line in error.lines { logger.error("\(line)") }
      logger.error("the configuration wasn't reloaded: nothing has changed")
    } catch {
      logger.error("the configuration wasn't reloaded: nothing has changed", metadata: ["error": "\(error)"])
    }
    return running
  }
}
