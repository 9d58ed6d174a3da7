public import ClusterModel
public import Logging
public import RegistryKit
import Synchronization
import TestSupport

/// Runs a registry over sessions of its own, and lets a test wait for what it gives them.
public final class SessionRecorder: Sendable {
  private let state = Mutex(SessionRecord())
  private let log = LogRecorder()
  private let desired: AsyncStream<DesiredPublication>
  private let desiredSink: AsyncStream<DesiredPublication>.Continuation
  private let revision = Mutex<UInt64>(0)

  public init() {
    (desired, desiredSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// What the registry has given so far.
  public var now: SessionRecord {
    var record = state.withLock { $0 }
    record.log = log.lines.filter { !$0.hasPrefix("debug: ") }
    return record
  }
  /// Logs to ``SessionRecord/log``.
  public var logger: Logger { log.logger }

  /// A session that records what it is given, for a run that the test starts by itself. One session at a time has
  /// publications.
  ///
  /// - Parameter check: what each batch must pass; one that doesn't isn't recorded.
  public func session(
    localNodeID: NodeIdentity? = nil, staleAfter: Duration = .zero,
    clock: any Clock<Duration> = ContinuousClock(),
    check: @escaping @Sendable (RegistryBatch) throws(RegistryError) -> Void = { _ in }
  ) -> RegistrySession {
    RegistrySession(
      context: RegistryContext(
        name: "test", localNodeID: localNodeID, staleAfter: staleAfter, logger: logger), clock: clock,
      desired: DesiredPublications(desired),
      onPublished: { revision, error in
        self.state.withLock { $0.outcomes.append(.init(revision: revision, error: error)) }
      },
      receive: { (batch) throws(RegistryError) in
        try check(batch)
        self.state.withLock { $0.apply(batch) }
      })
  }

  /// Runs `registry` while `body` does.
  ///
  /// - Parameter refusal: what each batch is refused with.
  /// - Throws: what the run ends with before `body` does, unless it was cancelled, and what `body` throws.
  public func run(
    _ registry: any Registry, localNodeID: String? = nil, staleAfter: Duration = .zero,
    clock: any Clock<Duration> = ContinuousClock(), refusal: RegistryError? = nil,
    _ body: @Sendable @escaping () async throws -> Void
  ) async throws {
    let session = session(
      localNodeID: try localNodeID.map { try NodeIdentity($0) }, staleAfter: staleAfter, clock: clock
    ) { (_) throws(RegistryError) in if let refusal { throw refusal } }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          try await registry.run(session)
        } catch is CancellationError {
        }
        return false
      }
      group.addTask {
        try await body()
        return true
      }
      defer { group.cancelAll() }
      while try await group.next() == false {}
    }
  }

  /// Wants `publication` published, nil withdrawn.
  ///
  /// - Returns: the revision of it.
  @discardableResult
  public func publish(_ publication: Publication?) -> UInt64 {
    let revision = revision.withLock { revision in
      revision += 1
      return revision
    }
    desiredSink.yield(DesiredPublication(revision: revision, publication: publication))
    return revision
  }

  /// Wants `publication` published, and waits for the first outcome of that.
  ///
  /// - Throws: why it can't be published.
  public func published(_ publication: Publication?, within limit: Duration = .seconds(60)) async throws {
    let revision = publish(publication)
    let record = try await wait(for: "the outcome of revision \(revision)", within: limit) {
      $0.outcomes.contains { $0.revision == revision }
    }
    if let error = record.outcomes.first(where: { $0.revision == revision })?.error { throw error }
  }

  /// Asks once more for the newest publication, as a host does after a failure.
  public func retry(_ publication: Publication?) {
    desiredSink.yield(
      DesiredPublication(revision: revision.withLock { $0 }, publication: publication))
  }

  /// Waits until `condition` holds of what the registry has given.
  @discardableResult
  public func wait(
    for what: String, within limit: Duration = .seconds(60),
    _ condition: @Sendable (SessionRecord) -> Bool
  ) async throws -> SessionRecord {
    do {
      try await eventually(what, within: limit) { condition(now) }
    } catch is NotInTime {
      let now = now
      throw NotInTime(
        description: "not within \(limit): \(what); updates: \(now.updates.suffix(6).map(\.summary)); "
          + "errors: \(now.errors.suffix(3)); outcomes: \(now.outcomes.suffix(3)); log: \(now.log.suffix(6))")
    }
    return now
  }
}
