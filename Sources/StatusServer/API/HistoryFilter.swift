import ClusterModel
import ClusterResources

/// Which entries of history somebody wants.
struct HistoryFilter: Sendable {
  /// From when on, where a time was given.
  var since: Timestamp?
  /// Until when.
  var until: Timestamp?
  /// Of which node, by its nodename or identity.
  var node: String?
  /// Of which types; nil: all.
  var types: [String]?

  func matches(_ entry: SelectableFields) -> Bool {
    // Times are written so that they are in the order of their text.
    let time = entry.text("time")
    if let since, time < since.description { return false }
    if let until, time > until.description { return false }
    if let types, !types.contains(entry.text("type")) { return false }
    guard let node else { return true }
    return entry.text("nodeId") == node || entry.text("id") == node && entry.text("type") == "member"
  }
}
