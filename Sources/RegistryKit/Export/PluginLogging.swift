import Logging
package import Synchronization

/// Logs of a plugin, led to the host's.
package enum PluginLogging {
  /// Leads the loggers that libraries within the plugin make for themselves to the host, once for the
  /// whole image: theirs have no instance, so they speak through the newest that there is.
  static func bootstrap(_ connection: HostConnection) {
    let isFirst = state.withLock { state in
      state.connections.removeAll { $0.isClosed }
      state.connections.append(connection)
      defer { state.hasBeenAsked = true }
      return !state.hasBeenAsked
    }
    // Where the host lives in this very image (a test, say), or the plugin's author forgot to hide the
    // plugin's symbols from it, logging is the host's to set up, and a second time would end the process.
    guard isFirst, !isHostImage.load(ordering: .acquiring) else { return }
    LoggingSystem.bootstrap { label in HostLogHandler(label: label) { newest } }
  }

  private struct State {
    var hasBeenAsked = false
    var connections: [HostConnection] = []
  }

  private static let state = Mutex(State())

  private static var newest: HostConnection? {
    state.withLock { $0.connections.last { !$0.isClosed } }
  }

  /// Whether a plugin host is at work with this image's copy of the kit. The host sets it.
  package static let isHostImage = Atomic<Bool>(false)
}

/// Writes each message as one line to the host's log.
struct HostLogHandler: LogHandler {
  private let label: String?
  private let connection: @Sendable () -> HostConnection?
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  // What is shown is the host's business.
  var logLevel: Logger.Level = .trace

  /// The log of one instance.
  init(_ connection: HostConnection) {
    label = nil
    self.connection = { connection }
  }

  /// The log of a library in the plugin, named by `label`.
  init(label: String, connection: @escaping @Sendable () -> HostConnection?) {
    self.label = label
    self.connection = connection
    // A library's chatter would cross the boundary only to be thrown away.
    logLevel = .info
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    guard let connection = connection() else { return }
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let own = event.metadata { all.merge(own) { _, new in new } }
    var line = label.map { "\($0): " } ?? ""
    line += "\(event.message)"
    if !all.isEmpty {
      line += " " + all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
    connection.log(level: event.level.boundary, line)
  }
}
