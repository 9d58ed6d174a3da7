import ClusterModel

/// What Ansible's `script` inventory reads: groups, and the variables of all hosts under `_meta`, a host on each line.
public enum AnsibleExport {
  /// The variables of the host called `name`, as Ansible asks a script for them with `--host`; nil for an unknown one.
  public static func host(
    _ name: String, _ rows: [ExportedMember], _ options: ExportOptions = ExportOptions()
  ) -> String? {
    var export = Export()
    let listed = rows.filter { $0.isListed && options.states?.contains($0.state) ?? true }
    let named = self.rows(listed, options, &export).first { $0.row.id == name }
    return named.map { JSONText.compact(variables($0, options, &export)) + "\n" }
  }

  static func export(_ rows: [ExportedMember], _ options: ExportOptions) -> Export {
    var export = Export()
    var groups: [String: [String]] = [:]
    var hosts: [String] = []
    for named in self.rows(rows, options, &export) {
      let row = named.row
      hosts.append(
        "\(JSONText.compact(.text(row.id))):\(JSONText.compact(variables(named, options, &export)))")
      var own: Set<String> = [Identifier.text(of: "rollcall_\(row.state)")]
      if row.machineType != MachineType.unknown.rawValue { own.insert(Identifier.text(of: row.machineType)) }
      for key in options.labels {
        if let value = row.labels[key] { own.insert(Identifier.text(of: "\(key)_\(value)")) }
      }
      for group in own { groups[group, default: []].append(row.id) }
    }
    let names = groups.keys.sorted()
    var lines = ["\"all\":" + JSONText.compact(["children": .texts(names)])]
    for name in names {
      lines.append(
        "\(JSONText.compact(.text(name))):" + JSONText.compact(["hosts": .texts(groups[name] ?? [])]))
    }
    let hostvars = hosts.isEmpty ? "" : hosts.joined(separator: ",\n") + "\n"
    export.body = "{\"_meta\":{\"hostvars\":{\n\(hostvars)}},\n\(lines.joined(separator: ",\n"))\n}\n"
    export.entryCount = hosts.count
    return export
  }

  static func entryCount(in text: String) -> Int {
    text.lines.dropFirst().prefix { $0 != "}}," }.count { $0.hasPrefix("\"") }
  }

  private static func rows(
    _ rows: [ExportedMember], _ options: ExportOptions, _ export: inout Export
  ) -> [NamedRows.Row] {
    // Groups that each inventory has.
    NamedRows(rows, options, reserved: ["all", "ungrouped"], needsAddress: false, in: &export).rows
  }

  private static func variables(
    _ named: NamedRows.Row, _ options: ExportOptions, _ export: inout Export
  ) -> ResourceValue {
    let row = named.row
    var fields: [ResourceValue.Field] = []
    // Without one Ansible takes the name.
    if let address = named.addresses.first { fields.append(.init("ansible_host", .text("\(address)"))) }
    if let port = options.port { fields.append(.init("ansible_port", .integer(Int64(port)))) }
    var labels: [ResourceValue.Field] = []
    for label in row.labels {
      // Ansible takes an object with such a key for a value of its own making, and ends where it isn't.
      guard !label.key.hasPrefix("__ansible_") else {
        export.omit(row, "lacks a label: Ansible keeps \(label.key.shown) for itself")
        continue
      }
      labels.append(.init(label.key, text(label.value)))
    }
    let variables: [(String, ResourceValue)] = [
      ("node_id", text(row.nodeID)), ("hostname", text(row.hostname)),
      ("machine_type", text(row.machineType)),
      ("operating_system", text(row.operatingSystem)), ("addresses", .texts(named.row.addresses)),
      ("status", text(row.state)), ("reason", text(row.reason)), ("flags", .list(row.flags.map(text))),
      ("sources", .list(row.sources.sorted().map(text))), ("labels", .fields(labels)),
    ]
    fields += variables.map { .init("rollcall_\($0)", $1) }
    if let port = row.controlPlanePort {
      fields.append(.init("rollcall_control_plane_port", .integer(Int64(port))))
    }
    return .fields(fields)
  }

  /// A text that Ansible must not read as a template: it would run what a node says of itself on the machine of who
  /// uses the inventory. Ansible's own mark says so (`AnsibleJSONDecoder`).
  private static func text(_ text: String) -> ResourceValue {
    let isTemplate = ["{{", "{%", "{#"].contains { text.contains($0) } || text.hasPrefix("#jinja2:")
    return isTemplate ? ["__ansible_unsafe": .text(text)] : .text(text)
  }
}
