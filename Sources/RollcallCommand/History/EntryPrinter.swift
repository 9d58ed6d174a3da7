import ArgumentParser
import ClusterModel
import ClusterResources

/// Prints entries of a journal to the standard output.
struct EntryPrinter {
  enum Format: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, yaml, json, ndjson
  }

  private let format: Format
  private var text: HistoryText
  private var isFirst = true

  init(format: Format, hasHeader: Bool) {
    self.format = format
    text = HistoryText(hasHeader: hasHeader)
  }

  /// Prints `entries` after those that were printed before.
  mutating func print(_ entries: [ResourceValue], at now: Timestamp) throws {
    switch format {
    case .table: try Terminal.write(text.text(of: entries, at: now))
    case .json: try Terminal.write(entries.map { JSONText.pretty($0) + "\n" }.joined())
    case .ndjson: try Terminal.write(entries.map { JSONText.compact($0) + "\n" }.joined())
    case .yaml:
      for entry in entries {
        try Terminal.write((isFirst ? "" : "---\n") + YAMLText.text(of: entry))
        isFirst = false
      }
    }
  }
}
