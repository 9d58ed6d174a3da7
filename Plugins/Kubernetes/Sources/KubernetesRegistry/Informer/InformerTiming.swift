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
  /// How long a watch has to last to count as one that works.
  var settled = Duration.seconds(5)
  /// Waits between attempts.
  var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(60), factor: 2, jitter: 0.5)
  /// After how long without a change by somebody else the wait before changing it back is short again.
  var forgetsRestoring = Duration.seconds(600)
  /// The longest wait that a server's Retry-After is heeded for.
  var maximumRetryAfter = Duration.seconds(300)
}

/// Why a stream ends before the server ends it.
enum InformerSignal: Error, Hashable {
  /// The server sent an error in a watch.
  case watchError(code: Int, reason: String, message: String)
}
