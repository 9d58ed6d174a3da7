import Logging
import Synchronization

/// How much is logged of which module, which may change while the daemon runs.
///
/// A module is what a logger's label has after `rollcall.`, `daemon` for the one without, and `registry.NAME` for what is
/// logged about that registry.
final class LogLevels: Sendable {
  /// What holds where nothing else is said, at first.
  private let initial: Logger.Level
  private let levels = Mutex<[String: Logger.Level]>([:])

  init(_ initial: Logger.Level) { self.initial = initial }

  /// How much is logged of `module`.
  func level(of module: String) -> Logger.Level {
    levels.withLock { $0[module] ?? $0["*"] ?? initial }
  }

  /// Sets the level of each module; `*` is all that aren't named, nil what held at first.
  func set(_ new: [String: Logger.Level?]) {
    levels.withLock { levels in
      for (module, level) in new { levels[module] = level }
    }
  }

  /// What a logger's label and its metadata say it is.
  static func module(label: String, registry: String?) -> String {
    if let registry { return "registry.\(registry)" }
    guard label.hasPrefix("rollcall.") else { return label == "rollcall" ? "daemon" : label }
    return String(label.dropFirst("rollcall.".count))
  }
}
