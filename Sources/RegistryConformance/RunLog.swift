import Logging
import Synchronization

/// What a run logs: the first thousand lines, each as `level: message`, from `info` on.
final class RunLog: Sendable {
  private let kept = Mutex<[String]>([])

  /// What was logged so far.
  var lines: [String] { kept.withLock { $0 } }

  /// Logs to ``lines``.
  var logger: Logger { Logger(label: "conformance") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: RunLog
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.kept.withLock { if $0.count < 1000 { $0.append("\(event.level): \(event.message)") } }
    }
  }
}
