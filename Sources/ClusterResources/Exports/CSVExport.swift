import ClusterModel

/// RFC 4180: lines end in CR LF, the first one names the columns. Lists have spaces between their items; labels are a
/// JSON object.
enum CSVExport {
  private static let columns = [
    "id", "node_id", "hostname", "machine_type", "operating_system", "addresses", "status", "reason", "since",
    "flags", "sources", "control_plane_port", "labels",
  ]

  static func export(_ rows: [ExportedMember], _ options: ExportOptions) -> Export {
    var export = Export()
    export.body = line(columns)
    for named in NamedRows(rows, options, needsAddress: false, in: &export).rows {
      let row = named.row
      export.body += line([
        row.id, row.nodeID, row.hostname, row.machineType, row.operatingSystem,
        named.addresses.map(\.description).joined(separator: " "), row.state, row.reason,
        row.since.description,
        row.flags.joined(separator: " "), row.sources.sorted().joined(separator: " "),
        row.controlPlanePort.map { String($0) } ?? "",
        row.labels.isEmpty ? "" : JSONText.compact(.labels(row.labels)),
      ])
      export.entryCount += 1
    }
    return export
  }

  /// The records below the header.
  static func entryCount(in text: String) -> Int {
    var count = 0
    var isQuoted = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte == UInt8(ascii: "\n"), !isQuoted { count += 1 }
    }
    return max(0, count - 1)
  }

  private static func line(_ cells: [String]) -> String {
    cells.map(cell).joined(separator: ",") + "\r\n"
  }

  private static func cell(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { byte in
      byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte < 0x20
    }
    guard needsQuotes || text.hasPrefix(" ") || text.hasSuffix(" ") else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted += "\"" }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}

extension ResourceValue {
  /// Labels as fields in the order of their keys.
  static func labels(_ labels: NodeLabels) -> ResourceValue {
    .fields(labels.map { Field($0.key, .text($0.value)) })
  }
}
