/// How much one side of the plugin boundary takes from the other.
public struct BoundaryLimits: Hashable, Sendable {
  /// The most nodes that one registry may have, all its sources counted together.
  public var nodes: Int
  /// The most bytes in one text.
  public var textBytes: Int
  /// The most items in one list of a node.
  public var listItems: Int
  /// The most updates in one batch.
  public var updates: Int
  /// The most reports in one batch.
  public var reports: Int

  /// Limits; what isn't given is what every host takes.
  public init(
    nodes: Int = 250_000, textBytes: Int = 4096, listItems: Int = 1024, updates: Int = 10_000,
    reports: Int = 256
  ) {
    self.nodes = nodes
    self.textBytes = textBytes
    self.listItems = listItems
    self.updates = updates
    self.reports = reports
  }
}
