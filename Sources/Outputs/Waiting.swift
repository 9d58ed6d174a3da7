import Platform

extension TimeSource {
  /// Waits until `signal` hasn't changed for `quiet`, but for no longer than `limit`. Ends early on cancellation.
  ///
  /// - Parameter seen: the signal's value from which on changes count.
  func waitUntilQuiet(
    _ signal: ChangeSignal, after seen: UInt64, for quiet: Duration, atMost limit: Duration
  ) async {
    let end = elapsed + limit
    var seen = seen
    while !Task.isCancelled {
      let rest = min(quiet, end - elapsed)
      guard rest > .zero else { return }
      let begin = elapsed
      await wait(for: rest, or: signal, after: seen)
      let now = signal.value
      if now == seen, elapsed - begin >= rest { return }
      seen = now
    }
  }
}
