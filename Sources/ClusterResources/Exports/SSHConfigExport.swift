import ClusterModel

/// ssh_config(5): a `Host` section a member.
enum SSHConfigExport {
  static func export(_ rows: [ExportedMember], _ options: ExportOptions) -> Export {
    var export = Export()
    for named in NamedRows(rows, options, in: &export).rows {
      guard let address = named.addresses.first else { continue }
      export.body += "Host \(named.row.id)\(named.alias.map { " \($0)" } ?? "")\n    HostName \(address)\n"
      if let port = options.port { export.body += "    Port \(port)\n" }
      export.entryCount += 1
    }
    return export
  }
}
