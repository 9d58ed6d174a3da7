import ClusterModel
public import ClusterResources
public import Rollcall

/// An entry of history as programs are shown it.
public enum HistoryDocument {
  /// By what entries are filtered.
  static let paths = SelectableFields.historyPaths

  /// The entry as a document.
  public static func value(_ entry: HistoryEntry, resourceVersion: String) -> ResourceValue {
    .present([
      ("resourceVersion", .text(resourceVersion)), ("number", .integer(Int64(clamping: entry.number))),
      ("time", .time(entry.time)),
      ("type", .text(entry.kind.rawValue)), ("id", .text(entry.id)),
      ("nodeId", entry.nodeID.map { .text($0.text) }), ("from", entry.from.map { .text($0) } ?? .null),
      ("to", .text(entry.to)), ("reason", entry.reason.isEmpty ? nil : .text(entry.reason)),
      ("registry", entry.registry.map { .text($0) }),
      ("message", entry.message.isEmpty ? nil : .text(entry.message)),
      ("count", entry.count > 1 ? .integer(Int64(entry.count)) : nil),
    ])
  }
}
