package import CRegistryPlugin
import ClusterModel

/// Lays values out as they cross the boundary. What `body` is given lives until it returns.
package enum BoundaryWriter {
  /// Calls `body` with `batch` as it crosses the boundary; its public address has a function of its own.
  package static func withBatch<Result, Failure>(
    _ batch: RegistryBatch, _ body: (UnsafePointer<registry_batch_v1>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // One node after the other is the common case: without a list of groups.
    let groups = batch.updates.count == 1 ? [batch.updates[...]] : grouped(batch.updates)
    var size = BoundaryArena.Size()
    for group in groups { size.count(group) }
    for report in batch.reports {
      size.bytes += report.source.name.utf8.count + (report.error?.message.utf8.count ?? 0)
    }
    for source in batch.expectedSources ?? [] {
      size.strings += 1
      size.bytes += source.name.utf8.count
    }
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    let updates = groups.map { arena.update($0) }
    let reports = batch.reports.map { arena.report($0) }
    return try updates.withBuffer { (updates) throws(Failure) in
      try reports.withBuffer { (reports) throws(Failure) in
        var raw = registry_batch_v1()
        raw.updates = updates.baseAddress
        raw.update_count = updates.count
        raw.reports = reports.baseAddress
        raw.report_count = reports.count
        raw.expected_sources = arena.texts(batch.expectedSources?.map(\.name) ?? [])
        raw.expected_source_count = batch.expectedSources?.count ?? 0
        return try body(&raw)
      }
    }
  }

  /// Updates that cross as one: runs of changes, or of removals for one reason, of one source.
  private static func grouped(_ updates: [RegistryUpdate]) -> [ArraySlice<RegistryUpdate>] {
    var groups: [ArraySlice<RegistryUpdate>] = []
    var start = updates.startIndex
    for index in updates.indices.dropFirst() where !updates[index].crosses(with: updates[start]) {
      groups.append(updates[start..<index])
      start = index
    }
    if start < updates.endIndex { groups.append(updates[start...]) }
    return groups
  }

  /// Calls `body` with `desired` as it crosses the boundary.
  package static func withPublication<Result, Failure>(
    _ desired: DesiredPublication,
    _ body: (UnsafePointer<registry_publication_v1>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // In a fixed order, so that the same publication looks the same each time.
    let seenEndpoints = (desired.publication?.seenEndpoints ?? [:]).sorted { $0.key < $1.key }
    let local = desired.publication.map { [$0.localRecord] } ?? []
    var size = BoundaryArena.Size()
    for record in local { size.count(record) }
    for (nodeID, endpoints) in seenEndpoints {
      size.bytes += nodeID.text.utf8.count
      size.endpoints += endpoints.count
    }
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    let seen = seenEndpoints.map { nodeID, endpoints in
      registry_seen_endpoints_v1(
        node_id: arena.text(nodeID.text), endpoints: arena.endpoints(endpoints),
        endpoint_count: endpoints.count)
    }
    return try seen.withBuffer { (seen) throws(Failure) in
      var raw = registry_publication_v1(
        revision: desired.revision, local: arena.affiliates(local), seen: seen.baseAddress,
        seen_count: seen.count)
      return try body(&raw)
    }
  }

  /// Calls `body` with `report` as it crosses the boundary.
  package static func withReport<Result, Failure>(
    _ report: HealthReport, _ body: (UnsafePointer<registry_report_v1>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var size = BoundaryArena.Size()
    size.bytes = report.source.name.utf8.count + (report.error?.message.utf8.count ?? 0)
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    var raw = arena.report(report)
    return try body(&raw)
  }

  /// Calls `body` with `texts` as they cross the boundary.
  package static func withTexts<Result, Failure>(
    _ texts: [String], _ body: ([registry_string_v1]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var size = BoundaryArena.Size()
    size.bytes = texts.reduce(0) { $0 + $1.utf8.count }
    let arena = BoundaryArena(size)
    defer { arena.deallocate() }
    return try body(texts.map { arena.text($0) })
  }
}

extension Array {
  /// `withUnsafeBufferPointer` for errors of any one type.
  fileprivate func withBuffer<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { (buffer) throws(Failure) in try body(buffer) }
  }
}

extension RegistryUpdate {
  /// Whether this and `other` are one update of several nodes.
  fileprivate func crosses(with other: RegistryUpdate) -> Bool {
    switch (self, other) {
    case (.upsert(_, let source), .upsert(_, let otherSource)): source == otherSource
    case (.remove(_, let source, let reason), .remove(_, let otherSource, let otherReason)):
      source == otherSource && reason == otherReason
    default: false
    }
  }
}

extension BoundaryArena.Size {
  /// What updates that cross as one need.
  fileprivate mutating func count(_ group: ArraySlice<RegistryUpdate>) {
    for (index, update) in group.enumerated() {
      if index == 0 { bytes += update.source.name.utf8.count }
      switch update {
      case .snapshot(let records, _, _): for record in records { count(record) }
      case .upsert(let record, _): count(record)
      case .remove(let nodeID, _, _):
        strings += 1
        bytes += nodeID.text.utf8.count
      case .sourceGone: break
      }
    }
  }
}

extension BoundaryArena {
  /// Updates that cross as one.
  fileprivate func update(_ group: ArraySlice<RegistryUpdate>) -> registry_update_v1 {
    var raw = registry_update_v1()
    guard let first = group.first else { return raw }
    raw.source = text(first.source.name)
    switch first {
    case .snapshot(let records, _, let absent):
      raw.kind = UInt32(REGISTRY_UPDATE_SNAPSHOT)
      raw.reason = absent?.boundary ?? UInt32(REGISTRY_REASON_DEFAULT)
      raw.affiliates = affiliates(records)
      raw.affiliate_count = records.count
    case .upsert:
      raw.kind = UInt32(REGISTRY_UPDATE_UPSERT)
      raw.affiliates = affiliates(
        group.compactMap { if case .upsert(let record, _) = $0 { record } else { nil } })
      raw.affiliate_count = group.count
    case .remove(_, _, let reason):
      raw.kind = UInt32(REGISTRY_UPDATE_REMOVE)
      raw.reason = reason.boundary
      raw.node_ids = texts(group.compactMap { if case .remove(let id, _, _) = $0 { id.text } else { nil } })
      raw.node_id_count = group.count
    case .sourceGone: raw.kind = UInt32(REGISTRY_UPDATE_SOURCE_GONE)
    }
    return raw
  }

  fileprivate func report(_ report: HealthReport) -> registry_report_v1 {
    registry_report_v1(
      aspect: report.aspect.boundary, code: report.error?.code.boundary ?? registry_code(REGISTRY_OK),
      source: text(report.source.name), text: text(report.error?.message ?? ""))
  }
}
