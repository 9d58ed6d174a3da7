package import ClusterModel
package import Logging
package import RegistryKit

/// What a program says with one line.
package struct ProgramLine: Sendable {
  /// What it is, where it says so.
  package var hello: ProgramDescription?
  /// What took place: updates, reports, the sources that are expected.
  package var batch = RegistryBatch()
  /// Whether the batch goes on with the next line.
  package var continues = false
  /// What became of publications.
  package var outcomes: [Outcome] = []
  /// What it logs.
  package var log: [Entry] = []
  /// Why it is at its end, where it says that it is.
  package var failed: RegistryError?
  /// What of the line is wrong and was left out; each names its place.
  package var problems: [String] = []
  /// Whether something of it is a node of which it can't be told which one it is.
  package var hidesNodes = false

  /// Nothing.
  package init() {}

  /// What became of one publication; nil: others can see it.
  package struct Outcome: Hashable, Sendable {
    package var revision: UInt64
    package var error: RegistryError?

    package init(revision: UInt64, error: RegistryError?) {
      self.revision = revision
      self.error = error
    }
  }

  /// One line for the log.
  package struct Entry: Hashable, Sendable {
    package var level: Logger.Level
    package var message: String

    package init(level: Logger.Level, message: String) {
      self.level = level
      self.message = message
    }
  }
}

/// What a program says that it is, in its first line, if it does.
package struct ProgramDescription: Hashable, Sendable {
  /// The version of the protocol that it speaks.
  package var version = ProtocolLimits.version
  /// Whether it reads what is to be published.
  package var publishes: Bool?
  /// The plugin that it runs.
  package var plugin: RegistryDescriptor?

  package init(
    version: Int = ProtocolLimits.version, publishes: Bool? = nil, plugin: RegistryDescriptor? = nil
  ) {
    self.version = version
    self.publishes = publishes
    self.plugin = plugin
  }
}

/// What the host says with one line.
package enum HostLine: Sendable {
  /// Where and with what the program runs: the first line.
  case settings(ProgramSettings)
  /// What is to be published from now on.
  case publish(DesiredPublication)
  /// What this version doesn't know.
  case other
}

/// Where a program runs, and with what options.
package struct ProgramSettings: Hashable, Sendable {
  /// The version of the protocol that the host speaks.
  package var version = ProtocolLimits.version
  package var name = ""
  /// A JSON object.
  package var options = "{}"
  package var host = HostProgram(name: "", version: "")
  package var localNodeID: NodeIdentity?
  package var clusterID: String?
  /// Only for a plugin that asks for it.
  package var clusterSecret: String?
  package var stateDirectory = ""
  package var baseDirectory = ""
  package var staleAfter = Duration.zero
  /// How long the program has to end once its input has ended.
  package var stopTimeout = Duration.seconds(2)
  /// What the host logs at the least: the rest needn't be sent.
  package var logLevel = Logger.Level.info

  package init() {}

  /// The settings of a registry that runs in `context`. The cluster's secret is handed on as it is there.
  package init(_ context: RegistryContext, options: String, stopTimeout: Duration) {
    name = context.name
    self.options = options
    host = context.host
    localNodeID = context.localNodeID
    clusterID = context.clusterID
    clusterSecret = context.clusterSecret
    stateDirectory = context.stateDirectory
    baseDirectory = context.baseDirectory
    staleAfter = context.staleAfter
    logLevel = context.logger.logLevel
    self.stopTimeout = stopTimeout
  }

  /// Where the registry runs, whose log goes to `logger`.
  package func context(logger: Logger) -> RegistryContext {
    RegistryContext(
      name: name, localNodeID: localNodeID, clusterID: clusterID, clusterSecret: clusterSecret,
      stateDirectory: stateDirectory, baseDirectory: baseDirectory, staleAfter: staleAfter, host: host,
      logger: logger)
  }
}
