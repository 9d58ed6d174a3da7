import ClusterModel
import Dispatch
import Logging
package import Platform
package import RegistryKit
import Synchronization

/// One life of a program that speaks the protocol: its lines become batches, in order.
final class ProgramRun: Sendable {
  private struct State {
    var lines = ProtocolLines()
    var number = 0
    var assembly = BatchAssembly()
    var errors = ProtocolLines(limit: ProtocolLimits.messageBytes)
    var lastError = ""
    var budget = LogBudget()
    var problems = ContentProblems()
    var isReady = false
    var hasSnapshot = false
    /// The sources that had a snapshot in this run or in one before.
    var known: Set<RegistrySource>
    /// Those of them that this run hasn't named yet.
    var unnamed: Set<RegistrySource>
    /// Whether what the batch that is under way doesn't list may be there all the same.
    var hidesNodes = false
    /// Whether reading was reported to fail, by the host or by the program.
    var isReadingFailing: Bool
    /// Why the run is over, beside the program's own end.
    var end: End?
  }

  private enum End {
    /// The session takes nothing more, or the program says that it is at its end: the registry's end too.
    case registry(RegistryError)
    /// The program is ended, and may be started again.
    case program(RegistryError)
  }

  private let registry: ProgramRegistry
  private let session: RegistrySession
  private let publications: LatestPublication
  private let stream: ChildStream
  private let reader: ProgramLineReader
  private let state: Mutex<State>
  private let time: TimeSource

  init(
    _ registry: ProgramRegistry, _ session: RegistrySession, _ publications: LatestPublication,
    after before: ProgramRun?
  ) throws {
    self.registry = registry
    self.session = session
    self.publications = publications
    reader = ProgramLineReader(registry.writer)
    time = TimeSource(session.clock)
    let known = before?.state.withLock { $0.known } ?? []
    state = Mutex(State(known: known, unnamed: known, isReadingFailing: before != nil))
    do throws(ChildProgram.Failure) {
      stream = try ChildStream(registry.program, grace: registry.grace)
    } catch {
      throw ProgramEnd.error(error, of: registry.name)
    }
  }

  /// Whether it has given a snapshot.
  var hasSnapshot: Bool { state.withLock { $0.hasSnapshot } }

  /// Runs the program to its end, and returns why that came.
  ///
  /// - Throws: where the registry is at its end with it, and `CancellationError`.
  func untilEnd() async throws -> RegistryError {
    stream.send(HostLineWriter.settings(registry.settings))
    if registry.publishes == true { publish() }
    defer { publications.pause() }
    let result = await withTaskGroup(of: Result<ChildProgram.End, ChildProgram.Failure>?.self) { group in
      group.addTask { await self.runProgram() }
      group.addTask {
        await self.watchStart()
        return nil
      }
      var result: Result<ChildProgram.End, ChildProgram.Failure>?
      while result == nil, let next = await group.next() { result = next }
      group.cancelAll()
      return result
    }
    try Task.checkCancellation()
    let (end, lastError, isHalf) = state.withLock { ($0.end, $0.lastError, $0.assembly.isWithinBatch) }
    switch end {
    case .registry(let error): throw error
    case .program(let error): return error
    case nil: break
    }
    switch result {
    case .failure(let failure): return ProgramEnd.error(failure, of: registry.name)
    case .success(let end):
      return ProgramEnd.error(end, of: registry.name, lastError: lastError, isHalf: isHalf)
    case nil: return RegistryError(.failed, "\(registry.name) wasn't run")
    }
  }

  /// Blocks a thread of its own for as long as the program runs; after a cancellation until it has ended too.
  private func runProgram() async -> Result<ChildProgram.End, ChildProgram.Failure> {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        DispatchQueue(label: "rollcall.program").async {
          do throws(ChildProgram.Failure) {
            let end = try self.stream.run({ self.take($0) }, errors: { self.takeErrors($0) })
            self.finish()
            continuation.resume(returning: .success(end))
          } catch {
            continuation.resume(returning: .failure(error))
          }
        }
      }
    } onCancel: {
      stream.stop()
    }
  }

  /// Ends a program that doesn't begin in time.
  private func watchStart() async {
    guard (try? await time.sleep(registry.startLimit)) != nil else { return }
    let isReady = state.withLock { $0.isReady }
    guard !isReady else { return forgetUnnamed() }
    let what = registry.writer == .program ? "snapshot" : "line"
    end(
      .program(
        RegistryError(
          .deadlineExceeded,
          "\(registry.name) had no \(what) within \(DurationText.text(of: registry.startLimit)), and was ended"
        )))
  }

  /// Sources that a program had which was started again, and that it hasn't named since, are no more.
  private func forgetUnnamed() {
    let gone = state.withLock { state in
      guard state.hasSnapshot else { return Set<RegistrySource>() }
      defer {
        state.known.subtract(state.unnamed)
        state.unnamed = []
      }
      return state.unnamed
    }
    guard !gone.isEmpty else { return }
    let batch = RegistryBatch(updates: gone.sorted().map { .sourceGone($0) })
    do throws(RegistryError) { try session.apply(batch) } catch { end(.registry(error)) }
  }

  private func end(_ end: End) {
    state.withLock { state in if state.end == nil { state.end = end } }
    stream.stop()
  }

  private func publish() {
    publications.hand { [stream] desired in stream.send(HostLineWriter.publish(desired)) }
  }

  // MARK: On the program's thread

  private func take(_ bytes: ArraySlice<UInt8>) {
    // Out of the lock while lines are worked on: only this thread has them.
    var lines = state.withLock { state in
      defer { state.lines = ProtocolLines() }
      return state.lines
    }
    lines.take(bytes) { self.take($0) }
    state.withLock { [lines] in $0.lines = lines }
  }

  private func finish() {
    var (lines, errors) = state.withLock { ($0.lines, $0.errors) }
    // A line without its end may be half of one: only a whole object is taken.
    lines.finish { self.take($0) }
    errors.finish { self.logError($0) }
  }

  private func take(_ line: ProtocolLines.Line) {
    let number = state.withLock { state in
      state.number += 1
      return state.number
    }
    guard state.withLock({ $0.end == nil }) else { return }
    do throws(RegistryError) {
      switch line {
      case .tooLong:
        throw RegistryError(.limitExceeded, "it has more than \(ProtocolLimits.lineBytes) bytes")
      case .whole(let bytes): try take(try reader.read(bytes), number)
      }
    } catch {
      refuse(number, error)
    }
  }

  /// What can't be read of a person's program is told, and the rest counts; a host of plugins makes no such mistakes.
  private func refuse(_ number: Int, _ error: RegistryError) {
    let message = "line \(number): \(error.message)"
    state.withLock { $0.assembly.clear() }
    switch registry.writer {
    case .plugin: end(.program(RegistryError(error.code, "\(registry.name) broke the protocol: \(message)")))
    case .program:
      apply(RegistryBatch(), line: (number, [error.message]))
    }
  }

  private func take(_ line: ProgramLine, _ number: Int) throws(RegistryError) {
    if let hello = line.hello { take(hello) }
    for entry in line.log { log(entry.level, entry.message) }
    if registry.writer == .plugin, let problem = line.problems.first {
      throw RegistryError(.invalidArgument, problem)
    }
    if line.hidesNodes { state.withLock { $0.hidesNodes = true } }
    let batch = try assembled(line)
    if batch != nil || !line.problems.isEmpty || registry.writer == .program {
      apply(batch ?? RegistryBatch(), line: (number, line.problems))
    }
    for outcome in line.outcomes { session.published(outcome.revision, outcome.error) }
    if let failed = line.failed { end(.registry(failed)) }
  }

  private func assembled(_ line: ProgramLine) throws(RegistryError) -> RegistryBatch? {
    let (batch, error) = state.withLock { state -> (RegistryBatch?, RegistryError?) in
      do throws(RegistryError) {
        return (try state.assembly.take(line.batch, continues: line.continues), nil)
      } catch {
        return (nil, error)
      }
    }
    if let error { throw error }
    return batch
  }

  private func take(_ hello: ProgramDescription) {
    guard hello.version <= ProtocolLimits.version else {
      return end(
        .registry(
          RegistryError(
            .unsupported,
            "\(registry.name) speaks version \(hello.version) of the protocol, and this host \(ProtocolLimits.version)"
          )))
    }
    if registry.writer == .plugin { state.withLock { $0.isReady = true } }
    if registry.publishes == nil, hello.publishes == true { publish() }
  }

  private func apply(_ batch: RegistryBatch, line: (number: Int, problems: [String])) {
    let batch = state.withLock { state in
      var batch = batch
      state.unnamed.subtract(batch.expectedSources ?? [])
      state.unnamed.subtract(batch.updates.map(\.source))
      batch.updates = Self.updates(batch.updates, &state)
      let hasSnapshot = batch.updates.contains { if case .snapshot = $0 { true } else { false } }
      if hasSnapshot {
        state.hasSnapshot = true
        state.isReady = true
      }
      let own = batch.reports.last { $0.aspect == .reading && $0.source == .only }
      if let own {
        state.isReadingFailing = own.error != nil
      } else if state.isReadingFailing, hasSnapshot {
        state.isReadingFailing = false
        batch.reports.append(HealthReport(.reading, nil))
      }
      if registry.writer == .program {
        let says = batch.reports.contains { $0.aspect == .content && $0.source == .only }
        if let report = state.problems.take(line.number, line.problems, batch.updates), !says {
          batch.reports.append(report)
        }
      }
      return batch
    }
    guard !batch.isEmpty else { return }
    do throws(RegistryError) { try session.apply(batch) } catch { end(.registry(error)) }
  }

  /// `updates`, in which snapshots that may lack nodes take none away that were known before.
  private static func updates(_ updates: [RegistryUpdate], _ state: inout State) -> [RegistryUpdate] {
    guard !updates.isEmpty else { return updates }
    defer { state.hidesNodes = false }
    var result: [RegistryUpdate] = []
    result.reserveCapacity(updates.count)
    for update in updates {
      switch update {
      case .snapshot(let records, let source, _):
        let isKnown = !state.known.insert(source).inserted
        if state.hidesNodes, isKnown {
          result += records.map { .upsert($0, source: source) }
        } else {
          result.append(update)
        }
      case .sourceGone(let source):
        state.known.remove(source)
        result.append(update)
      case .upsert, .remove: result.append(update)
      }
    }
    return result
  }

  // MARK: Its log

  private func takeErrors(_ bytes: ArraySlice<UInt8>) {
    var errors = state.withLock { $0.errors }
    errors.take(bytes) { self.logError($0) }
    state.withLock { [errors] in $0.errors = errors }
  }

  private func logError(_ line: ProtocolLines.Line) {
    guard case .whole(let bytes) = line else { return }
    let text = ValueReader.oneLine(String(decoding: bytes, as: UTF8.self))
    state.withLock { $0.lastError = String(text.prefix(200)) }
    if let level = registry.errorLevel { log(level, text) }
  }

  private func log(_ level: Logger.Level, _ text: String) {
    guard level >= session.logger.logLevel else { return }
    let (isAllowed, leftOut) = state.withLock { $0.budget.take(at: time.elapsed) }
    guard isAllowed else { return }
    if leftOut > 0 {
      session.logger.warning(
        "\(registry.name) logs too much: lines were left out", metadata: ["lines": "\(leftOut)"])
    }
    session.logger.log(level: level, "\(text)")
  }
}

/// How a program's end is told.
package enum ProgramEnd {
  /// Why `name` couldn't be started or was ended.
  package static func error(_ failure: ChildProgram.Failure, of name: String) -> RegistryError {
    switch failure {
    case .notStarted(let why, _): RegistryError(.unavailable, "\(name) can't be started: \(why)")
    case .deadline: RegistryError(.deadlineExceeded, "\(name) took too long, and was ended")
    case .tooMuchOutput: RegistryError(.limitExceeded, "\(name) printed too much, and was ended")
    case .cancelled: RegistryError(.stopped, "\(name) was ended")
    }
  }

  /// What `name`, which was to go on, ended with.
  package static func error(
    _ end: ChildProgram.End, of name: String, lastError: String, isHalf: Bool = false
  ) -> RegistryError {
    var text = "\(name) \(Self.text(end.status))"
    if isHalf { text += " within a batch, which isn't taken" }
    if !lastError.isEmpty { text += "; its last words: \(lastError)" }
    return RegistryError(.unavailable, text)
  }

  /// `ended with exit code 3`, `was ended by signal 11 (segmentation fault)`.
  package static func text(_ status: Int32) -> String {
    guard status < 0 else { return "ended with exit code \(status)" }
    let names: [Int32: String] = [
      1: "hangup", 2: "interrupt", 4: "illegal instruction", 6: "abort", 7: "bus error",
      8: "arithmetic error", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 14: "alarm",
      15: "terminated", 24: "CPU time limit", 25: "file size limit", 31: "bad system call",
    ]
    return "was ended by signal \(-status)" + (names[-status].map { " (\($0))" } ?? "")
  }
}

/// What of a program's lines can't be used, until other lines take their place.
struct ContentProblems: Sendable {
  /// The most that are kept, and named in a report.
  private static let limits = (kept: 100, named: 10)

  private var lines: [(number: Int, problems: [String])] = []
  private var reported: [String] = []

  /// Takes what is wrong with a line.
  ///
  /// - Returns: the new report; nil where the one before still holds.
  mutating func take(_ number: Int, _ problems: [String], _ updates: [RegistryUpdate]) -> HealthReport? {
    // Only a snapshot says all anew: what a broken line was to change is missing until then.
    let hasSnapshot = updates.contains { if case .snapshot = $0 { true } else { false } }
    if hasSnapshot { lines = [] }
    if !problems.isEmpty {
      lines.append((number, problems))
      if lines.count > Self.limits.kept { lines.removeFirst() }
    }
    let all = lines.flatMap { line in line.problems.map { "line \(line.number): \($0)" } }
    guard all != reported else { return nil }
    reported = all
    guard !all.isEmpty else { return HealthReport(.content, nil) }
    var shown = Array(all.suffix(Self.limits.named))
    if all.count > shown.count { shown.append("and \(all.count - shown.count) more") }
    return HealthReport(.content, RegistryError(.invalidArgument, shown.joined(separator: "; ")))
  }
}
