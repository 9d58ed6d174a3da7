import ClusterModel
import ClusterResources

/// What differs, for a person.
enum DiffText {
  /// The world then and now.
  static func world(_ diff: ResourceValue) -> String {
    let now = diff["to"]?.time ?? Timestamp(milliseconds: 0)
    let rows = (diff["items"]?.items ?? []).map { item -> [String] in
      let type = item["type"]?.text ?? "member"
      let id = item["id"]?.text ?? ""
      let change = [value(item["from"]), value(item["to"])].compactMap { $0 }.joined(separator: " -> ")
      // Of a member the reason says it all; of a registry the error does.
      let why = type == "member" ? item["reason"]?.text : item["message"]?.text ?? item["reason"]?.text
      let path = item["path"]?.text ?? ""
      return [
        type == "member" ? id : type,
        type == "member" ? path : type == "registry" ? "\(id).state" : ShortID.conflict(id),
        change + (why.map { " (\($0))" } ?? ""),
      ].map(\.shown)
    }
    let times = [diff["from"]?.time, diff["to"]?.time].compactMap { $0.map { ClockText.text($0, at: now) } }
    let equal = diff["equal"]?.integer ?? 0
    return aligned(rows.map { ["", $0[0], $0[1], $0[2]] }, minimum: [2, 10, 0, 0], gaps: [0, 2, 3, 0])
      + "\(count(rows.count)) between \(times.joined(separator: " and ")), \(equal) member\(equal == 1 ? "" : "s") equal\n"
  }

  /// Two registries, node by node.
  static func registries(_ diff: ResourceValue, at now: Timestamp) -> String {
    let (left, right) = ((diff["from"]?.text ?? "").shown, (diff["to"]?.text ?? "").shown)
    var differing: Set<String> = []
    let rows = (diff["items"]?.items ?? []).map { item -> [String] in
      let id = item["id"]?.text ?? ""
      guard item["path"]?.text == "presence" else {
        differing.insert(id)
        let path = item["path"]?.text ?? ""
        let values = [item["from"], item["to"]].map { value($0) ?? "-" }.joined(separator: " | ")
        return ["~", "", id, path.hasPrefix("spec.") ? String(path.dropFirst(5)) : path, values].map(\.shown)
      }
      let missing = item["from"] == .null ? left : right
      var why = "has no record"
      if let reason = item["reason"]?.text {
        let age = item["since"]?.time.map { " \(AgeText.text(from: $0, to: now)) ago" } ?? ""
        why = "gone\(age) (\(reason))"
      }
      return ["-", missing, id.shown, "", why.shown]
    }
    let only = (left: diff["onlyFrom"]?.integer ?? 0, right: diff["onlyTo"]?.integer ?? 0)
    return aligned(rows, minimum: [2, max(left.count, right.count) + 2, 10, 30, 0], gaps: [1, 2, 2, 2, 0])
      + "\(count(rows.count)): \(only.right) only in \(right), \(only.left) only in \(left), "
      + "\(differing.count) differ\(differing.count == 1 ? "s" : ""), \(diff["equal"]?.integer ?? 0) equal\n"
  }

  private static func count(_ count: Int) -> String { count == 1 ? "1 difference" : "\(count) differences" }

  private static func value(_ value: ResourceValue?) -> String? {
    guard let value, value != .null else { return nil }
    return value.scalarText.map(ShortID.text) ?? JSONText.compact(value)
  }

  /// Rows below each other, each column at least `minimum` wide, with `gaps` behind.
  private static func aligned(_ rows: [[String]], minimum: [Int], gaps: [Int]) -> String {
    var widths = minimum
    for row in rows {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], cell.unicodeScalars.count + gaps[column])
      }
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 {
          line += String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
        }
      }
      return line + "\n"
    }.joined()
  }
}
