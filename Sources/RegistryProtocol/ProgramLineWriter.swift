import ClusterModel
package import Logging
package import RegistryKit

/// Writes what a program says, a line at a time, each with its end.
package enum ProgramLineWriter {
  /// `batch` as one line, or as several where it is long: the receiver takes it whole all the same. A snapshot that
  /// another one of its source follows at once is left out.
  package static func write(_ batch: RegistryBatch, _ emit: ([UInt8]) throws -> Void) rethrows {
    var lines = BatchLines()
    for group in groups(of: batch.updates) where !isReplaced(group.upperBound - 1, in: batch.updates) {
      try lines.write(batch.updates[group], emit)
    }
    try lines.finish(batch, emit)
  }

  package static func hello(_ description: ProgramDescription) -> [UInt8] {
    line { writer in
      writer.key("hello")
      writer.beginObject()
      writer.number("protocol", description.version)
      if let publishes = description.publishes { writer.bool("publishes", publishes) }
      if let plugin = description.plugin {
        writer.text("name", plugin.name)
        writer.text("version", plugin.version)
        writer.text("prefix", plugin.prefix)
        writer.text("summary", plugin.summary)
        writer.text("optionsSchema", plugin.optionsSchema)
        writer.bool("leases", plugin.leases)
        writer.bool("wantsClusterSecret", plugin.wantsClusterSecret)
        writer.key("match")
        writer.beginList()
        for key in plugin.matching.keys { writer.text(key.description) }
        writer.endList()
        writer.text("alone", plugin.matching.alone.rawValue)
      }
      writer.endObject()
    }
  }

  package static func published(_ revision: UInt64, _ error: RegistryError?) -> [UInt8] {
    line { writer in
      writer.key("published")
      writer.beginObject()
      writer.number("revision", revision)
      if let error { writeError(error, "error", &writer) }
      writer.endObject()
    }
  }

  package static func failed(_ error: RegistryError) -> [UInt8] { line { writeError(error, "failed", &$0) } }

  package static func log(_ level: Logger.Level, _ message: String) -> [UInt8] {
    line { writer in
      writer.key("log")
      writer.beginObject()
      writer.text("level", level.rawValue)
      writer.text("message", message)
      writer.endObject()
    }
  }

  private static func line(_ body: (inout LineWriter) -> Void) -> [UInt8] {
    var writer = LineWriter()
    writer.beginObject()
    body(&writer)
    writer.endObject()
    writer.endLine()
    return writer.bytes
  }

  private static func isReplaced(_ index: Int, in updates: [RegistryUpdate]) -> Bool {
    guard index + 1 < updates.count, case .snapshot(_, let source, _) = updates[index],
      case .snapshot(_, source, _) = updates[index + 1]
    else { return false }
    return true
  }

  /// Runs of changes, or of removals for one reason, of one source.
  private static func groups(of updates: [RegistryUpdate]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    for index in updates.indices where index > start && !updates[index].isWritten(with: updates[start]) {
      groups.append(start..<index)
      start = index
    }
    if start < updates.count { groups.append(start..<updates.count) }
    return groups
  }
}

extension RegistryUpdate {
  /// Whether this and `other` are written as one update of several nodes.
  fileprivate func isWritten(with other: RegistryUpdate) -> Bool {
    switch (self, other) {
    case (.upsert(_, let source), .upsert(_, let otherSource)): source == otherSource
    case (.remove(_, let source, let reason), .remove(_, let otherSource, let otherReason)):
      source == otherSource && reason == otherReason
    default: false
    }
  }
}

private func writeError(_ error: RegistryError, _ key: StaticString, _ writer: inout LineWriter) {
  writer.key(key)
  writer.beginObject()
  writer.text("code", error.code.description)
  writer.text("message", error.message)
  writer.endObject()
}

/// A batch that is being written, cut into lines.
private struct BatchLines {
  private var writer = LineWriter()
  private var isOpen = false

  private mutating func open() {
    guard !isOpen else { return }
    isOpen = true
    writer = LineWriter()
    writer.beginObject()
    writer.key("updates")
    writer.beginList()
  }

  /// Ends the line, of a batch that goes on.
  private mutating func cut(_ emit: ([UInt8]) throws -> Void) rethrows {
    writer.endList()
    writer.bool("more", true)
    writer.endObject()
    writer.endLine()
    isOpen = false
    try emit(writer.bytes)
  }

  mutating func write(_ group: ArraySlice<RegistryUpdate>, _ emit: ([UInt8]) throws -> Void) rethrows {
    guard let first = group.first else { return }
    open()
    switch first {
    case .snapshot(let records, let source, let absent):
      try list(
        "snapshot", records, source, { if let absent { $0.text("absent", absent.rawValue) } }, emit
      ) { RecordWriter.write($0, &$1) }
    case .upsert(_, let source):
      let records = group.compactMap { if case .upsert(let record, _) = $0 { record } else { nil } }
      try list("upsert", records, source, { _ in }, emit) { RecordWriter.write($0, &$1) }
    case .remove(_, let source, let reason):
      let ids = group.compactMap { if case .remove(let id, _, _) = $0 { id.text } else { nil } }
      try list("remove", ids, source, { $0.text("reason", reason.rawValue) }, emit) { $1.text($0) }
    case .sourceGone(let source):
      writer.beginObject()
      writer.key("sourceGone")
      writer.text(source.name)
      writer.endObject()
    }
  }

  /// One update, or as many as it takes: the receiver joins those of one snapshot.
  private mutating func list<Item>(
    _ key: StaticString, _ items: [Item], _ source: RegistrySource, _ rest: (inout LineWriter) -> Void,
    _ emit: ([UInt8]) throws -> Void, _ write: (Item, inout LineWriter) -> Void
  ) rethrows {
    var index = 0
    repeat {
      open()
      writer.beginObject()
      writer.text("source", source.name)
      rest(&writer)
      writer.key(key)
      writer.beginList()
      while index < items.count, writer.count < ProtocolLimits.recordsOfLine {
        write(items[index], &writer)
        index += 1
      }
      writer.endList()
      writer.endObject()
      if writer.count >= ProtocolLimits.recordsOfLine { try cut(emit) }
    } while index < items.count
  }

  /// Ends the batch with all of it that is no update.
  mutating func finish(_ batch: RegistryBatch, _ emit: ([UInt8]) throws -> Void) rethrows {
    open()
    writer.endList()
    if let sources = batch.expectedSources {
      writer.key("sources")
      writer.beginList()
      for source in sources { writer.text(source.name) }
      writer.endList()
    }
    if !batch.reports.isEmpty {
      writer.key("health")
      writer.beginList()
      for report in batch.reports {
        writer.beginObject()
        writer.text("aspect", report.aspect.rawValue)
        writer.text("source", report.source.name)
        if let error = report.error { writeError(error, "error", &writer) }
        writer.endObject()
      }
      writer.endList()
    }
    if let address = batch.publicAddress {
      writer.key("publicAddress")
      writer.address(address)
    }
    writer.endObject()
    writer.endLine()
    try emit(writer.bytes)
  }
}

/// Writes records as ``RecordReader`` reads them.
enum RecordWriter {
  static func write(_ record: AffiliateRecord, _ writer: inout LineWriter) {
    let affiliate = record.affiliate
    writer.beginObject()
    writer.text(record.isLocalID ? "id" : "nodeId", affiliate.nodeID.text)
    writer.text("nodename", affiliate.nodename)
    writer.text("hostname", affiliate.hostname)
    list("addresses", affiliate.addresses, &writer) { $1.address($0) }
    writer.text("operatingSystem", affiliate.operatingSystem)
    if affiliate.machineType != .unknown { writer.text("machineType", affiliate.machineType.rawValue) }
    if let controlPlane = affiliate.controlPlane {
      writer.key("controlPlane")
      writer.beginObject()
      writer.number("port", controlPlane.apiServerPort)
      writer.endObject()
    }
    if let kubeSpan = affiliate.kubeSpan { write(kubeSpan, &writer) }
    if let time = record.confirmedAt { writer.number("confirmedAt", time.milliseconds) }
    if let time = record.createdAt { writer.number("createdAt", time.milliseconds) }
    if record.isStale { writer.bool("stale", true) }
    writer.text("machineID", record.machineID)
    switch record.health {
    case .ready: writer.bool("ready", true)
    case .notReady(let reason):
      writer.bool("ready", false)
      writer.text("reason", reason)
    case nil: break
    }
    let labels = record.labels
    if !labels.isEmpty {
      writer.key("labels")
      writer.beginObject()
      for label in labels {
        writer.key(label.key)
        writer.text(label.value)
      }
      writer.endObject()
    }
    writer.endObject()
  }

  private static func write(_ kubeSpan: KubeSpanAffiliate, _ writer: inout LineWriter) {
    writer.key("kubespan")
    writer.beginObject()
    writer.text("publicKey", kubeSpan.publicKey)
    if let address = kubeSpan.address {
      writer.key("address")
      writer.address(address)
    }
    list("additionalAddresses", kubeSpan.additionalAddresses, &writer) { $1.prefix($0) }
    list("excludeAdvertisedNetworks", kubeSpan.excludeAdvertisedNetworks, &writer) { $1.prefix($0) }
    list("endpoints", kubeSpan.endpoints, &writer) { $1.endpoint($0) }
    writer.endObject()
  }

  private static func list<Item>(
    _ key: StaticString, _ items: [Item], _ writer: inout LineWriter,
    _ write: (Item, inout LineWriter) -> Void
  ) {
    guard !items.isEmpty else { return }
    writer.key(key)
    writer.beginList()
    for item in items { write(item, &writer) }
    writer.endList()
  }
}
