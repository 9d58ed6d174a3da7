import ClusterModel
import ClusterResources

/// The journal for a person, newest last, like a log.
struct HistoryText {
  private var table = TextTable(gap: 2)
  private var header: [[String]]

  init(hasHeader: Bool = true) {
    header = hasHeader ? [["TIME", "WHAT", "WHO", "CHANGE", "WHY"]] : []
  }

  /// The lines of `entries`, to be written after what earlier calls returned.
  mutating func text(of entries: [ResourceValue], at now: Timestamp) -> String {
    let rows = header + entries.map { Self.row($0, now) }
    header = []
    return table.text(of: rows)
  }

  private static func row(_ entry: ResourceValue, _ now: Timestamp) -> [String] {
    let (from, to) = (entry["from"]?.text, entry["to"]?.text ?? "")
    let change = [from, to].compactMap { $0.map(ShortID.text) }.joined(separator: " -> ")
    var why = entry["message"]?.text ?? entry["reason"]?.text ?? ""
    if let count = entry["count"]?.integer, count > 1 {
      why += (why.isEmpty ? "" : " ") + "(\(count) times)"
    }
    return [
      entry["time"]?.time.map { ClockText.text($0, at: now) } ?? "", entry["type"]?.text ?? "",
      ShortID.conflict(entry["id"]?.text ?? ""), change, why,
    ].map(\.shown)
  }
}

/// A moment as people in an incident write it: the time of day, in UTC; with the date where it isn't today's.
enum ClockText {
  static func text(_ time: Timestamp, at now: Timestamp) -> String {
    let (text, today) = (time.description, now.description.prefix(10))
    let clock = text.dropFirst(11).prefix(8)
    return text.hasPrefix(today) ? String(clock) : "\(text.prefix(10)) \(clock)"
  }
}
