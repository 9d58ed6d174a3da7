import Platform
import RegistryKit

/// How an informer reads and waits.
struct InformerTiming: Sendable {
  /// Nodes in a page.
  var pageSize = 500
  /// How long the server keeps a watch, in seconds: a random number of these, so that a thousand nodes don't
  /// come back together.
  var watchSeconds = 300...600
  /// How much longer than that it may be silent.
  var grace = Duration.seconds(20)
  /// How long a watch may be silent of which bookmarks come regularly (each minute, since Kubernetes 1.21).
  var bookmarkSilence = Duration.seconds(180)
  /// How long a server may send nothing newer than what is known, be it in several watches, until all is read
  /// anew. Servers send a bookmark each minute, or before they end a watch.
  var quietLimit = Duration.seconds(300)
  /// How long a watch has to last to count as one that works.
  var settled = Duration.seconds(5)
  /// How long a watch has to last for its interruption not to be reported, however often that happens.
  var lasting = Duration.seconds(1)
  /// How often a server may no longer have what it has just given, or end a watch at once, until that is
  /// reported.
  var setbacks = 3
  /// Waits between attempts: of at most a minute, with the spread.
  var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(40), factor: 2)
  /// Waits before what somebody else changed is changed back: two who disagree must not fight as fast as they
  /// can.
  var restoring = Backoff(initial: .seconds(1), maximum: .seconds(300), factor: 2)
  /// After how long without a change by somebody else the wait before changing it back is short again, and
  /// another's identity is forgotten.
  var restoreMemory = Duration.seconds(600)
  /// How long reading may fail, without an answer that is one, before it is given up: who runs the registry
  /// then decides what its records still count for, and runs it again.
  var patience = Duration.seconds(60)
  /// The most Nodes that are read: as many as a registry may have.
  var nodeLimit = BoundaryLimits().nodes
  /// The longest wait that a server's Retry-After is heeded for.
  var maximumRetryAfter = Duration.seconds(300)
}
