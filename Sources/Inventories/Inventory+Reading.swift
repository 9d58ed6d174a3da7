package import Documents

extension Inventory {
  /// The nodes in `bytes`, the content of what the person named `name`.
  ///
  /// - Throws: where it isn't of the form, or more than is taken. All else is among the problems.
  package static func read(
    _ bytes: [UInt8], name: String, format: InventoryFormat = .auto
  ) throws(YAMLError) -> Inventory {
    let limits = YAMLLimits(size: InventoryLimits.bytes, aliasedNodes: InventoryLimits.aliasedNodes)
    let diagnostics = Diagnostics(file: name)
    var builder = InventoryBuilder(diagnostics)
    if format.isText || format == .auto {
      let text = try YAML.checkedText(bytes, file: name, limits: limits)
      switch format == .auto ? InventoryFormat.ofText(text) : format {
      case .hosts:
        HostsFile.read(text, into: &builder)
        return try builder.finish()
      case .csv:
        try CSVTable.read(text, into: &builder)
        return try builder.finish()
      default: break
      }
    }
    let stream = try YAML.parse(bytes, file: name, limits: limits, textTags: AnsibleInventory.tags)
    switch format == .auto ? InventoryFormat.of(stream) : format {
    case .fileSD, .httpSD: try PrometheusTargets.read(stream, into: &builder)
    case .ansible: try AnsibleInventory.read(stream, into: &builder)
    case .kubernetes: try KubernetesNodes.read(stream, into: &builder)
    case .auto, .nodes, .hosts, .csv: NodeDocuments.read(stream, into: &builder)
    }
    diagnostics.add(stream.duplicateKeys)
    // What stood under a key that is there twice may be nodes: a lost `- ` makes two nodes one.
    if !stream.duplicateKeys.isEmpty { builder.hideNodes() }
    return try builder.finish()
  }
}

extension Inventory {
  /// The node of a document of an affiliate or a member.
  package static func read(document: YAMLNode, name: String) throws(YAMLError) -> Inventory {
    var builder = InventoryBuilder(Diagnostics(file: name))
    NodeDocuments.read(YAMLStream(documents: [document]), into: &builder)
    return try builder.finish()
  }

  /// The nodes of `entries` of the short form that a program made of something else: problems name them by their
  /// places, `items[3]`.
  package static func read(entries: [YAMLNode], name: String) throws(YAMLError) -> Inventory {
    var marked = entries
    for index in marked.indices { marked[index].mark = YAMLMark(line: index + 1, column: 1) }
    var builder = InventoryBuilder(Diagnostics(file: name))
    builder.listNodes()
    var problems = ProblemList()
    for (index, entry) in marked.enumerated() where !builder.isFull {
      let diagnostics = Diagnostics(file: name)
      let record = NodeReader.read(entry, as: .affiliate, diagnostics)
      builder.add(record, at: entry.mark)
      for problem in diagnostics.errors.kept {
        problems.append(
          YAMLError(file: name, item: "items[\(index)]", index: index, message: problem.message))
      }
      problems.addUnkept(diagnostics.errors.count - diagnostics.errors.kept.count)
    }
    var inventory = try builder.finish()
    for problem in inventory.problems.kept {
      let index = problem.mark.line - 1
      problems.append(YAMLError(file: name, item: "items[\(index)]", index: index, message: problem.message))
    }
    problems.addUnkept(inventory.problems.count - inventory.problems.kept.count)
    problems.sort()
    inventory.problems = problems
    return inventory
  }
}

extension YAMLStream {
  /// The documents that aren't empty.
  var contents: [YAMLNode] { documents.filter { !$0.isNull } }
}
