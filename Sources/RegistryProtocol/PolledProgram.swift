import ClusterModel
package import Logging
package import Platform
package import RegistryKit
import Synchronization

/// A registry that is a program, run from time to time, which prints all that it knows.
///
/// What it printed last counts while it fails: until it works again the aspect `reading` says why. Where that takes
/// longer than ``patience`` the run fails, and who runs the registry decides what its records still count for.
package struct PolledProgram: Registry {
  /// The program, without its input.
  package var program: ChildProgram
  /// What messages call it: "the program".
  package var name: String
  /// What it is told on its input.
  package var settings: ProgramSettings
  /// How long to wait between two runs; shortened by a random part of up to ``jitter``.
  package var interval = Duration.seconds(30)
  /// A share of the interval, 0 to 1.
  package var jitter = 0.1
  /// How long it may take.
  package var timeout = Duration.seconds(30)
  /// How long it has to end once it is told to.
  package var grace = Duration.seconds(2)
  /// The most bytes that it may print.
  package var maximumOutput = ProtocolLimits.lineBytes
  /// How long it may fail until the run does.
  package var patience = Duration.seconds(60)
  /// At what level what it prints as errors is logged; nil: not at all.
  package var errorLevel: Logger.Level? = .warning
  /// Whether it may print lines of the protocol.
  package var takesLines = true
  /// Reads what isn't lines of the protocol; nil: nodes in JSON are taken.
  package var readOther: (@Sendable ([UInt8]) throws(RegistryError) -> ProgramDocument)?

  package init(_ program: ChildProgram, name: String, settings: ProgramSettings) {
    self.program = program
    self.name = name
    self.settings = settings
  }

  package func run(_ session: RegistrySession) async throws {
    let time = TimeSource(session.clock)
    let queue = BlockingQueue("rollcall.program")
    var view = PolledView(name: name, session: session)
    var failingSince: Duration?
    while true {
      try Task.checkCancellation()
      // Boxed, as a typed error in an async loop crashes Swift 6.3's optimizer.
      let result = await look(queue, session)
      try Task.checkCancellation()
      switch result {
      case .success(let document):
        failingSince = nil
        try view.apply(document)
      case .failure(let error):
        let now = time.elapsed
        if let failingSince, now - failingSince >= patience { throw error }
        failingSince = failingSince ?? now
        try view.fail(error)
      }
      try await time.sleep(interval * Double.random(in: (1 - min(max(jitter, 0), 1))...1))
    }
  }

  /// Runs the program once; after a cancellation until it has ended.
  private func look(
    _ queue: BlockingQueue, _ session: RegistrySession
  ) async -> Result<ProgramDocument, RegistryError> {
    var program = program
    program.input = HostLineWriter.settings(settings)
    program.endsGroup = true
    let constant = program
    let cancelled = Cancellation()
    let outcome = await withTaskCancellationHandler {
      // A task of its own, which a cancellation doesn't reach: it is waited for after one too, so that no program
      // outlives its registry.
      await Task {
        try? await queue.run { _ -> Result<ChildProgram.End, ChildProgram.Failure> in
          do throws(ChildProgram.Failure) {
            return .success(
              try constant.run(
                within: timeout, keeping: maximumOutput, terminating: .init(grace: grace),
                time: TimeSource(), isCancelled: { cancelled.isCancelled }))
          } catch {
            return .failure(error)
          }
        }
      }.value
    } onCancel: {
      cancelled.cancel()
    }
    switch outcome {
    case nil: return .failure(RegistryError(.stopped, "\(name) was ended"))
    case .failure(let failure): return .failure(ProgramEnd.error(failure, of: name))
    case .success(let end):
      log(end.errors, session)
      return read(end)
    }
  }

  private func read(_ end: ChildProgram.End) -> Result<ProgramDocument, RegistryError> {
    switch end.interruption {
    case .deadline:
      return .failure(
        RegistryError(
          .deadlineExceeded, "\(name) took longer than \(DurationText.text(of: timeout)), and was ended"))
    case let interruption?: return .failure(ProgramEnd.error(interruption, of: name))
    case nil: break
    }
    let lastError = end.errors.lines.last { !$0.isEmpty }.map { ValueReader.oneLine(String($0.prefix(200))) }
    guard end.status == 0 else {
      return .failure(ProgramEnd.error(end, of: name, lastError: lastError ?? ""))
    }
    guard end.leftOut == 0 else {
      return .failure(
        RegistryError(
          .limitExceeded,
          "\(name) printed \(maximumOutput + end.leftOut) bytes, more than the \(maximumOutput) of maxOutput")
      )
    }
    do throws(RegistryError) {
      return .success(try ProgramDocument.read(end.output, takesLines: takesLines, other: readOther))
    } catch {
      return .failure(RegistryError(error.code, "\(name): \(error.message)", cause: error))
    }
  }

  private func log(_ errors: String, _ session: RegistrySession) {
    guard let errorLevel else { return }
    let lines = errors.lines.filter { !$0.isEmpty }
    for line in lines.prefix(Self.maximumErrors) {
      session.logger.log(level: errorLevel, "\(ValueReader.oneLine(String(line)))")
    }
    if lines.count > Self.maximumErrors {
      session.logger.log(level: errorLevel, "and \(lines.count - Self.maximumErrors) lines more")
    }
  }

  /// The most lines of one run that are logged.
  private static let maximumErrors = 20
}

/// What the session has been given of a program's documents.
private struct PolledView {
  let name: String
  let session: RegistrySession
  private var known: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
  private var reports: [HealthReport] = []
  private var hasApplied = false

  init(name: String, session: RegistrySession) {
    self.name = name
    self.session = session
  }

  mutating func apply(_ document: ProgramDocument) throws(RegistryError) {
    for entry in document.log.prefix(100) { session.logger.log(level: entry.level, "\(entry.message)") }
    var batch = RegistryBatch(publicAddress: document.publicAddress)
    var now: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
    for (source, records) in document.records {
      now[source] = Dictionary(records.map { ($0.affiliate.nodeID, $0) }) { _, last in last }
    }
    // A document that only says how it is changes nothing of what is known.
    if document.records.isEmpty { now = known }
    if document.hidesNodes {
      for (source, records) in known { now[source, default: [:]].merge(records) { new, _ in new } }
    }
    for (source, records) in now.sorted(by: { $0.key < $1.key }) where known[source] != records {
      let list = records.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
      batch.updates.append(.snapshot(list, source: source))
    }
    for source in known.keys.sorted() where now[source] == nil { batch.updates.append(.sourceGone(source)) }
    known = now
    let problems = document.problems
    let shown = problems.prefix(10) + (problems.count > 10 ? ["and \(problems.count - 10) more"] : [])
    report(
      [
        HealthReport(.reading, nil),
        HealthReport(
          .content,
          problems.isEmpty
            ? nil : RegistryError(.invalidArgument, "\(name): \(shown.joined(separator: "; "))")),
      ] + document.reports, in: &batch)
    if !batch.isEmpty { try session.apply(batch) }
  }

  mutating func fail(_ error: RegistryError) throws(RegistryError) {
    var batch = RegistryBatch()
    report(
      reports.filter { $0.aspect != .reading || $0.source != .only } + [HealthReport(.reading, error)],
      in: &batch)
    if !batch.isEmpty { try session.apply(batch) }
  }

  /// Adds to `batch` what of `all`, of which the last one of each aspect counts, is new.
  private mutating func report(_ all: [HealthReport], in batch: inout RegistryBatch) {
    var current: [HealthReport] = []
    for report in all {
      current.removeAll { $0.aspect == report.aspect && $0.source == report.source }
      current.append(report)
    }
    for old in reports where !current.contains(where: { $0.aspect == old.aspect && $0.source == old.source })
    {
      batch.reports.append(HealthReport(old.aspect, nil, source: old.source))
    }
    for report in current {
      let old = reports.first { $0.aspect == report.aspect && $0.source == report.source }
      let isFirst = !hasApplied && report.aspect == .reading
      if isFirst || old?.error != report.error { batch.reports.append(report) }
    }
    hasApplied = true
    reports = current
  }
}

/// Whether somebody gave up, for a thread to ask.
private final class Cancellation: Sendable {
  private let value = Atomic(false)

  var isCancelled: Bool { value.load(ordering: .relaxed) }

  func cancel() { value.store(true, ordering: .relaxed) }
}
