import ClusterModel
import Documents

/// A node within one file, and who reported it.
struct NodeKey: Hashable, Sendable {
  /// The raw prefix that a document of the raw namespace came under, `k8s` of `k8s/…`; empty for the file's
  /// own nodes.
  let origin: String
  let nodeID: NodeIdentity
}

/// What one file holds.
struct FileReading: Hashable, Sendable {
  /// The nodes, without what of them has a problem.
  var nodes: [NodeKey: Affiliate] = [:]
  /// Whether the file says which nodes there are, be it none (`nodes: []`). An empty one doesn't.
  var listsNodes = false
  /// Whether a mistake hides nodes: what isn't in ``nodes`` may be in the file all the same.
  var hidesNodes = false
  var problems = ProblemList()
  /// What was left out and is no mistake, such as documents of other types.
  var notes = ProblemList()
}
