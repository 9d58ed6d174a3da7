package import ClusterModel
package import Documents

/// What a list of machines holds, in whatever form it is written.
package struct Inventory: Hashable, Sendable {
  /// A node within one list, and who reported it.
  package struct Key: Hashable, Sendable {
    /// The raw prefix that a document of the raw namespace came under, `k8s` of `k8s/…`; empty for the list's
    /// own nodes.
    package let origin: String
    /// The node's identity, or its local id where its record says so.
    package let nodeID: NodeIdentity

    /// The node `nodeID` as `origin` reported it.
    package init(origin: String = "", nodeID: NodeIdentity) {
      self.origin = origin
      self.nodeID = nodeID
    }
  }

  /// The nodes, without what of them has a problem.
  package var nodes: [Key: AffiliateRecord] = [:]
  /// Whether the text says which nodes there are, be it none (`nodes: []`). An empty one doesn't.
  package var listsNodes = false
  /// Whether a mistake hides nodes: what isn't in ``nodes`` may be in the text all the same.
  package var hidesNodes = false
  /// What is wrong, each with its place.
  package var problems = ProblemList()
  /// What was left out and is no mistake, such as documents of other types.
  package var notes = ProblemList()
}
