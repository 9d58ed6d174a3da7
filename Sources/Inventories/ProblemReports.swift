package import Logging
package import RegistryKit

/// Reports what is wrong with what a registry reads: each thing once in the log, all of an aspect in one report.
package struct ProblemReports {
  /// The most problems that one report names, and one change logs.
  package static let maximumShown = 10

  private let logger: Logger
  private let recoveries: [HealthAspect: String]
  private var known: [HealthAspect: [RegistryError]] = [:]
  private var notes: Set<String> = []

  /// - Parameter recoveries: what is logged when nothing is wrong with an aspect any more.
  package init(logger: Logger, recoveries: [HealthAspect: String]) {
    self.logger = logger
    self.recoveries = recoveries
  }

  /// Takes in all that is wrong with an aspect now.
  ///
  /// - Returns: the report of it; nil where the one before still holds.
  package mutating func report(_ aspect: HealthAspect, _ problems: [RegistryError]) -> HealthReport? {
    let before = known.updateValue(problems, forKey: aspect)
    guard problems != before else { return nil }
    log(new: problems.map(\.message), known: Set(before?.map(\.message) ?? []), .warning, "problems")
    guard let first = problems.first else {
      if before != nil { logger.info("\(recoveries[aspect] ?? "\(aspect.rawValue) works again")") }
      return HealthReport(aspect, nil)
    }
    var shown = problems.prefix(Self.maximumShown).map(\.message)
    let more = problems.count - shown.count
    if more > 0 { shown.append("and \(more) more") }
    return HealthReport(aspect, RegistryError(first.code, shown.joined(separator: "; ")))
  }

  /// Logs what was left out, once.
  package mutating func log(notes current: [String]) {
    log(new: current, known: notes, .notice, "notes")
    notes = Set(current)
  }

  private func log(new texts: [String], known: Set<String>, _ level: Logger.Level, _ kind: String) {
    let new = texts.filter { !known.contains($0) }
    for text in new.prefix(Self.maximumShown) { logger.log(level: level, "\(text)") }
    if new.count > Self.maximumShown {
      logger.log(level: level, "and \(new.count - Self.maximumShown) more \(kind)")
    }
  }
}

extension Inventory {
  /// What is wrong with it, as a registry reports it; of very much the rest is counted.
  package var errors: [RegistryError] {
    var errors = problems.kept.map { RegistryError(.invalidArgument, $0.description) }
    let more = problems.count - problems.kept.count
    if more > 0 { errors.append(RegistryError(.invalidArgument, "\(more) more problems")) }
    return errors
  }

  /// Whether it says nothing of nodes at all, not even that there are none, without a mistake that would be told.
  package var isSilent: Bool { !listsNodes && problems.isEmpty && notes.isEmpty }
}
