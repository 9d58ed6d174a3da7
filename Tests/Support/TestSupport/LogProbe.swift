public import Logging
import Synchronization

/// Keeps what is logged.
public final class LogProbe: Sendable {
  private let lines = Mutex<[(text: String, metadata: String)]>([])

  public init() {}

  /// Each line's level and message.
  public var all: [String] { lines.withLock { $0.map(\.text) } }
  /// The same with the metadata, in the order of the keys.
  public var whole: [String] { lines.withLock { $0.map { $0.text + $0.metadata } } }
  /// A logger that writes here, at every level.
  public var logger: Logger { Logger(label: "probe") { _ in Handler(probe: self) } }

  private struct Handler: LogHandler {
    let probe: LogProbe
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        .joined()
      probe.lines.withLock { $0.append(("\(event.level): \(event.message)", fields)) }
    }
  }
}
