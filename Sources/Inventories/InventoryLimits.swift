import RegistryKit

/// What is the most of everything that a list of machines may have: beyond it a mistake is more likely than a cluster.
package enum InventoryLimits {
  /// Bytes of one list.
  package static let bytes = 64 << 20
  /// YAML nodes that the aliases of one list stand for: enough for merge keys in each of very many nodes.
  static let aliasedNodes = 1_000_000
  /// Nodes of one registry, and so of one list: what the host takes.
  package static let nodes = BoundaryLimits().nodes
  /// Items of a list, such as a node's addresses.
  static let listItems = BoundaryLimits().listItems
  /// Bytes of an address, a key or an identity.
  static let textBytes = 256
  /// Bytes of a hostname or nodename: what DNS takes.
  static let nameBytes = 253
  /// Bytes of an operating system's name.
  static let operatingSystemBytes = 256
  /// Groups of an Ansible inventory.
  static let groups = 10_000
  /// Steps from groups to groups and hosts that an Ansible inventory takes.
  static let groupSteps = 2_000_000
  /// Columns of a table.
  static let columns = 256
}
