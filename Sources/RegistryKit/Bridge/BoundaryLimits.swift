/// How much one side of the plugin boundary takes from the other.
public struct BoundaryLimits: Hashable, Sendable {
  /// The most nodes that one registry may tell, all its sources counted together.
  public var nodes: Int
  /// The most bytes in one text.
  public var textBytes: Int
  /// The most items in one list of a node.
  public var listItems: Int

  public init(nodes: Int = 250_000, textBytes: Int = 4096, listItems: Int = 1024) {
    self.nodes = nodes
    self.textBytes = textBytes
    self.listItems = listItems
  }
}
