import Logging
import Platform
import RegistryKit

/// Reports what is wrong with the files: each thing once in the log, all of an aspect in one report.
struct ProblemReports {
  /// The most problems that one report names, and one change logs.
  static let maximumShown = 10

  private let logger: Logger
  private var known: [HealthAspect: [RegistryError]] = [:]
  private var notes: Set<String> = []
  private var gap: FolderWatch.Gap?

  init(logger: Logger) { self.logger = logger }

  /// Takes in all that is wrong with an aspect now.
  ///
  /// - Returns: the report of it; nil where the one before still holds.
  mutating func report(_ aspect: HealthAspect, _ problems: [RegistryError]) -> HealthReport? {
    let before = known.updateValue(problems, forKey: aspect)
    guard problems != before else { return nil }
    log(new: problems.map(\.message), known: Set(before?.map(\.message) ?? []), .warning, "problems")
    guard let first = problems.first else {
      if before != nil {
        logger.info(aspect == .reading ? "all files can be read again" : "all of the files is good again")
      }
      return HealthReport(aspect, nil)
    }
    var shown = problems.prefix(Self.maximumShown).map(\.message)
    let more = problems.count - shown.count
    if more > 0 { shown.append("and \(more) more") }
    return HealthReport(aspect, RegistryError(first.code, shown.joined(separator: "; ")))
  }

  /// Logs what was left out, once.
  mutating func log(notes current: [String]) {
    log(new: current, known: notes, .notice, "notes")
    notes = Set(current)
  }

  /// Logs, once, that changes may go unnoticed.
  mutating func log(gap current: FolderWatch.Gap?, pollInterval: Duration) {
    if let current, current != gap {
      logger.notice("\(current): files are looked at every \(DurationText.text(of: pollInterval))")
    }
    gap = current
  }

  private func log(new texts: [String], known: Set<String>, _ level: Logger.Level, _ kind: String) {
    let new = texts.filter { !known.contains($0) }
    for text in new.prefix(Self.maximumShown) { logger.log(level: level, "\(text)") }
    if new.count > Self.maximumShown {
      logger.log(level: level, "and \(new.count - Self.maximumShown) more \(kind)")
    }
  }
}
