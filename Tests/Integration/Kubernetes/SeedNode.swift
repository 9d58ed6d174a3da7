import Foundation
import Testing

/// A node of the cluster that the documentation of existing clusters shows.
struct SeedNode: Sendable {
  let identity: String
  let name: String
  let machineType: String
  let addresses: [String]

  static let operatingSystem = "Talos (v1.3.0-alpha.1)"

  /// The five of them, as the documented table of affiliates has them.
  static func all() throws -> [SeedNode] {
    let table = try contents("\(fixture("documented"))/affiliates.txt")
    let nodes = try table.split(separator: "\n").dropFirst().map { line in
      let cells = line.split(separator: "   ").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty }
      try #require(cells.count == 8, "\(line)")
      return SeedNode(
        identity: cells[3], name: cells[5], machineType: cells[6],
        addresses: try JSONDecoder().decode([String].self, from: Data(cells[7].utf8)))
    }
    try #require(nodes.count == 5)
    return nodes
  }

  /// What stands under `node` in its configuration.
  func description(addresses: [String]? = nil) -> String {
    let list = (addresses ?? self.addresses).map { "\"\($0)\"" }.joined(separator: ", ")
    return "{nodename: \(name), hostname: \(name), machineType: \(machineType), "
      + "operatingSystem: \(Self.operatingSystem), addresses: [\(list)]}"
  }
}
