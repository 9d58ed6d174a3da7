import Inventories
import Platform
import RegistryKit

/// What the session has been given of the files. Each scan becomes one batch, of what differs.
struct FileView {
  private let session: RegistrySession
  private let plan: SourcePlan
  private let pollInterval: Duration
  private var files: KnownFiles
  private var contents: SourceContents = [:]
  /// The state of the files that `contents` is of; nil before the first scan.
  private var revision: Int?
  private var repetitions: [RegistryError] = []
  private var problems: ProblemReports
  private var gap: FolderWatch.Gap?

  init(paths: [PathPattern], pollInterval: Duration, session: RegistrySession) {
    self.session = session
    self.pollInterval = pollInterval
    plan = SourcePlan(paths)
    files = KnownFiles(
      localNodeID: session.context.localNodeID, staleAfter: session.context.staleAfter)
    problems = ProblemReports(
      logger: session.logger,
      recoveries: [
        .reading: "all files can be read again", .content: "all of the files is good again",
      ])
  }

  /// What to hand to the next scan.
  var marks: [String: FileMark] { files.marks }

  /// Applies what `scan`, made at `elapsed`, found.
  ///
  /// - Returns: after what pause to scan again although nothing may change; nil: not before something does.
  /// - Throws: the session's refusal. Untyped, as a typed error in an async loop crashes Swift 6.3's optimizer.
  mutating func apply(_ scan: Scan, at elapsed: Duration) throws -> Duration? {
    let pause = files.take(scan, at: elapsed)
    // What a writer is about to complete isn't half of the first answer.
    if revision == nil, files.isSettling { return pause }
    var batch = RegistryBatch()
    if files.revision != revision {
      let (new, repetitions) = plan.contents(of: files)
      (self.repetitions, revision) = (repetitions, files.revision)
      // Where nothing could be read yet nobody knows that there is nobody: what was known before stays.
      let isRead = files.readErrors.isEmpty && files.contentErrors.isEmpty
      if isRead || !contents.isEmpty || new.values.contains(where: { !$0.isEmpty }) {
        batch.updates = contents.updates(to: new)
        contents = new
      }
    }
    let contentErrors = files.contentErrors + repetitions
    // What is wrong with all that there is keeps the files from being read, for who waits for that.
    let isUnknown = contents.isEmpty && revision != nil
    batch.reports += [
      problems.report(.reading, files.readErrors + (isUnknown ? contentErrors : [])),
      problems.report(.content, isUnknown ? [] : contentErrors),
    ].compactMap(\.self)
    problems.log(notes: files.notes)
    log(scan.gap)
    if !batch.isEmpty { try session.apply(batch) }
    return pause
  }

  /// Logs, once, that changes may go unnoticed.
  private mutating func log(_ current: FolderWatch.Gap?) {
    if let current, current != gap {
      session.logger.notice(
        "\(current): files are looked at every \(DurationText.text(of: pollInterval))")
    }
    gap = current
  }

  /// Reports that a scan hasn't ended within `limit`. The next one that does ends that.
  mutating func reportSlow(after limit: Duration) throws {
    let error = RegistryError(
      .unavailable,
      "the files haven't been read for \(DurationText.text(of: limit)): a file system doesn't answer")
    if let report = problems.report(.reading, [error] + files.readErrors) {
      try session.apply(RegistryBatch(reports: [report]))
    }
  }
}
