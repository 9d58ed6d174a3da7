/// One event of a watch on Nodes.
package enum NodeWatchEvent: Hashable, Sendable {
  /// A Node that is new to this watch; at its beginning also one that has long been there.
  case added(NodeObject)
  /// A Node as it is now.
  case modified(NodeObject)
  /// A Node as it was last.
  case deleted(NodeObject)
  /// Everything up to this resourceVersion has been sent. `initialEventsEnd`: and the Nodes that were there
  /// at the beginning are complete (annotation `k8s.io/initial-events-end`).
  case bookmark(resourceVersion: String, initialEventsEnd: Bool)
  /// The server ends the watch with a Status; `code` as of HTTP, 0 where it gave none. 410 means: list again.
  case error(code: Int, reason: String, message: String)
}
