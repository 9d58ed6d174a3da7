/// What a list of Nodes says of itself, known once it has been read to its end.
package struct NodeListEnd: Hashable, Sendable {
  /// The version of the whole list: where a watch has to begin.
  package var resourceVersion: String
  /// What to ask the next page with; nil on the last one.
  package var continueToken: String?
  /// How many Nodes the further pages have, where the server says so.
  package var remaining: Int?

  package init(resourceVersion: String, continueToken: String? = nil, remaining: Int? = nil) {
    self.resourceVersion = resourceVersion
    self.continueToken = continueToken
    self.remaining = remaining
  }
}
