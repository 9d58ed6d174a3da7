import ClusterModel

/// What Prometheus reads with `file_sd_configs` and `http_sd_configs`: one target a member, on a line of its own.
enum PrometheusExport {
  static func export(_ rows: [ExportedMember], _ options: ExportOptions) -> Export {
    var export = Export()
    // Who is gone and came back under another identity, or has its address again, is a target once.
    let listed = rows.filter(\.isListed)
    let names = Set(listed.map(\.id))
    let addresses = Set(listed.compactMap { options.addresses(of: $0).first })
    var targets: [String] = []
    for row in rows {
      guard let address = options.addresses(of: row).first else {
        export.omit(row, "is left out: it has no \(row.addresses.isEmpty ? "" : "such ")address")
        continue
      }
      if row.isTombstone, names.contains(row.id) || addresses.contains(address) { continue }
      targets.append(target(row, address, options, &export))
    }
    export.body = "[\n" + targets.joined(separator: ",\n") + (targets.isEmpty ? "]\n" : "\n]\n")
    export.entryCount = targets.count
    export.memberCount = targets.count
    return export
  }

  private static func target(
    _ row: ExportedMember, _ address: IPAddress, _ options: ExportOptions, _ export: inout Export
  ) -> String {
    let host = address.family == .v6 ? "[\(address)]" : "\(address)"
    var labels: [ResourceValue.Field] = []
    func add(_ name: String, _ value: String) {
      labels.append(.init("__meta_rollcall_\(name)", .text(value)))
    }
    func list(_ items: [String]) -> String { items.isEmpty ? "" : ",\(items.joined(separator: ","))," }
    add("id", row.id)
    add("node_id", row.nodeID)
    add("hostname", row.hostname)
    add("machine_type", row.machineType)
    add("operating_system", row.operatingSystem)
    add("status", row.state)
    add("reason", row.reason)
    add("address", "\(address)")
    add("addresses", list(row.addresses.map(\.description)))
    add("sources", list(row.sources.sorted()))
    add("flags", list(row.flags))
    if let port = row.controlPlanePort { add("control_plane_port", "\(port)") }
    var names: Set<String> = []
    for label in row.labels {
      let name = Identifier.text(of: label.key)
      guard names.insert(name).inserted else {
        export.omit(row, "lacks a label: \(label.key) is written \(name) as another one is")
        continue
      }
      add("label_\(name)", label.value)
      add("labelpresent_\(name)", "true")
    }
    for key in options.labels {
      let name = Identifier.text(of: key)
      guard let value = row.labels[key], !labels.contains(where: { $0.name == name }) else { continue }
      labels.append(.init(name, .text(value)))
    }
    return JSONText.compact([
      "targets": [.text(options.port.map { "\(host):\($0)" } ?? host)], "labels": .fields(labels),
    ])
  }
}

/// What Prometheus' labels and Ansible's groups may be called.
enum Identifier {
  /// `text` with '_' for each character that isn't a letter, digit or '_', and before a digit at its start.
  static func text(of text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
      case "0"..."9":
        if result.isEmpty { result = "_" }
        result.unicodeScalars.append(scalar)
      default: result += "_"
      }
    }
    return result.isEmpty ? "_" : result
  }
}
