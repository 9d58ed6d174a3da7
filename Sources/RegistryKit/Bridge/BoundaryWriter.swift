package import CRegistryPlugin
package import ClusterModel

/// Lays values out as they cross the boundary: one piece of memory for all text, one for each kind of list,
/// sized beforehand, so that 100,000 nodes take five allocations.
package enum BoundaryWriter {
  /// Calls `body` with `records` as they cross the boundary; they live until it returns.
  package static func withAffiliates<Result, Failure>(
    _ records: [AffiliateRecord],
    _ body: (UnsafeBufferPointer<registry_affiliate_v1>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var size = BoundaryArena.Size()
    for record in records { size.count(record.affiliate) }
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    let affiliates = UnsafeMutableBufferPointer<registry_affiliate_v1>.allocate(capacity: records.count)
    defer { affiliates.deallocate() }
    for (index, record) in records.enumerated() {
      affiliates.initializeElement(at: index, to: arena.affiliate(record))
    }
    return try body(UnsafeBufferPointer(affiliates))
  }

  /// Calls `body` with `publication` as it crosses the boundary; it lives until it returns.
  package static func withPublication<Result, Failure>(
    _ publication: Publication,
    _ body: (UnsafePointer<registry_publication_v1>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var size = BoundaryArena.Size()
    if let local = publication.local { size.count(local) }
    for (nodeID, endpoints) in publication.seenEndpoints {
      size.bytes += nodeID.text.utf8.count
      size.endpoints += endpoints.count
    }
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    // In a fixed order, so that the same publication looks the same each time.
    let ordered = publication.seenEndpoints.sorted { $0.key < $1.key }
    let seen = UnsafeMutableBufferPointer<registry_seen_endpoints_v1>.allocate(capacity: ordered.count)
    defer { seen.deallocate() }
    for (index, (nodeID, endpoints)) in ordered.enumerated() {
      seen.initializeElement(
        at: index,
        to: registry_seen_endpoints_v1(
          node_id: arena.text(nodeID.text), endpoints: arena.endpoints(endpoints),
          endpoint_count: endpoints.count))
    }
    let local = UnsafeMutablePointer<registry_affiliate_v1>.allocate(capacity: 1)
    defer { local.deallocate() }
    if let affiliate = publication.local { local.initialize(to: arena.affiliate(AffiliateRecord(affiliate))) }
    var raw = registry_publication_v1(
      local: publication.local == nil ? nil : UnsafePointer(local), seen: seen.baseAddress,
      seen_count: seen.count)
    return try body(&raw)
  }

  /// Calls `body` with `texts` as they cross the boundary; they live until it returns.
  package static func withTexts<Result, Failure>(
    _ texts: [String], _ body: ([registry_string_v1]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let arena = BoundaryArena(.init(bytes: texts.reduce(0) { $0 + $1.utf8.count }))
    defer { arena.deallocate() }
    return try body(texts.map { arena.text($0) })
  }
}

extension registry_address_v1 {
  /// `address` as it crosses the boundary; nil has family 0.
  package init(_ address: IPAddress?) {
    self.init()
    guard let address else { return }
    family = address.family.rawValue
    withUnsafeMutableBytes(of: &bytes) { bytes in
      switch address.family {
      case .v4: bytes.storeBytes(of: UInt32(truncatingIfNeeded: address.bits.low).bigEndian, as: UInt32.self)
      case .v6:
        bytes.storeBytes(of: address.bits.high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: address.bits.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
    }
  }
}
