import ClusterModel
import Documents

/// Reads inventories of Ansible: what `ansible-inventory --list` and inventory scripts print, and inventories in YAML.
///
/// A host is known by its name in the inventory; its groups are labels `group/<name>`. Of its variables those alone are
/// read that say how it is reached and what Rollcall's own export says of it: others may be secrets.
struct AnsibleInventory {
  /// What Ansible writes before texts, which are read as texts.
  static let tags: Set<String> = ["!vault", "!vault-encrypted", "!unsafe"]

  private struct Group {
    var hosts: [String] = []
    var children: [String] = []
  }

  private let diagnostics: Diagnostics
  private var groups: [String: Group] = [:]
  /// In the order in which they were first named.
  private var hosts: [(name: String, mark: YAMLMark)] = []
  private var known: Set<String> = []
  private var variables: [String: [YAMLNode]] = [:]
  private var hidesNodes = false
  private var steps = 0

  /// Whether a mapping of `pairs` is an inventory.
  static func isInventory(_ pairs: [YAMLPair]) -> Bool {
    if pairs.contains(where: { $0.key == "_meta" && $0.value["hostvars"] != nil }) { return true }
    func isGroup(_ pair: YAMLPair) -> Bool {
      pair.value.pairs?.contains { groupKeys.contains($0.key) } ?? false
    }
    if pairs.contains(where: { $0.key == "all" && isGroup($0) }) { return true }
    // Without `all`, what has anything beside groups is something else.
    return pairs.contains(where: isGroup)
      && pairs.allSatisfy { pair in
        pair.value.isNull || (pair.value.pairs?.allSatisfy { groupKeys.contains($0.key) } ?? false)
      }
  }

  private static let groupKeys = ["hosts", "children", "vars"]

  static func read(_ stream: YAMLStream, into builder: inout InventoryBuilder) throws(YAMLError) {
    for document in stream.contents {
      guard let pairs = document.pairs else {
        throw YAMLError(
          file: builder.diagnostics.file, mark: document.mark,
          message: "an inventory "
            + document.written.mismatch(must: "a mapping of groups, such as `all:` with hosts and children"))
      }
      builder.listNodes()
      var reader = AnsibleInventory(diagnostics: builder.diagnostics)
      for pair in pairs where pair.key != "_meta" { reader.group(pair.key, pair.value, at: pair.keyMark) }
      if let meta = document["_meta"] { reader.meta(meta) }
      if reader.hidesNodes { builder.hideNodes() }
      reader.finish(into: &builder)
    }
  }

  private init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

  // MARK: Structure

  private mutating func meta(_ node: YAMLNode) {
    let meta = FieldReader(node, "_meta", keys: nil, style: .lenient, diagnostics: diagnostics)
    for pair in meta.section("hostvars", keys: nil).pairs { host(pair.key, pair.value, at: pair.keyMark) }
  }

  private mutating func group(_ name: String, _ node: YAMLNode, at mark: YAMLMark) {
    guard groups.count < InventoryLimits.groups else {
      hidesNodes = true
      return diagnostics.error(mark, "an inventory has at most \(InventoryLimits.groups) groups")
    }
    if groups[name] == nil { groups[name] = Group() }
    // The old form of scripts: a group is the list of its hosts.
    if let items = node.items { return listed(items, in: name) }
    let fields = FieldReader(
      node, "the group \(quoted(name))", keys: Self.groupKeys, style: .lenient, diagnostics: diagnostics)
    if fields.node == nil, !fields.isMissing { hidesNodes = true }
    if let hosts = fields.value("hosts") {
      switch hosts.content {
      case .sequence(let items): listed(items, in: name)
      case .mapping(let pairs):
        for pair in pairs { member(pair.key, pair.value, at: pair.keyMark, of: name) }
      // `hosts: web-1`, as YAML inventories may have it.
      case .scalar: listed([hosts], in: name)
      }
    }
    guard let children = fields.value("children") else { return }
    switch children.content {
    case .sequence(let items):
      for item in items {
        guard let child = item.scalar, !item.isNull else {
          diagnostics.error(item.mark, "a child of a group \(item.written.mismatch(must: "a group's name"))")
          hidesNodes = true
          continue
        }
        groups[name]?.children.append(child.text)
      }
    case .mapping(let pairs):
      for pair in pairs {
        groups[name]?.children.append(pair.key)
        group(pair.key, pair.value, at: pair.keyMark)
      }
    case .scalar:
      diagnostics.error(
        children.mark, "children \(children.written.mismatch(must: "a mapping of groups or a list of names"))"
      )
      hidesNodes = true
    }
  }

  private mutating func listed(_ items: [YAMLNode], in group: String) {
    for item in items {
      guard let scalar = item.scalar, !item.isNull else {
        diagnostics.error(
          item.mark, "a host of the group \(quoted(group)) \(item.written.mismatch(must: "a host's name"))")
        hidesNodes = true
        continue
      }
      member(scalar.text, nil, at: item.mark, of: group)
    }
  }

  /// A host, or a range of hosts such as `web-[01:20]`, in a group.
  private mutating func member(_ pattern: String, _ variables: YAMLNode?, at mark: YAMLMark, of group: String)
  {
    let names: [String]
    do throws(ModelError) {
      names = try HostRange.expand(pattern, maximum: InventoryLimits.nodes + 1)
    } catch {
      diagnostics.error(mark, "the group \(quoted(group)): \(error)")
      hidesNodes = true
      return
    }
    for name in names where steps < InventoryLimits.groupSteps {
      steps += 1
      groups[group]?.hosts.append(name)
      host(name, variables, at: mark)
    }
  }

  private mutating func host(_ name: String, _ variables: YAMLNode?, at mark: YAMLMark) {
    if known.insert(name).inserted { hosts.append((name, mark)) }
    guard let variables, !variables.isNull else { return }
    guard variables.pairs != nil else {
      // What is written may be a secret.
      let fault = variables.written.mismatch(must: "a mapping of variables", isShown: false)
      return diagnostics.error(variables.mark, "host \(quoted(name)): its variables: \(fault)")
    }
    self.variables[name, default: []].append(variables)
  }

  // MARK: Hosts

  private mutating func finish(into builder: inout InventoryBuilder) {
    let membership = membership()
    if steps >= InventoryLimits.groupSteps {
      diagnostics.error(
        YAMLMark(line: 1, column: 1),
        "the inventory's groups have too much within each other; not all of them are labels")
      builder.hideNodes()
    }
    for (name, mark) in hosts where !builder.isFull {
      let variables = HostVariables(variables[name] ?? [], name: name, mark: mark, diagnostics)
      guard let draft = variables.draft(groups: membership[name] ?? []) else { continue }
      do throws(ModelError) {
        builder.add(try draft.record(), at: mark)
      } catch {
        diagnostics.error(mark, "host \(quoted(name)): \(error)")
        builder.hideNodes()
      }
    }
  }

  /// The groups of each host, those around its own included.
  private mutating func membership() -> [String: Set<String>] {
    var membership: [String: Set<String>] = [:]
    for start in groups.keys.sorted() where !["all", "ungrouped"].contains(start) {
      var seen: Set<String> = [start]
      var remaining = [start]
      while let name = remaining.popLast(), steps < InventoryLimits.groupSteps {
        guard let group = groups[name] else { continue }
        for host in group.hosts where steps < InventoryLimits.groupSteps {
          steps += 1
          membership[host, default: []].insert(start)
        }
        for child in group.children where seen.insert(child).inserted {
          steps += 1
          remaining.append(child)
        }
      }
    }
    return membership
  }
}

/// What an inventory's variables say of one host.
private struct HostVariables {
  private let scopes: [YAMLNode]
  private let name: String
  private let mark: YAMLMark
  private let diagnostics: Diagnostics

  init(_ scopes: [YAMLNode], name: String, mark: YAMLMark, _ diagnostics: Diagnostics) {
    self.scopes = scopes
    self.name = name
    self.mark = mark
    self.diagnostics = diagnostics
  }

  /// The machine; nil where it is the one that Ansible itself runs on.
  func draft(groups: Set<String>) -> MachineDraft? {
    let host = try? MachineHost(name)
    if host == .own || text("ansible_connection")?.text == "local" {
      diagnostics.warning(mark, "host \(quoted(name)) is whatever machine Ansible runs on, and left out")
      return nil
    }
    var draft = MachineDraft(name, at: mark)
    if let identity = text("rollcall_node_id").flatMap({ try? NodeIdentity($0.text) }) {
      draft.identity = identity
      // Rollcall's export calls members by their nodenames.
      draft.nodename = name
    }
    if let nodename = line("rollcall_nodename", maximum: InventoryLimits.nameBytes) {
      draft.nodename = nodename
    }
    draft.hostname = line("rollcall_hostname", maximum: InventoryLimits.nameBytes) ?? ""
    // What it is reached by counts before what the inventory calls it.
    reach("ansible_host", &draft)
    reach("ansible_ssh_host", &draft)
    host?.apply(to: &draft)
    for item in list("rollcall_addresses") {
      parsed(item, "rollcall_addresses") { (text) throws(ModelError) in draft.add(try NodeAddress.parse(text))
      }
    }
    draft.operatingSystem =
      line("rollcall_operating_system", maximum: InventoryLimits.operatingSystemBytes) ?? ""
    if let type = text("rollcall_machine_type") {
      parsed(type, "rollcall_machine_type") { (text) throws(ModelError) in
        draft.machineType = try NodeReader.machineType(text)
      }
    }
    for key in ["rollcall_machine_id", "ansible_machine_id"] where draft.machineID.isEmpty {
      guard let id = text(key) else { continue }
      parsed(id, key) { (text) throws(ModelError) in draft.machineID = try MachineID.parse(text) }
    }
    if let port = value("rollcall_control_plane_port")?.int, let port = UInt16(exactly: port), port > 0 {
      draft.controlPlane = ControlPlane(apiServerPort: port)
    }
    labels(groups, &draft)
    return draft
  }

  private func reach(_ key: String, _ draft: inout MachineDraft) {
    guard let value = text(key) else { return }
    parsed(value, key) { (text) throws(ModelError) in
      guard !text.contains("{{") else {
        throw ModelError("\(quoted(text)) is a template, which only Ansible can fill in")
      }
      let host = try MachineHost(text)
      guard host != .own else {
        throw ModelError("\(quoted(text)) is each machine's own; others can't reach it")
      }
      host.apply(to: &draft)
    }
  }

  private func labels(_ groups: Set<String>, _ draft: inout MachineDraft) {
    do throws(ModelError) {
      for pair in value("rollcall_labels")?.pairs ?? [] {
        if let label = Self.plain(pair.value).scalar {
          try draft.addLabel(pair.key, label.kind == .null ? "" : label.text)
        }
      }
      for group in groups.sorted() { try draft.addLabel("group/\(group)", "true") }
    } catch {
      diagnostics.error(mark, "host \(quoted(name)): \(error)")
    }
  }

  // MARK: Values

  /// The last one that was written counts.
  private func value(_ key: String) -> YAMLNode? {
    scopes.reversed().lazy.compactMap { $0[key] }.first.map(Self.plain)
  }

  /// Without what marks a text as no template.
  private static func plain(_ node: YAMLNode) -> YAMLNode { node["__ansible_unsafe"] ?? node }

  private func text(_ key: String) -> (text: String, mark: YAMLMark)? {
    guard let value = value(key), let scalar = value.scalar, scalar.kind != .null, !scalar.text.isEmpty else {
      return nil
    }
    return (scalar.text, value.mark)
  }

  private func list(_ key: String) -> [(text: String, mark: YAMLMark)] {
    (value(key)?.items ?? []).prefix(InventoryLimits.listItems).compactMap { item in
      Self.plain(item).scalar.map { ($0.text, item.mark) }
    }
  }

  private func line(_ key: String, maximum: Int) -> String? {
    guard let value = text(key) else { return nil }
    let isLine =
      value.text.utf8.count <= maximum
      && !value.text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    if !isLine {
      diagnostics.error(value.mark, "host \(quoted(name)): \(key) isn't one line of at most \(maximum) bytes")
    }
    return isLine ? value.text : nil
  }

  private func parsed(
    _ value: (text: String, mark: YAMLMark), _ key: String, _ body: (String) throws(ModelError) -> Void
  ) {
    do throws(ModelError) {
      try body(value.text)
    } catch {
      diagnostics.error(value.mark, "host \(quoted(name)): \(key): \(error)")
    }
  }
}
