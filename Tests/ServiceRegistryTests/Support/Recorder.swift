import ClusterModel
import RegistryKit
import Synchronization
import TestSupport

/// A host that remembers what a registry gives it, and has it publish.
final class Recorder: Sendable {
  struct State {
    var records: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
    var snapshots = 0
    /// `a expired`: who was removed, and why.
    var removed: [String] = []
    /// What doesn't work.
    var problems: [Aspect: RegistryError] = [:]
    var reports: [HealthReport] = []
    var addresses: [IPAddress] = []
    var expectedSources: [[String]] = []
    /// Each batch, in a line: `snapshot a b, reading`, `reading: cut`.
    var batches: [String] = []
    var outcomes: [Outcome] = []
    var revision: UInt64 = 0
  }

  struct Aspect: Hashable {
    var source: RegistrySource
    var aspect: HealthAspect
  }

  struct Outcome: Equatable {
    var revision: UInt64
    var error: RegistryError?
  }

  private let mutex = Mutex(State())
  private let desired: AsyncStream<DesiredPublication>
  private let desiredSink: AsyncStream<DesiredPublication>.Continuation

  init() { (desired, desiredSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  var state: State { mutex.withLock { $0 } }

  /// A session that is remembered. One in a test, as what is desired is read once.
  func session(_ context: RegistryContext, _ clock: any Clock<Duration>) -> RegistrySession {
    RegistrySession(
      context: context, clock: clock, desired: DesiredPublications(desired),
      onPublished: { revision, error in
        self.mutex.withLock { $0.outcomes.append(Outcome(revision: revision, error: error)) }
      },
      receive: { self.take($0) })
  }

  // MARK: What it was given

  /// What doesn't work, all in one line; empty where all does.
  var status: String {
    state.problems.sorted {
      ($0.key.source, $0.key.aspect.rawValue) < ($1.key.source, $1.key.aspect.rawValue)
    }
    .map(\.value.message).joined(separator: "; ")
  }

  func problem(_ aspect: HealthAspect, _ source: RegistrySource = .only) -> RegistryError? {
    state.problems[Aspect(source: source, aspect: aspect)]
  }

  /// The nodes of a source, stale ones with a question mark.
  func nodes(_ source: RegistrySource = .only) -> [String] {
    (state.records[source] ?? [:]).values.map { $0.affiliate.nodeID.text + ($0.isStale ? "?" : "") }.sorted()
  }

  func record(_ node: String) -> AffiliateRecord? {
    state.records[.only]?.values.first { $0.affiliate.nodeID.text == node }
  }

  private func take(_ batch: RegistryBatch) {
    mutex.withLock { state in
      if let sources = batch.expectedSources { state.expectedSources.append(sources.map(\.name).sorted()) }
      if let address = batch.publicAddress { state.addresses.append(address) }
      for update in batch.updates { state.apply(update) }
      for report in batch.reports {
        state.problems[Aspect(source: report.source, aspect: report.aspect)] = report.error
        state.reports.append(report)
      }
      let texts =
        batch.updates.map(Self.text)
        + batch.reports.map { report in
          report.error.map { "\(report.aspect): \($0.message)" } ?? "\(report.aspect)"
        }
      if !texts.isEmpty { state.batches.append(texts.joined(separator: ", ")) }
    }
  }

  static func text(_ update: RegistryUpdate) -> String {
    func text(_ record: AffiliateRecord) -> String {
      record.affiliate.nodeID.text + (record.isStale ? "?" : "")
    }
    return switch update {
    case .snapshot(let records, _, _): (["snapshot"] + records.map(text)).joined(separator: " ")
    case .upsert(let record, _): "+\(text(record))"
    case .remove(let nodeID, _, let reason): "-\(nodeID) \(reason)"
    case .sourceGone(let source): "gone: \(source.name)"
    }
  }

  // MARK: What is to be published

  /// Has `publication` published from now on; nil: withdrawn.
  ///
  /// - Returns: its revision.
  @discardableResult
  func desire(_ publication: Publication?) -> UInt64 {
    let revision = mutex.withLock { state in
      state.revision += 1
      return state.revision
    }
    desiredSink.yield(DesiredPublication(revision: revision, publication: publication))
    return revision
  }

  /// Asks for `publication` again, which was the newest, as a host does after a failure.
  func desireAgain(_ publication: Publication?) {
    desiredSink.yield(DesiredPublication(revision: state.revision, publication: publication))
  }

  /// The outcomes of `revision`, in order.
  func outcomes(_ revision: UInt64) -> [RegistryError?] {
    state.outcomes.filter { $0.revision == revision }.map(\.error)
  }

  /// Has `publication` published and waits for the outcome.
  ///
  /// - Throws: why it couldn't be.
  func publish(_ publication: Publication?) async throws {
    let revision = desire(publication)
    try await eventually("an outcome of \(revision)") { !outcomes(revision).isEmpty }
    if let error = outcomes(revision)[0] { throw error }
  }
}

extension Recorder.State {
  fileprivate mutating func apply(_ update: RegistryUpdate) {
    switch update {
    case .snapshot(let new, let source, _):
      snapshots += 1
      records[source] = Dictionary(new.map { ($0.affiliate.nodeID, $0) }, uniquingKeysWith: { $1 })
    case .upsert(let record, let source): records[source, default: [:]][record.affiliate.nodeID] = record
    case .remove(let nodeID, let source, let reason):
      records[source, default: [:]][nodeID] = nil
      removed.append("\(nodeID) \(reason)")
    case .sourceGone(let source): records[source] = nil
    }
  }
}
