import ArgumentParser
import Logging
import Platform
import Rollcall
import RollcallConfiguration
import RollcallMetrics
import UnixSignals

/// `rollcall run`
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Take part: publish this machine, follow the others, log each change.",
    discussion: """
      Runs in the foreground until SIGTERM or SIGINT, and then withdraws what it published. SIGHUP reads the \
      configuration again, from the file that it began with: registries that didn't change keep running, and a file \
      that has an error, is empty or gone changes nothing. SIGUSR2 ends it without withdrawing anything: for a restart, \
      of which the others needn't know. Started by systemd, it says when it is ready, reloads and stops.

      Without a configuration it starts with the files members.yaml, members.json and members.d/* of the current \
      folder, if there are any.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var log: LogOptions

  @Option(
    help: ArgumentHelp(
      "The socket over which the daemon is asked.",
      discussion:
        "Without it: $ROLLCALL_SOCKET (none: nobody can ask), rollcall.sock in $RUNTIME_DIRECTORY, /run/rollcall for root, $XDG_RUNTIME_DIR/rollcall.",
      valueName: "path"), completion: .file())
  var socket: String?

  func run() async throws {
    let levels = log.bootstrap()
    let logger = Logger(label: "rollcall")
    // Listened for from the beginning: a signal during the start isn't lost.
    let signals = await UnixSignalsSequence(trapping: .sighup, .sigterm, .sigint, .sigusr2)
    let loaded = try await ConfigurationLookup.load(configuration)
    logger.info("\(loaded.origin)")
    for warning in loaded.configuration.warnings { logger.warning("\(warning)") }
    if loaded.file == nil { logger.notice("\(ConfigurationLookup.advice)") }
    if let reasons = loaded.configuration.reasonsForBeingOff {
      return logger.notice("discovery is off: \(reasons)")
    }
    let state = try DaemonState(loaded.configuration, logger: logger)
    defer { withExtendedLifetime(state) {} }
    let metrics = DaemonMetrics()
    let session = try await ClusterSession(
      loaded, publishing: true, restored: state.keeper?.load(),
      observeMerge: { metrics.merged(registry: $0, after: $1) }, logger: logger)
    let chosen = socket ?? SocketOptions.inEnvironment
    let hasNone = socket == nil && SocketOptions.isNoneInEnvironment
    try await Daemon(
      session: session, options: configuration, keeper: state.keeper,
      socket: hasNone ? nil : StatusSocket.find(option: chosen), levels: levels, metrics: metrics,
      logger: logger
    ).run(loaded, until: signals)
  }
}

extension UnixSignal {
  /// The signal's name, as `kill -l` has it.
  var name: String {
    switch self {
    case .sighup: "SIGHUP"
    case .sigint: "SIGINT"
    case .sigterm: "SIGTERM"
    case .sigusr2: "SIGUSR2"
    default: "\(self)"
    }
  }
}
