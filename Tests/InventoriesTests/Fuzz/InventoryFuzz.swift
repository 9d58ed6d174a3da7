import ClusterModel
import Documents

@testable import Inventories

/// What must hold of whatever a list or an update line is: for the tests and for libFuzzer, which has the reader's
/// modules as they are built.
enum InventoryFuzz {
  struct Broken: Error, CustomStringConvertible {
    let description: String
  }

  static func check(_ bytes: [UInt8]) throws {
    for format in InventoryFormat.allCases { try check(bytes, format) }
    guard let line = try? UpdateLine.read(bytes, name: "f", number: 3) else { return }
    switch line.content {
    case .snapshot(let records): for record in records { try check(record, record.affiliate.nodeID) }
    case .upsert(let record): try check(record, record.affiliate.nodeID)
    default: break
    }
    try check(line.problems)
  }

  private static func check(_ bytes: [UInt8], _ format: InventoryFormat) throws {
    guard let inventory = try? Inventory.read(bytes, name: "f", format: format) else { return }
    // Read twice it is the same: nothing depends on the order of a set.
    guard try Inventory.read(bytes, name: "f", format: format) == inventory else {
      throw Broken(description: "\(format): read again it is another one")
    }
    guard inventory.nodes.count <= InventoryLimits.nodes else {
      throw Broken(description: "\(format): too many nodes")
    }
    for (key, record) in inventory.nodes { try check(record, key.nodeID) }
    try check(inventory.problems)
    try check(inventory.notes)
  }

  private static func check(_ record: AffiliateRecord, _ id: NodeIdentity) throws {
    let affiliate = record.affiliate
    guard affiliate.nodeID == id else { throw Broken(description: "\(id) is called \(affiliate.nodeID)") }
    for address in affiliate.addresses {
      guard let checked = try? NodeAddress.check(address), checked == address else {
        throw Broken(description: "\(id) has the address \(address)")
      }
    }
    guard affiliate.addresses.count <= InventoryLimits.listItems,
      record.machineID.isEmpty || record.machineID.utf8.count == 32
    else { throw Broken(description: "\(id) has too much") }
    for text in [affiliate.hostname, affiliate.nodename, affiliate.operatingSystem] {
      guard text.utf8.count <= 256,
        !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
      else { throw Broken(description: "\(id) has the text \(text)") }
    }
  }

  private static func check(_ problems: ProblemList) throws {
    for problem in problems.kept {
      guard problem.mark.line > 0, problem.mark.column > 0, !problem.message.isEmpty else {
        throw Broken(description: "a problem without a place: \(problem)")
      }
    }
  }
}
