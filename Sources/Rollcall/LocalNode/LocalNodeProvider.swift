public import ClusterModel

/// Tells what this machine says of itself: what its settings say, and what is found out where they are
/// silent.
///
/// One object is one set of settings; ``applying(_:)`` makes another.
public final class LocalNodeProvider: Sendable {
  /// This machine's identity.
  public let nodeID: NodeIdentity
  private let settings: NodeSettings
  private let facts: @Sendable (NodeSettings) -> NodeFacts
  private let pulses: @Sendable () -> AsyncStream<Void>
  private let debounce: @Sendable () async -> Void
  private let amendment: LocalAmendment?

  /// What `facts` finds out, looked at again when `pulses` tells to.
  ///
  /// - Parameters:
  ///   - facts: finds out what there is now. Quick; may be called from any task.
  ///   - pulses: a stream that yields when the facts may have changed, or the amendment has. Made anew for each reader.
  ///   - debounce: waits for changes to settle.
  ///   - amendment: adds to what the machine says of itself.
  public init(
    nodeID: NodeIdentity, settings: NodeSettings = NodeSettings(),
    facts: @escaping @Sendable (NodeSettings) -> NodeFacts,
    pulses: @escaping @Sendable () -> AsyncStream<Void>,
    debounce: @escaping @Sendable () async -> Void = {}, amendment: LocalAmendment? = nil
  ) {
    self.nodeID = nodeID
    self.settings = settings
    self.facts = facts
    self.pulses = pulses
    self.debounce = debounce
    self.amendment = amendment
  }

  /// The same machine with other settings; itself where they are the same.
  public func applying(_ settings: NodeSettings) -> LocalNodeProvider {
    settings == self.settings
      ? self
      : LocalNodeProvider(
        nodeID: nodeID, settings: settings, facts: facts, pulses: pulses, debounce: debounce,
        amendment: amendment)
  }

  /// What this machine says of itself now.
  public func current() -> AffiliateRecord {
    let record = facts(settings).record(nodeID, settings: settings)
    return amendment?.applied(to: record) ?? record
  }

  /// What this machine says of itself, and again at each change of it.
  public func records() -> LocalRecords {
    LocalRecords(current: { self.current() }, pulses: pulses, debounce: debounce)
  }
}

/// What a machine says of itself, and again at each change of it.
public struct LocalRecords: AsyncSequence, Sendable {
  let current: @Sendable () -> AffiliateRecord
  let pulses: @Sendable () -> AsyncStream<Void>
  let debounce: @Sendable () async -> Void

  public func makeAsyncIterator() -> Iterator {
    // Listened for before the first look, so that no change between the two is missed.
    Iterator(current: current, pulses: pulses().makeAsyncIterator(), debounce: debounce)
  }

  public struct Iterator: AsyncIteratorProtocol {
    let current: @Sendable () -> AffiliateRecord
    var pulses: AsyncStream<Void>.Iterator
    let debounce: @Sendable () async -> Void
    var last: AffiliateRecord?

    init(
      current: @escaping @Sendable () -> AffiliateRecord, pulses: AsyncStream<Void>.Iterator,
      debounce: @escaping @Sendable () async -> Void
    ) {
      self.current = current
      self.pulses = pulses
      self.debounce = debounce
    }

    public mutating func next() async -> AffiliateRecord? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> AffiliateRecord? {
      while true {
        if last != nil {
          guard await pulses.next(isolation: actor) != nil else { return nil }
          await debounce()
        }
        guard !Task.isCancelled else { return nil }
        let record = current()
        guard record != last else { continue }
        last = record
        return record
      }
    }
  }
}
