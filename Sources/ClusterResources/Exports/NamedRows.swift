import ClusterModel
import Platform

/// Rows for formats in which programs look up names: those that have one, each name once, with another name that
/// nobody else has.
struct NamedRows {
  struct Row {
    let row: ExportedMember
    let addresses: [IPAddress]
    /// The node's hostname, where that is a second name of this row alone.
    let alias: String?
  }

  private(set) var rows: [Row] = []

  /// - Parameters:
  ///   - reserved: names, in lower case, that mean something else in the format.
  ///   - needsAddress: whether a row without one is of no use.
  init(
    _ all: [ExportedMember], _ options: ExportOptions, reserved: Set<String> = [], needsAddress: Bool = true,
    in export: inout Export
  ) {
    var named: [(row: ExportedMember, addresses: [IPAddress])] = []
    var names: Set<String> = []
    for row in all {
      if let fault = HostName.fault(of: row.id) {
        export.omit(row, "is left out: \(fault)")
        continue
      }
      let name = row.id.lowercased()
      let addresses = options.addresses(of: row)
      if reserved.contains(name) {
        export.omit(row, "is left out: the name means something else here")
      } else if needsAddress, addresses.isEmpty {
        export.omit(row, "is left out: it has no \(row.addresses.isEmpty ? "" : "such ")address")
      } else if !names.insert(name).inserted {
        export.omit(row, "is left out: another member has the name in another case")
      } else {
        named.append((row, addresses))
      }
    }
    // Of all rows, so that a name doesn't come and go with what is left out.
    let others = Set(all.map { $0.id.lowercased() })
    var aliases: [String: Int] = [:]
    for row in all { aliases[row.hostname.lowercased(), default: 0] += 1 }
    rows = named.map { row, addresses in
      let alias = row.hostname.lowercased()
      let isUsable =
        aliases[alias] == 1 && !others.contains(alias) && !reserved.contains(alias)
        && HostName.fault(of: alias) == nil
      return Row(row: row, addresses: addresses, alias: isUsable ? row.hostname : nil)
    }
    export.memberCount = rows.count
  }
}
