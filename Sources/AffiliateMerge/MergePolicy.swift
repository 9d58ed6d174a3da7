/// Which registry's record counts where several have one node. Data, not code.
///
/// Without an explicit order this is the rule of existing nodes: a node's raw affiliates are walked in the
/// order of their raw ids as text; lists are unions in order of first appearance; of a scalar the last one
/// that is set wins, but the operating system is the first one that is set.
///
/// With ``precedence`` registries are walked from the strongest to the weakest: lists start with the
/// strongest one's items, and of every scalar the first one that is set wins. Registries that aren't named
/// come after those that are, by their raw prefixes as text.
///
/// Either way a stale record is weaker than every fresh one: fresh ones decide, and a stale one gives only
/// what no fresh one sets. What a stale record alone has of a list is kept, at the list's end: that a node
/// was there is better than nothing when the node has to be reached, and the order says what to try first.
public struct MergePolicy: Hashable, Sendable {
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes.
  public var precedence: [String]

  public init(precedence: [String] = []) { self.precedence = precedence }
}
