public import ClusterModel
public import Logging

/// All that a registry needs while it runs, with one meaning for Swift values and for plugins.
///
/// May be used from any task. Calls take effect in order, and none of them waits. A call throws where the
/// receiver can't take what it is given (the run has then failed by it) or where the run is over
/// (``RegistryError/Code/stopped``): let the error out of `run`.
public struct RegistrySession: Sendable {
  /// Where the registry runs.
  public let context: RegistryContext
  /// What waits are measured with.
  public let clock: any Clock<Duration>
  /// What the registry is to have published, now and at each change, for one that publishes.
  ///
  /// Each outcome is given to ``published(_:_:)``. ``publish(by:)`` does both for a registry whose publishing is
  /// one call.
  public let desired: DesiredPublications

  private let onPublished: @Sendable (UInt64, RegistryError?) -> Void
  private let receive: @Sendable (RegistryBatch) throws(RegistryError) -> Void

  /// A session whose batches are handed to `receive`: what an aggregator or a test makes.
  ///
  /// - Parameters:
  ///   - onPublished: is given the outcomes of publications.
  ///   - receive: takes each batch, from any thread, without waiting; throws where it can't.
  public init(
    context: RegistryContext, clock: any Clock<Duration> = ContinuousClock(),
    desired: DesiredPublications = .nothing,
    onPublished: @escaping @Sendable (_ revision: UInt64, _ error: RegistryError?) -> Void = { _, _ in },
    receive: @escaping @Sendable (RegistryBatch) throws(RegistryError) -> Void
  ) {
    self.context = context
    self.clock = clock
    self.desired = desired
    self.onPublished = onPublished
    self.receive = receive
  }

  /// Logs to the host's log.
  public var logger: Logger { context.logger }

  /// Applies what took place at once: others see all of it or nothing.
  public func apply(_ batch: RegistryBatch) throws(RegistryError) { try receive(batch) }

  /// Reports how one aspect is: nil, it works; an error, it doesn't, and the registry goes on by itself.
  public func report(
    _ aspect: HealthAspect, _ error: RegistryError?, source: RegistrySource = .only
  ) throws(RegistryError) {
    try receive(RegistryBatch(reports: [HealthReport(aspect, error, source: source)]))
  }

  /// Gives the outcome of the publication of `revision`: nil once others can see it (a withdrawal: once they no
  /// longer do), or why that isn't so.
  ///
  /// ``RegistryError/Code/unsupported`` says that this registry doesn't publish, as it is set up: that is no
  /// trouble, is shown, and isn't tried again. After any other failure the same revision is desired again.
  /// The last outcome of a revision counts. One of an older revision than the newest desired is passed over.
  public func published(_ revision: UInt64, _ error: RegistryError? = nil) { onPublished(revision, error) }

  // MARK: One update

  /// Gives everything that the source knows now, and that reading from it works. Each node may be in it once.
  public func snapshot(_ records: [AffiliateRecord], source: RegistrySource = .only) throws(RegistryError) {
    try receive(
      RegistryBatch(
        updates: [.snapshot(records, source: source)], reports: [HealthReport(.reading, nil, source: source)])
    )
  }

  /// Gives everything that the source knows now, and that reading from it works. Each node may be in it once.
  public func snapshot(_ affiliates: [Affiliate], source: RegistrySource = .only) throws(RegistryError) {
    try snapshot(affiliates.map { AffiliateRecord($0) }, source: source)
  }

  /// One node is new or changed; its previous record is replaced whole.
  public func upsert(_ record: AffiliateRecord, source: RegistrySource = .only) throws(RegistryError) {
    try receive(RegistryBatch(updates: [.upsert(record, source: source)]))
  }

  /// One node is new or changed; its previous record is replaced whole.
  public func upsert(_ affiliate: Affiliate, source: RegistrySource = .only) throws(RegistryError) {
    try upsert(AffiliateRecord(affiliate), source: source)
  }

  /// One node is gone. One that wasn't known is no error.
  public func remove(
    _ nodeID: NodeIdentity, reason: RemovalReason = .removed, source: RegistrySource = .only
  ) throws(RegistryError) {
    try receive(RegistryBatch(updates: [.remove(nodeID, source: source, reason: reason)]))
  }

  /// Whom the registry asks sees this node under `address`.
  public func publicAddress(_ address: IPAddress) throws(RegistryError) {
    try receive(RegistryBatch(publicAddress: address))
  }
}

extension RegistrySession {
  /// Publishes by `put` until the session ends: for a registry whose publishing is one call.
  ///
  /// `put` is given what is to be published, nil to withdraw it; it returns once others can see that, and what it
  /// throws is the outcome. It is never called twice at once: a newer publication cancels an older one that is
  /// still under way. One that failed is tried again after pauses that grow.
  public func publish(by put: @escaping @Sendable (Publication?) async throws -> Void) async {
    var iterator = desired.makeAsyncIterator()
    var current = await iterator.next()
    while let desired = current {
      current = await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.attempt(desired, put) }
        let newer = await iterator.next()
        group.cancelAll()
        return newer
      }
    }
  }

  private func attempt(
    _ desired: DesiredPublication, _ put: @Sendable (Publication?) async throws -> Void
  ) async {
    do {
      try await put(desired.publication)
      published(desired.revision)
    } catch {
      // What a newer one took the place of has no outcome.
      if !Task.isCancelled { published(desired.revision, RegistryError(error)) }
    }
  }
}
