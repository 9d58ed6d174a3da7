import RegistryKit

/// What is the most of everything that a file may have: beyond it a mistake is more likely than a cluster.
enum FileLimits {
  /// Bytes of one file.
  static let fileBytes = 64 << 20
  /// Files that all paths of one registry may find.
  static let files = 10_000
  /// Names in a folder that a pattern looks at.
  static let folderEntries = 100_000
  /// YAML nodes that the aliases of one file stand for: enough for merge keys in each of very many nodes.
  static let aliasedNodes = 1_000_000
  /// Nodes of one registry, and so of one file: what the host takes.
  static let nodes = BoundaryLimits().nodes
  /// Items of a list, such as a node's addresses.
  static let listItems = BoundaryLimits().listItems
  /// Bytes of an address, a key or an identity.
  static let textBytes = 256
  /// Bytes of a hostname or nodename: what DNS takes.
  static let nameBytes = 253
  /// Bytes of an operating system's name.
  static let operatingSystemBytes = 256
  /// Names on the way to one file, those that links add counted.
  static let pathNames = 512
  /// Problems that are kept one by one; of the others there is a number.
  static let problems = 1000
  /// How long a file must not have changed to be read where the system doesn't say whether somebody writes to it.
  static let settleTime: Duration = .seconds(2)
  /// How long a file must not have changed to be read while somebody has it open to write to it.
  static let writerSettleTime: Duration = .seconds(10)
  /// The pause before a file that is on its way from one state to the next is looked at again, and the one after
  /// it has been so for a while.
  static let settlePauses = (first: Duration.milliseconds(50), later: Duration.seconds(1))
  /// How long a file is found being written to before that is reported.
  static let unsettledTime: Duration = .seconds(5)
  /// Symbolic links followed on the way to one file, as the system does.
  static let links = 40
}
