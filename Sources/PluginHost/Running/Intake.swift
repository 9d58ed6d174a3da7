import CRegistryPlugin
import ClusterModel
import Logging
import RegistryKit
import Synchronization

/// What one instance of a plugin says: checked, kept in order, and handed on until it is closed.
///
/// The first thing that breaks a rule fails the registry: it closes, and ``end`` tells why.
final class Intake: Sendable {
  private enum Phase {
    case open
    /// Nothing is heard any more, and the instance is still at work.
    case closing
    /// The instance is gone; to say something now is a fault.
    case closed(isTold: Bool)
  }

  private struct State {
    var phase = Phase.open
    var nodes: [RegistrySource: Set<NodeIdentity>] = [:]
    /// The sources that were named; the end of one that told nothing yet counts too.
    var named: Set<RegistrySource> = []

    var isOpen: Bool { if case .open = phase { true } else { false } }

    /// How many nodes there are without those of `source`.
    func count(without source: RegistrySource) -> Int {
      nodes.reduce(0) { $0 + ($1.key == source ? 0 : $1.value.count) }
    }
  }

  /// Why the registry is at its end; nil where it was only told to stop.
  let end = OneShot<RegistryError?>()

  private let updates: RegistryUpdates
  private let limits: BoundaryLimits
  private let logger: Logger
  private let speechAfterEnd: SpeechAfterEnd
  private let state = Mutex(State())
  private let logBudget: Mutex<LogBudget>
  private let now: @Sendable () -> ContinuousClock.Instant

  init(
    updates: RegistryUpdates, limits: BoundaryLimits, logger: Logger,
    speechAfterEnd: SpeechAfterEnd = SpeechAfterEnd(),
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.now = now
    logBudget = Mutex(LogBudget(now: now()))
    self.speechAfterEnd = speechAfterEnd
    self.updates = updates
    self.limits = limits
    self.logger = logger
  }

  /// Hears nothing any more. What is being handed on at this moment has been handed on when it returns.
  func close() {
    state.withLock { state in
      if case .open = state.phase { state.phase = .closing }
      state.nodes = [:]
    }
  }

  /// Tells that the instance is gone: nothing may come any more.
  func instanceIsGone() {
    state.withLock { $0.phase = .closed(isTold: false) }
    tellLeftOut(logBudget.withLock { $0.takeLeftOut() })
  }

  /// Ends the registry with `error`, unless it is at its end already.
  func fail(_ error: RegistryError) {
    close()
    end.fulfil(error)
  }

  /// Does `body`, and fails the registry with what it throws.
  private func failing(_ body: () throws(RegistryError) -> Void) throws(RegistryError) {
    try checkOpen()
    do {
      try body()
    } catch {
      if error.code != .stopped { fail(error) }
      throw error
    }
  }

  private func checkOpen() throws(RegistryError) {
    let (isOpen, isFault) = state.withLock { state in
      if case .closed(isTold: false) = state.phase {
        state.phase = .closed(isTold: true)
        return (false, true)
      }
      return (state.isOpen, false)
    }
    if isFault {
      speechAfterEnd.note()
      logger.warning("the plugin goes on speaking after it was stopped; it isn't heard")
    }
    guard isOpen else { throw Self.stopped }
  }

  private static let stopped = RegistryError(.stopped, "the registry has been told to stop")
}

// MARK: Updates

extension Intake {
  func sources(_ sources: UnsafePointer<registry_string_v1>?, count: Int) throws(RegistryError) {
    try failing { () throws(RegistryError) in
      let sources = try BoundaryReader(limits: limits).sources(sources, count: count)
      try change { state throws(RegistryError) in
        try updates.sources(sources)
        state.named = Set(sources)
      }
    }
  }

  func snapshot(
    _ source: registry_string_v1, _ affiliates: UnsafePointer<registry_affiliate_v1>?, count: Int
  ) throws(RegistryError) {
    try failing { () throws(RegistryError) in
      // What is too much is refused before anything is copied.
      var reader = BoundaryReader(limits: limits)
      try reader.checkNodes(count)
      let source = try reader.source(source)
      let records = try reader.records(affiliates, count: count)
      var nodes = Set<NodeIdentity>(minimumCapacity: records.count)
      for record in records where !nodes.insert(record.affiliate.nodeID).inserted {
        throw RegistryError(
          .invalidArgument, "the snapshot has node '\(record.affiliate.nodeID)' twice; each may be in it once"
        )
      }
      try change { state throws(RegistryError) in
        try checkTotal(state.count(without: source) + nodes.count)
        if state.nodes[source] == nil, state.nodes.count >= RegistrySource.maximumCount {
          throw RegistryError(
            .limitExceeded,
            "source '\(source.name)' is one more than the \(RegistrySource.maximumCount) that a registry may have"
          )
        }
        try updates.snapshot(records, source: source)
        state.nodes[source] = nodes
      }
    }
  }

  func upsert(
    _ source: registry_string_v1, _ affiliate: UnsafePointer<registry_affiliate_v1>?
  ) throws(RegistryError) {
    try failing { () throws(RegistryError) in
      var reader = BoundaryReader(limits: limits)
      let source = try reader.source(source)
      guard let affiliate else { throw RegistryError(.invalidArgument, "upsert was given NULL for the node") }
      let record = try reader.record(affiliate)
      let nodeID = record.affiliate.nodeID
      try change { state throws(RegistryError) in
        try checkKnown(source, "node '\(nodeID)' was told", state)
        if state.nodes[source]?.contains(nodeID) == false {
          try checkTotal(state.nodes.reduce(1) { $0 + $1.value.count })
        }
        try updates.upsert(record, source: source)
        state.nodes[source]?.insert(nodeID)
      }
    }
  }

  func remove(_ source: registry_string_v1, _ nodeID: registry_string_v1) throws(RegistryError) {
    try failing { () throws(RegistryError) in
      let reader = BoundaryReader(limits: limits)
      let source = try reader.source(source)
      let nodeID = try reader.nodeID(nodeID)
      try change { state throws(RegistryError) in
        try checkKnown(source, "node '\(nodeID)' was removed", state)
        guard state.nodes[source]?.remove(nodeID) != nil else { return }
        try updates.remove(nodeID, source: source)
      }
    }
  }

  func sourceGone(_ source: registry_string_v1) throws(RegistryError) {
    try failing { () throws(RegistryError) in
      let source = try BoundaryReader(limits: limits).source(source)
      try change { state throws(RegistryError) in
        let wasNamed = state.named.remove(source) != nil
        guard state.nodes.removeValue(forKey: source) != nil || wasNamed else { return }
        try updates.sourceGone(source)
      }
    }
  }

  /// Does `body` unless nothing is heard any more. The lock is held while what is said is handed on, as
  /// that is what keeps it in order; who receives it never waits.
  private func change(_ body: (inout State) throws(RegistryError) -> Void) throws(RegistryError) {
    try state.withLock { state throws(RegistryError) in
      guard state.isOpen else { throw Self.stopped }
      try body(&state)
    }
  }

  private func checkTotal(_ count: Int) throws(RegistryError) {
    try BoundaryReader(limits: limits).checkNodes(count)
  }

  private func checkKnown(
    _ source: RegistrySource, _ what: String, _ state: State
  ) throws(RegistryError) {
    guard state.nodes[source] == nil else { return }
    let name = source.name.isEmpty ? "its source" : "source '\(source.name)'"
    throw RegistryError(.invalidArgument, "\(what) before the first snapshot of \(name)")
  }
}

// MARK: Status and log

extension Intake {
  func status(_ number: UInt32, code: registry_code, _ text: registry_string_v1) {
    let message = BoundaryMessage.oneLine(text)
    let error = RegistryError(
      .init(boundary: code), message.isEmpty ? "the plugin doesn't say why" : message)
    // What the receiver refuses fails the registry as it does in updates.
    try? failing { () throws(RegistryError) in
      switch Int(number) {
      case REGISTRY_STATE_FAILED: throw error
      case REGISTRY_STATE_HEALTHY: try change { _ throws(RegistryError) in try updates.healthy() }
      default: try change { _ throws(RegistryError) in try updates.degraded(error) }
      }
    }
  }

  func publicAddress(_ raw: registry_address_v1) {
    try? failing { () throws(RegistryError) in
      guard let address = try BoundaryReader(limits: limits).address(raw, "public_address") else {
        throw RegistryError(.invalidArgument, "public_address has no address: its family is 0, not 4 or 6")
      }
      try change { _ throws(RegistryError) in try updates.publicAddress(address) }
    }
  }

  func log(level: UInt32, _ text: registry_string_v1) {
    // Also while it stops: the last words are often the ones that matter.
    let isGone = state.withLock { if case .closed = $0.phase { true } else { false } }
    let level = Logger.Level(boundary: level)
    guard !isGone, level >= logger.logLevel else { return }
    let (isAllowed, leftOut) = logBudget.withLock { $0.take(now()) }
    guard isAllowed else { return }
    tellLeftOut(leftOut)
    logger.log(level: level, "\(BoundaryMessage.oneLine(text))")
  }

  private func tellLeftOut(_ lines: Int) {
    guard lines > 0 else { return }
    logger.warning(
      "the plugin logs too much: lines were left out",
      metadata: ["lines": "\(lines)", "lines_a_second": "\(LogBudget.perSecond)"])
  }
}
