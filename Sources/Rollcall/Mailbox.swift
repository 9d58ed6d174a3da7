import ClusterModel
import RegistryKit
import Synchronization

/// What one run of a registry has told and the merge hasn't taken in yet.
///
/// Telling never waits. What piles up is bounded by what there is to know, not by how often it is told: of
/// each node of a source only the newest word is kept, and a source's snapshot replaces all that it told
/// before. Sources are independent of each other, so the order within each is all that counts.
final class Mailbox: Sendable {
  struct Limits {
    /// The most nodes that a registry may know.
    var nodes = 250_000
    var sources = RegistrySource.maximumCount
  }

  private struct State {
    /// What was told, by source, in the order in which the sources first told something.
    var pending: [SourceBatch] = []
    /// The sources that told a snapshot and aren't gone.
    var known: Set<RegistrySource> = []
    /// The sources that were named and haven't told a snapshot yet.
    var awaited: Set<RegistrySource> = []
    /// Whether any source has told a snapshot.
    var hasTold = false
    /// Whether it was handed out that the registry has told what it knows.
    var isSynced = false
    var health: Batch.Health?
    var publicAddress: IPAddress?
    var end: RegistryError?
  }

  private let limits: Limits
  private let state = Mutex(State())
  /// Raised when there is something to take, and at the end.
  let signal = Signal()

  init(limits: Limits = Limits()) { self.limits = limits }

  /// Why nothing more is taken; nil while it is open.
  var end: RegistryError? { state.withLock { $0.end } }

  /// Takes in `event`. What it throws but ``RegistryError/Code/stopped`` ends the run.
  func send(_ event: RegistryEvent) throws(RegistryError) {
    let error: RegistryError? = state.withLock { state in
      if let end = state.end {
        return end.code == .stopped ? end : Self.stopped
      }
      do throws(RegistryError) {
        try take(event, into: &state)
        return nil
      } catch {
        state.end = error
        return error
      }
    }
    if error?.code != .stopped { signal.raise() }
    if let error { throw error }
  }

  /// Takes out all that there is; nil where there is nothing.
  func take() -> Batch? {
    state.withLock { state in
      let batch = Batch(
        sources: state.pending, health: state.health, publicAddress: state.publicAddress,
        completesSync: !state.isSynced && state.hasTold && state.awaited.isEmpty)
      if batch.completesSync { state.isSynced = true }
      state.pending = []
      state.health = nil
      state.publicAddress = nil
      return batch.isEmpty ? nil : batch
    }
  }

  /// Listens no more: whoever tells something is told that it has been stopped.
  func close() {
    state.withLock { state in
      if state.end == nil { state.end = Self.stopped }
    }
    signal.raise()
  }

  private static let stopped = RegistryError(
    .stopped, "the registry has been stopped; what it tells is no longer heard")

  private func take(_ event: RegistryEvent, into state: inout State) throws(RegistryError) {
    switch event {
    case .sources(let sources):
      let sources = Set(sources)
      try RegistrySource.checkCount(sources.count, limit: limits.sources)
      state.awaited = sources.subtracting(state.known)
    case .healthy: state.health = .healthy
    case .degraded(let error): state.health = .degraded(error)
    case .publicAddress(let address): state.publicAddress = address
    case .update(.snapshot(let records, let source)):
      guard records.count <= limits.nodes else { throw tooManyNodes(records.count) }
      try checkUnique(records)
      if !state.known.contains(source) {
        guard state.known.count < limits.sources else {
          throw RegistryError(.limitExceeded, "a registry may have at most \(limits.sources) sources")
        }
        state.known.insert(source)
      }
      try at(source, in: &state) { $0 = SourceBatch(source: source, base: .snapshot(records)) }
      state.hasTold = true
      state.awaited.remove(source)
    case .update(.upsert(let record, let source)):
      try change(record.affiliate.nodeID, .upsert(record), of: source, in: &state)
    case .update(.remove(let nodeID, let source)):
      try change(nodeID, .remove(nodeID), of: source, in: &state)
    case .update(.sourceGone(let source)):
      state.awaited.remove(source)
      guard state.known.remove(source) != nil else { return }
      try at(source, in: &state) { $0 = SourceBatch(source: source, base: .gone) }
    }
  }

  private func change(
    _ nodeID: NodeIdentity, _ change: SourceBatch.NodeChange, of source: RegistrySource,
    in state: inout State
  ) throws(RegistryError) {
    guard state.known.contains(source) else {
      let name = source.name.isEmpty ? "the registry" : "source '\(source.name)'"
      throw RegistryError(
        .invalidArgument, "\(name) told a change of node '\(nodeID)' before its first snapshot")
    }
    var count = 0
    try at(source, in: &state) { batch in
      batch.put(change, of: nodeID)
      count = batch.changes.count
    }
    guard count <= limits.nodes else { throw tooManyNodes(count) }
  }

  /// Lets `body` change what is pending of `source`.
  private func at(
    _ source: RegistrySource, in state: inout State, _ body: (inout SourceBatch) -> Void
  ) throws(RegistryError) {
    if let index = state.pending.firstIndex(where: { $0.source == source }) {
      return body(&state.pending[index])
    }
    // Sources that come and go faster than they are taken in.
    guard state.pending.count < 4 * limits.sources else {
      throw RegistryError(.limitExceeded, "more than \(4 * limits.sources) sources came and went at once")
    }
    var batch = SourceBatch(source: source, base: .unchanged)
    body(&batch)
    state.pending.append(batch)
  }

  private func checkUnique(_ records: [AffiliateRecord]) throws(RegistryError) {
    var seen = Set<NodeIdentity>(minimumCapacity: records.count)
    for record in records where !seen.insert(record.affiliate.nodeID).inserted {
      throw RegistryError(
        .invalidArgument, "node '\(record.affiliate.nodeID)' is in a snapshot twice; each may be in it once")
    }
  }

  private func tooManyNodes(_ count: Int) -> RegistryError {
    .tooManyNodes(count, limit: limits.nodes)
  }
}

extension RegistryError {
  static func tooManyNodes(_ count: Int, limit: Int) -> RegistryError {
    RegistryError(.limitExceeded, "the registry told of \(count) nodes; a registry may have \(limit)")
  }
}

/// What was told since the last time, the newest word of each node only.
struct Batch: Sendable {
  enum Health: Hashable, Sendable {
    case healthy
    case degraded(RegistryError)
  }

  var sources: [SourceBatch]
  var health: Health?
  var publicAddress: IPAddress?
  /// Whether with this batch each source that was awaited has told what it knows, for the first time.
  var completesSync = false

  var isEmpty: Bool { sources.isEmpty && health == nil && publicAddress == nil && !completesSync }
}

/// What one source told: what all its records are to be, and then what became of single nodes.
struct SourceBatch: Sendable {
  enum Base: Hashable, Sendable {
    case unchanged
    case snapshot([AffiliateRecord])
    case gone
  }

  enum NodeChange: Hashable, Sendable {
    case upsert(AffiliateRecord)
    case remove(NodeIdentity)
  }

  let source: RegistrySource
  let base: Base
  private(set) var changes: [NodeChange] = []
  /// Where in ``changes`` a node's newest word is.
  private var index: [NodeIdentity: Int] = [:]

  init(source: RegistrySource, base: Base) {
    self.source = source
    self.base = base
  }

  mutating func put(_ change: NodeChange, of nodeID: NodeIdentity) {
    if let place = index[nodeID] {
      changes[place] = change
    } else {
      index[nodeID] = changes.count
      changes.append(change)
    }
  }
}
