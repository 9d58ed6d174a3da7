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

extension YAMLStream {
  /// The documents that aren't empty.
  var contents: [YAMLNode] { documents.filter { !$0.isNull } }
}
