import ArgumentParser
import Logging
import Platform
import Rollcall
import RollcallConfiguration
import UnixSignals

/// `rollcall run`
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Take part: publish this machine, follow the others, log each change.",
    discussion: """
      Runs in the foreground until SIGTERM or SIGINT, and then withdraws what it published. SIGHUP reads the \
      configuration again: registries that didn't change keep running, and a file with an error changes nothing.

      Without a configuration it starts with the files members.yaml, members.json and members.d/* of the current \
      folder, if there are any.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var log: LogOptions

  func run() async throws {
    log.bootstrap()
    let logger = Logger(label: "rollcall")
    // Listened for from the beginning: a signal during the start isn't lost.
    let signals = await UnixSignalsSequence(trapping: .sighup, .sigterm, .sigint)
    let loaded = try await ConfigurationLookup.load(configuration)
    logger.info("\(loaded.origin)")
    if loaded.file == nil { logger.notice("\(ConfigurationLookup.advice)") }
    if let reasons = loaded.configuration.reasonsForBeingOff {
      return logger.notice("discovery is off: \(reasons)")
    }
    let session = try await ClusterSession(loaded, publishing: true, logger: logger)
    // Two with one identity would withdraw it from under each other.
    let lock = session.takesPart ? try StateFolder.lock(loaded.configuration.stateDirectory) : nil
    defer { withExtendedLifetime(lock) {} }
    try await Daemon(session: session, options: configuration, logger: logger).run(until: signals)
  }
}

/// What `run` does until it is told to stop.
struct Daemon: Sendable {
  let session: ClusterSession
  let options: ConfigurationOptions
  let logger: Logger

  private enum End: Sendable {
    case signal(UnixSignal)
    case aggregator
    case changes
  }

  func run(until signals: UnixSignalsSequence) async throws {
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
              await log.tellLeftOut(at: time.elapsed)
            }
          }
          for await change in aggregator.changes() { await log.take(change, at: time.elapsed) }
          group.cancelAll()
        }
        await log.tellLeftOut(at: time.elapsed)
        return .changes
      }
      group.addTask {
        for await signal in signals {
          guard signal == .sighup else { return .signal(signal) }
          await reload()
        }
        return .signal(.sigterm)
      }
      let first = try await group.next()
      if case .signal(let signal)? = first {
        logger.notice("stopping", metadata: ["signal": "\(signal.name)"])
      }
      group.cancelAll()
      // What the registries say while they end is still logged.
      while try await group.next() != nil {}
      return first
    }
    if case .signal? = end { return logger.notice("stopped") }
    throw CommandError("the aggregator ended by itself")
  }

  /// Reads the configuration again; what is wrong with it is logged, and nothing changes.
  private func reload() async {
    do {
      let loaded = try await ConfigurationLookup.load(options)
      let summary = try await session.reload(loaded.configuration)
      var metadata: Logger.Metadata = ["kept": "\(summary.kept.count)"]
      for (key, names) in [
        ("added", summary.added), ("changed", summary.changed), ("removed", summary.removed),
      ] where !names.isEmpty {
        metadata[key] = "\(names.joined(separator: ","))"
      }
      logger.notice("configuration reloaded", metadata: metadata)
    } catch let error as CommandError {
      for line in error.lines { logger.error("\(line)") }
      logger.error("the configuration wasn't reloaded: nothing has changed")
    } catch {
      logger.error("the configuration wasn't reloaded: nothing has changed", metadata: ["error": "\(error)"])
    }
  }
}

extension UnixSignal {
  /// The signal's name, as `kill -l` has it.
  fileprivate var name: String {
    switch self {
    case .sighup: "SIGHUP"
    case .sigint: "SIGINT"
    case .sigterm: "SIGTERM"
    default: "\(self)"
    }
  }
}
