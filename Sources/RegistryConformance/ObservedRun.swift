import ClusterModel
import Logging
import RegistryKit
import Synchronization

/// One run of a registry, with everything that it applied.
final class ObservedRun: Sendable {
  struct State: Sendable {
    var batches: [RegistryBatch] = []
    /// The newest outcome of each publication, by its revision.
    var outcomes: [UInt64: Result<Void, RegistryError>] = [:]
    /// Whether it reads what is to be published.
    var readsPublications = false
    /// How it ended: without an error or with one. Nil while it runs.
    var end: Result<Void, RegistryError>?
  }

  let registry: any Registry
  private let state = Mutex(State())
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let desired: AsyncStream<DesiredPublication>.Continuation

  /// Starts to run `registry`, whose session logs to `logger`.
  init(_ registry: any Registry, logger: Logger) {
    self.registry = registry
    let (stream, desired) = AsyncStream.makeStream(
      of: DesiredPublication.self, bufferingPolicy: .bufferingNewest(1))
    self.desired = desired
    // Unstructured: a registry that doesn't end on cancellation must not keep the checks from ending.
    let run = Task { [weak self] in
      let session = RegistrySession(
        context: RegistryContext(name: "conformance", logger: logger),
        desired: DesiredPublications(stream) { [weak self] in
          self?.state.withLock { $0.readsPublications = true }
        },
        onPublished: { [weak self] revision, error in
          self?.state.withLock { $0.outcomes[revision] = error.map { .failure($0) } ?? .success(()) }
        },
        receive: { [weak self] batch throws(RegistryError) in
          self?.state.withLock { $0.batches.append(batch) }
        })
      let end: Result<Void, RegistryError>
      do {
        try await registry.run(session)
        end = .success(())
      } catch {
        end = .failure(RegistryError(error))
      }
      self?.state.withLock { $0.end = end }
    }
    task.withLock { $0 = run }
  }

  deinit { cancel() }

  func cancel() { task.withLock { $0?.cancel() } }

  /// Lets the registry publish `publication` as `revision`.
  func publish(_ publication: Publication?, revision: UInt64) {
    desired.yield(DesiredPublication(revision: revision, publication: publication))
  }

  var now: State { state.withLock { $0 } }

  var updates: [RegistryUpdate] { now.updates }
}

extension ObservedRun.State {
  var updates: [RegistryUpdate] { batches.flatMap(\.updates) }

  /// The sources that it named and that had no snapshot and aren't gone.
  var awaited: Set<RegistrySource> {
    var awaited: Set<RegistrySource> = []
    var known: Set<RegistrySource> = []
    for batch in batches {
      if let expected = batch.expectedSources { awaited = Set(expected).subtracting(known) }
      for update in batch.updates {
        switch update {
        case .snapshot(_, let source, _):
          known.insert(source)
          awaited.remove(source)
        case .sourceGone(let source):
          known.remove(source)
          awaited.remove(source)
        case .upsert, .remove: break
        }
      }
    }
    return awaited
  }

  /// The newest report of each aspect of each source.
  var reports: [HealthReport] {
    var reports: [HealthReport] = []
    for report in batches.flatMap(\.reports) {
      reports.removeAll { $0.aspect == report.aspect && $0.source == report.source }
      reports.append(report)
    }
    return reports
  }

  /// Why something doesn't work: the end where it was a failure, else the first report of a problem.
  var trouble: RegistryError? {
    if case .failure(let error) = end { return error }
    return reports.lazy.compactMap(\.error).first
  }

  /// All nodes that are known after these batches, by source.
  var nodes: [RegistrySource: Set<NodeIdentity>] {
    var nodes: [RegistrySource: Set<NodeIdentity>] = [:]
    for update in updates {
      switch update {
      case .snapshot(let records, let source, _): nodes[source] = Set(records.map(\.affiliate.nodeID))
      case .upsert(let record, let source): nodes[source, default: []].insert(record.affiliate.nodeID)
      case .remove(let nodeID, let source, _): nodes[source]?.remove(nodeID)
      case .sourceGone(let source): nodes[source] = nil
      }
    }
    return nodes
  }
}
