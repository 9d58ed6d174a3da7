import ClusterModel
import ClusterResources
import Logging
import Platform

/// Writes each entry as one line to the standard error: time, level, message, then `key=value`.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let style: Style
  private let write: @Sendable (String) -> Void

  init(
    level: Logger.Level, style: Style = .standardError,
    write: @escaping @Sendable (String) -> Void = LineLogHandler.writeToStandardError
  ) {
    logLevel = level
    self.style = style
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    var line =
      "\(style.dim(Timestamp.now().description)) \(label(event.level)) \(event.message.description.shown)"
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      line += " \(style.dim(key.shown + "="))\(Self.written(value.description))"
    }
    write(line + "\n")
  }

  /// A value, in quotes where it has spaces or could be taken for something else.
  private static func written(_ value: String) -> String {
    let isPlain = !value.isEmpty && !value.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
    return isPlain ? value.shown : "\"" + value.shown.replacing("\"", with: "\\\"") + "\""
  }

  private func label(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: style.dim(level.rawValue)
    case .info, .notice: style.green(level.rawValue)
    case .warning: style.yellow(level.rawValue)
    case .error, .critical: style.red(level.rawValue)
    }
  }

  @Sendable private static func writeToStandardError(_ line: String) { Terminal.line(line) }
}
