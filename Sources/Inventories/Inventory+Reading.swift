package import Documents

extension Inventory {
  /// The nodes in `bytes`, the content of what the person named `name`.
  ///
  /// - Throws: where it isn't of the form, or more than is taken. All else is among the problems.
  package static func read(_ bytes: [UInt8], name: String) throws(YAMLError) -> Inventory {
    let limits = YAMLLimits(size: InventoryLimits.bytes, aliasedNodes: InventoryLimits.aliasedNodes)
    let stream = try YAML.parse(bytes, file: name, limits: limits)
    let diagnostics = Diagnostics(file: name)
    var builder = InventoryBuilder(diagnostics)
    NodeDocuments.read(stream, into: &builder)
    diagnostics.add(stream.duplicateKeys)
    // What stood under a key that is there twice may be nodes: a lost `- ` makes two nodes one.
    if !stream.duplicateKeys.isEmpty { builder.hideNodes() }
    return try builder.finish()
  }
}
