public import ClusterModel

/// Where a registry tells what it knows.
///
/// May be used from any task. Calls take effect in order; none of them waits. A call throws
/// where the receiver can't take what it is given (the registry is then failed by the receiver) or doesn't
/// listen any more (``RegistryError/Code/stopped``): let the error out of `run`.
public struct RegistryUpdates: Sendable {
  private let receive: @Sendable (RegistryEvent) throws(RegistryError) -> Void

  /// Updates that are handed to `receive`, which is called from any thread.
  public init(receive: @escaping @Sendable (RegistryEvent) throws(RegistryError) -> Void) {
    self.receive = receive
  }

  /// Hands on `event`.
  public func send(_ event: RegistryEvent) throws(RegistryError) { try receive(event) }

  /// Names the sources that will each tell a snapshot soon, for a registry that has several.
  ///
  /// Called before the first snapshot: the registry counts as synced only when each of them has told its first
  /// snapshot or is gone. Without it the first snapshot of any source makes the registry count as synced. Called
  /// again, the new names replace those before; with none of them nothing is waited for.
  ///
  /// - Parameter sources: at most ``RegistrySource/maximumCount``, in any order; one that is named twice counts
  ///   once.
  public func sources(_ sources: [RegistrySource]) throws(RegistryError) {
    try receive(.sources(sources))
  }

  /// Tells everything that the source knows now. Each node may be in it once.
  public func snapshot(_ records: [AffiliateRecord], source: RegistrySource = .only) throws(RegistryError) {
    try receive(.update(.snapshot(records, source: source)))
  }

  /// Tells everything that the source knows now. Each node may be in it once.
  public func snapshot(_ affiliates: [Affiliate], source: RegistrySource = .only) throws(RegistryError) {
    try snapshot(affiliates.map { AffiliateRecord($0) }, source: source)
  }

  /// Tells that a node is new or changed; its previous record is replaced whole.
  public func upsert(_ record: AffiliateRecord, source: RegistrySource = .only) throws(RegistryError) {
    try receive(.update(.upsert(record, source: source)))
  }

  /// Tells that a node is new or changed; its previous record is replaced whole.
  public func upsert(_ affiliate: Affiliate, source: RegistrySource = .only) throws(RegistryError) {
    try upsert(AffiliateRecord(affiliate), source: source)
  }

  /// Tells that a node is gone. One that wasn't known is no error.
  public func remove(_ nodeID: NodeIdentity, source: RegistrySource = .only) throws(RegistryError) {
    try receive(.update(.remove(nodeID, source: source)))
  }

  /// Tells that the source is no longer asked: its records are dropped.
  public func sourceGone(_ source: RegistrySource) throws(RegistryError) {
    try receive(.update(.sourceGone(source)))
  }

  /// Tells that all is well again.
  public func healthy() throws(RegistryError) { try receive(.healthy) }

  /// Tells that something doesn't work, and that the registry goes on and tries again by itself.
  public func degraded(_ error: RegistryError) throws(RegistryError) { try receive(.degraded(error)) }

  /// Tells that whom the registry asks sees this node under `address`.
  public func publicAddress(_ address: IPAddress) throws(RegistryError) {
    try receive(.publicAddress(address))
  }
}
