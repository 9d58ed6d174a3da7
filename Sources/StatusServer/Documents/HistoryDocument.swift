import ClusterResources
import Rollcall

/// An entry of history as programs are shown it.
enum HistoryDocument {
  /// No selectors are for history.
  static let paths: [SelectableFields.Path] = []

  static func value(_ entry: HistoryEntry, resourceVersion: String) -> ResourceValue {
    .present([
      ("resourceVersion", .text(resourceVersion)), ("time", .time(entry.time)), ("type", .text(entry.type)),
      ("id", .text(entry.id)), ("nodeId", entry.nodeID.map { .text($0) }),
      ("from", entry.from.map { .text($0) } ?? .null), ("to", .text(entry.to)),
      ("reason", entry.reason.map { .text($0) }), ("registry", entry.registry.map { .text($0) }),
      ("message", entry.message.map { .text($0) }),
      ("count", entry.count > 1 ? .integer(Int64(entry.count)) : nil),
    ])
  }
}
