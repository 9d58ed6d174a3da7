import Documents
import Inventories

/// How a list is read.
enum ListForm: Sendable {
  case known(InventoryFormat)
  case mapped(ListMapping)

  /// What is asked for: the first of these that the server has.
  var accept: String {
    switch self {
    case .mapped: "application/json"
    case .known: "application/json, application/yaml;q=0.9, text/csv;q=0.8, text/plain;q=0.8, */*;q=0.5"
    }
  }

  /// The nodes in `bytes`.
  ///
  /// - Throws: where it isn't of the form.
  func read(_ bytes: [UInt8], name: String) throws(YAMLError) -> Inventory {
    switch self {
    case .known(let format): try Inventory.read(bytes, name: name, format: format)
    case .mapped(let mapping): try mapping.read(bytes, name: name)
    }
  }
}
