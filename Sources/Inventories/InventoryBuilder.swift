import ClusterModel
import Documents

/// Collects the nodes of one list: each once, and not more than are taken.
struct InventoryBuilder {
  let diagnostics: Diagnostics
  private var inventory = Inventory()
  /// Where each node was first seen.
  private var places: [Inventory.Key: YAMLMark] = [:]
  private var overflow: YAMLMark?

  init(_ diagnostics: Diagnostics) { self.diagnostics = diagnostics }

  /// The text says which nodes there are, be it none.
  mutating func listNodes() { inventory.listsNodes = true }

  /// A mistake may hide nodes: those that were known before stay.
  mutating func hideNodes() { inventory.hidesNodes = true }

  /// Whether no further nodes are taken, as there are too many.
  var isFull: Bool { overflow != nil }

  /// Takes in what an entry says.
  ///
  /// - Parameter record: nil where the entry doesn't say which node it is of, which has been reported.
  mutating func add(_ record: AffiliateRecord?, origin: String = "", at mark: YAMLMark) {
    inventory.listsNodes = true
    guard let record else {
      inventory.hidesNodes = true
      return
    }
    let key = Inventory.Key(origin: origin, nodeID: record.affiliate.nodeID)
    if let first = places[key] {
      // Who asks several nodes (`talosctl -n a,b get members`) is told everything as often.
      if inventory.nodes[key] == record { return }
      let advice = record.isLocalID ? "; give each machine an `id` of its own" : ""
      diagnostics.error(
        mark,
        "node \(quoted(key.nodeID.text)) is in the file twice; the first, at line \(first.line), is kept\(advice)"
      )
      return
    }
    guard inventory.nodes.count < InventoryLimits.nodes else {
      overflow = overflow ?? mark
      return
    }
    places[key] = mark
    inventory.nodes[key] = record
  }

  /// The inventory, with what was found wrong in the order of the text.
  ///
  /// - Throws: where there are more nodes than are taken.
  func finish() throws(YAMLError) -> Inventory {
    if let overflow {
      throw YAMLError(
        file: diagnostics.file, mark: overflow,
        message: "more than \(InventoryLimits.nodes) nodes in one file; split it into several")
    }
    diagnostics.sort()
    var inventory = inventory
    inventory.problems = diagnostics.errors
    inventory.notes = diagnostics.warnings
    return inventory
  }
}
