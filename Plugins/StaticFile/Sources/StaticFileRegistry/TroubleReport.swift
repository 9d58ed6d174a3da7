import Logging
import RegistryKit

/// Tells people what is wrong: each thing once in the log, all of it in one status.
struct TroubleReport {
  /// The most things that one status names, and one change logs.
  static let maximumShown = 10

  private var told: [Trouble] = []
  private var isReplaced = false
  private var notes: Set<String> = []
  private var gap: FolderWatch.Gap?

  /// Takes in all that is wrong now.
  ///
  /// - Returns: what the registry's status is to be; nil where it is what it was.
  mutating func update(_ troubles: [Trouble], logger: Logger) -> RegistryEvent? {
    guard troubles != told || isReplaced else { return nil }
    isReplaced = false
    let known = Set(told)
    let new = troubles.filter { !known.contains($0) }
    for trouble in new.prefix(Self.maximumShown) { logger.warning("\(trouble.message)") }
    if new.count > Self.maximumShown {
      logger.warning("and \(new.count - Self.maximumShown) more problems")
    }
    told = troubles
    guard let first = troubles.first else {
      logger.info("all is well with the files again")
      return .healthy
    }
    var shown = troubles.prefix(Self.maximumShown).map(\.message)
    let more = troubles.count - shown.count
    if more > 0 { shown.append("and \(more) more") }
    return .degraded(RegistryError(first.code, shown.joined(separator: "; ")))
  }

  /// Somebody else has told another status: the next one is told whatever it is.
  mutating func statusWasReplaced() { isReplaced = true }

  /// Tells of what was left out, once.
  mutating func note(_ current: [String], logger: Logger) {
    let new = current.filter { !notes.contains($0) }
    for note in new.prefix(Self.maximumShown) { logger.notice("\(note)") }
    if new.count > Self.maximumShown { logger.notice("and \(new.count - Self.maximumShown) more notes") }
    notes = Set(current)
  }

  /// Tells, once, that changes may go unheard.
  mutating func note(gap current: FolderWatch.Gap?, pollInterval: Duration, logger: Logger) {
    if let current, current != gap {
      logger.notice("\(current): files are looked at every \(pollInterval)")
    }
    gap = current
  }
}
