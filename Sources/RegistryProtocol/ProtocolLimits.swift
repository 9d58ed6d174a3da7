package import RegistryKit

/// What both sides of the line protocol take at most (Docs/Registry-protocol.md).
package enum ProtocolLimits {
  /// The version of the protocol that is written here.
  package static let version = 1
  /// Bytes of a line, its end not counted.
  package static let lineBytes = 16 << 20
  /// Bytes after which a writer ends a line of records, and goes on with another one of the same batch.
  package static let recordsOfLine = 128 << 10
  /// Nodes of a batch, text, lists, updates and reports: as at the boundary of plugins.
  package static let boundary = BoundaryLimits()
  /// Bytes of a message for people.
  package static let messageBytes = 4096
  /// Mistakes of one line that are kept one by one; of the others there is a number.
  package static let problems = 20
}
