public import Logging
import Synchronization

/// Remembers what is logged.
public final class LogRecorder: Sendable {
  private let record = Mutex<[String]>([])

  public init() {}

  /// What was logged, each as `level: message key=value`, the keys in their order.
  public var lines: [String] { record.withLock { $0 } }

  /// A logger that tells this recorder, debug messages and above.
  public var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
      let line = "\(event.level): \(event.message)" + details.map { " \($0.key)=\($0.value)" }.joined()
      recorder.record.withLock { $0.append(line) }
    }
  }
}
