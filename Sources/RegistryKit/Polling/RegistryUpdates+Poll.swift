public import ClusterModel

extension RegistryUpdates {
  /// Turns a function that lists into a registry: calls `list` each `interval` until the task is cancelled.
  ///
  /// A snapshot is sent for the first list, and after that where something changed (the order doesn't
  /// count). A list that fails marks the registry degraded, keeps what was told before, and is tried again
  /// after the next interval; the first that works again makes it healthy. Where that takes longer than
  /// `patience` the failure is thrown: who runs the registry then decides what its last word still counts for,
  /// and starts it again.
  ///
  /// - Parameters:
  ///   - jitter: each interval is shortened by a random part of up to this share, 0 to 1, so that a
  ///     thousand nodes don't ask at once.
  ///   - source: whose list it is.
  ///   - patience: how long lists may fail before it is given up.
  /// - Throws: `CancellationError`, what the receiver of the updates throws, and the list's last failure.
  public func poll(
    every interval: Duration, jitter: Double = 0.1, source: RegistrySource = .only,
    patience: Duration = .seconds(60), clock: any Clock<Duration> = ContinuousClock(),
    _ list: () async throws -> [AffiliateRecord]
  ) async throws {
    var known: [NodeIdentity: AffiliateRecord]?
    var isDegraded = false
    var failing = Duration.zero
    while true {
      try Task.checkCancellation()
      do {
        let records = try await list()
        let now = Dictionary(records.map { ($0.affiliate.nodeID, $0) }) { first, _ in first }
        // With a duplicate the receiver refuses the list, and says which node it is.
        if now != known || now.count != records.count {
          try told { () throws(RegistryError) in try snapshot(records, source: source) }
          known = now
        }
        if isDegraded {
          isDegraded = false
          try told { () throws(RegistryError) in try healthy() }
        }
      } catch let error as Refused {
        throw error.error
      } catch {
        try Task.checkCancellation()
        if isDegraded, failing >= patience { throw error }
        if !isDegraded { failing = .zero }
        isDegraded = true
        try degraded(RegistryError(error))
      }
      let wait = interval * Double.random(in: (1 - min(max(jitter, 0), 1))...1)
      try await clock.sleep(for: wait)
      failing += wait
    }
  }

  /// Calls `list`, which gives affiliates, in the same way.
  public func poll(
    every interval: Duration, jitter: Double = 0.1, source: RegistrySource = .only,
    patience: Duration = .seconds(60), clock: any Clock<Duration> = ContinuousClock(),
    _ list: () async throws -> [Affiliate]
  ) async throws {
    try await poll(every: interval, jitter: jitter, source: source, patience: patience, clock: clock) {
      try await list().map { AffiliateRecord($0) }
    }
  }

  /// The receiver's refusal, told apart from a failure of the list.
  private struct Refused: Error {
    let error: RegistryError
  }

  private func told(_ send: () throws(RegistryError) -> Void) throws {
    do { try send() } catch { throw Refused(error: error) }
  }
}
