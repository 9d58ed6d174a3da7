import ClusterModel
import ClusterResources
import Logging
import Platform

/// Writes each entry as one line to the standard error, in a ``LogFormat``.
struct LineLogHandler: LogHandler {
  /// What its module has; where a logger was given one of its own, that.
  var logLevel: Logger.Level {
    get { own ?? levels.level(of: module) }
    set { own = newValue }
  }
  var metadata: Logger.Metadata = [:] {
    didSet { module = LogLevels.module(label: label, registry: metadata["registry"]?.description) }
  }
  var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let levels: LogLevels
  private var module: String
  private var own: Logger.Level?
  private let format: LogFormat
  private let style: Style
  private let write: @Sendable (String) -> Void

  init(
    label: String = "rollcall", levels: LogLevels, format: LogFormat = .text, style: Style = .standardError,
    write: @escaping @Sendable (String) -> Void = LineLogHandler.writeToStandardError
  ) {
    self.label = label
    self.levels = levels
    module = LogLevels.module(label: label, registry: nil)
    self.format = format
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
    let fields = all.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value.description) }
    let text = event.message.description
    switch format {
    case .text: write(line(event.level, text, fields) + "\n")
    case .json: write(Self.object(event.level, text, fields) + "\n")
    }
  }

  private func line(_ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)])
    -> String
  {
    var line = "\(style.dim(Timestamp.now().description)) \(word(level)) \(message.shown)"
    for (name, value) in fields { line += " \(style.dim(name.shown + "="))\(Self.written(value))" }
    return line
  }

  /// The entry as a JSON object. A field that is called as one of the entry's own gets an underscore before it.
  private static func object(
    _ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)]
  ) -> String {
    let own: [(name: String, value: ResourceValue)] = [
      ("time", .time(.now())), ("level", .text(level.rawValue)), ("message", .text(message)),
    ]
    let names = Set(own.map(\.name))
    let rest = fields.map {
      (name: names.contains($0.name) ? "_\($0.name)" : $0.name, value: ResourceValue.text($0.value))
    }
    return JSONText.compact(.fields((own + rest).map { ResourceValue.Field($0.name, $0.value) }))
  }

  /// A value, in quotes where it has spaces or could be taken for something else.
  private static func written(_ value: String) -> String {
    let isPlain = !value.isEmpty && !value.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
    return isPlain ? value.shown : "\"" + value.shown.replacing("\"", with: "\\\"") + "\""
  }

  private func word(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: style.dim(level.rawValue)
    case .info, .notice: style.green(level.rawValue)
    case .warning: style.yellow(level.rawValue)
    case .error, .critical: style.red(level.rawValue)
    }
  }

  @Sendable private static func writeToStandardError(_ line: String) { Terminal.line(line) }
}
