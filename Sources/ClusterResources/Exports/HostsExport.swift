import ClusterModel

/// hosts(5): `address<TAB>name`, and the node's hostname behind it where that is another one.
///
/// A name has one address of each family, the preferred one: resolvers would take all in any order.
enum HostsExport {
  static func export(_ rows: [ExportedMember], _ options: ExportOptions) -> Export {
    var export = Export()
    for named in NamedRows(rows, options, in: &export).rows {
      for family in [IPAddress.Family.v4, .v6] {
        guard let address = named.addresses.first(where: { $0.family == family }) else { continue }
        export.body += "\(address)\t\(named.row.id)\(named.alias.map { "\t\($0)" } ?? "")\n"
        export.entryCount += 1
      }
    }
    return export
  }
}
