import ClusterModel
package import RegistryKit

/// Puts the parts of batches together that come in several lines.
package struct BatchAssembly: Sendable {
  private var batch = RegistryBatch()
  private var nodes = 0
  /// Whether a batch has begun that isn't at its end.
  package private(set) var isWithinBatch = false

  package init() {}

  /// Takes a part, and returns the batch where that is its last one.
  ///
  /// - Throws: where the batch becomes more than is taken; it is dropped as a whole.
  package mutating func take(_ part: RegistryBatch, continues: Bool) throws(RegistryError) -> RegistryBatch? {
    if !isWithinBatch, !continues, part.isEmpty { return nil }
    for (index, update) in part.updates.enumerated() { append(update, isFirst: index == 0) }
    batch.reports += part.reports
    if let sources = part.expectedSources { batch.expectedSources = sources }
    if let address = part.publicAddress { batch.publicAddress = address }
    isWithinBatch = continues
    let limits = ProtocolLimits.boundary
    guard nodes <= limits.nodes, batch.reports.count <= limits.reports else {
      let error = RegistryError(
        .limitExceeded,
        nodes > limits.nodes
          ? "\(nodes) nodes in one batch are more than the \(limits.nodes) that one registry may have"
          : "\(batch.reports.count) reports in one batch are more than \(limits.reports)")
      clear()
      throw error
    }
    guard !continues else { return nil }
    defer { clear() }
    return batch
  }

  /// Drops what has come of a batch.
  package mutating func clear() { self = BatchAssembly() }

  private mutating func append(_ update: RegistryUpdate, isFirst: Bool) {
    switch update {
    case .snapshot(let records, let source, let absent):
      nodes += records.count
      // With a snapshot of the same source that ended the line before it is one.
      if isFirst, isWithinBatch, case .snapshot(var first, source, let firstAbsent)? = batch.updates.last {
        batch.updates.removeLast()
        first += records
        batch.updates.append(.snapshot(first, source: source, absent: absent ?? firstAbsent))
        return
      }
    case .upsert, .remove: nodes += 1
    case .sourceGone: break
    }
    batch.updates.append(update)
  }
}
