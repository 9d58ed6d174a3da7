public import ClusterModel

extension RegistrySession {
  /// Turns a function that lists into a registry: calls `list` each `interval` until the task is cancelled.
  ///
  /// The first list is applied as a snapshot, and after that each that differs (the order doesn't count). Where
  /// a list fails that is reported, what was applied before stays, and it is tried again after the next interval;
  /// the first that works again is reported too. Where that takes longer than `patience` the failure is thrown:
  /// who runs the registry then decides what its last records still count for, and starts it again.
  ///
  /// - Parameters:
  ///   - jitter: each interval is shortened by a random part of up to this share, 0 to 1, so that a
  ///     thousand nodes don't ask at once.
  ///   - source: whose list it is.
  ///   - patience: how long lists may fail before it is given up.
  /// - Throws: `CancellationError`, what ``apply(_:)`` throws, and the list's last failure.
  public func poll(
    every interval: Duration, jitter: Double = 0.1, source: RegistrySource = .only,
    patience: Duration = .seconds(60), _ list: () async throws -> [AffiliateRecord]
  ) async throws {
    var known: [NodeIdentity: AffiliateRecord]?
    var failing: Duration?
    while true {
      try Task.checkCancellation()
      do {
        let records = try await list()
        let now = Dictionary(records.map { ($0.affiliate.nodeID, $0) }) { first, _ in first }
        // With a duplicate the receiver refuses the list, and says which node it is.
        if now != known || now.count != records.count {
          try applied { () throws(RegistryError) in try snapshot(records, source: source) }
          known = now
        } else if failing != nil {
          try applied { () throws(RegistryError) in try report(.reading, nil, source: source) }
        }
        failing = nil
      } catch let refusal as Refusal {
        throw refusal.error
      } catch {
        try Task.checkCancellation()
        if let failing, failing >= patience { throw error }
        failing = failing ?? .zero
        try report(.reading, RegistryError(error), source: source)
      }
      let wait = interval * Double.random(in: (1 - min(max(jitter, 0), 1))...1)
      try await clock.sleep(for: wait)
      failing = failing.map { $0 + wait }
    }
  }

  /// Calls `list`, which gives affiliates, in the same way.
  public func poll(
    every interval: Duration, jitter: Double = 0.1, source: RegistrySource = .only,
    patience: Duration = .seconds(60), _ list: () async throws -> [Affiliate]
  ) async throws {
    try await poll(every: interval, jitter: jitter, source: source, patience: patience) {
      try await list().map { AffiliateRecord($0) }
    }
  }

  /// The receiver's refusal, told apart from a failure of the list.
  private struct Refusal: Error {
    let error: RegistryError
  }

  private func applied(_ body: () throws(RegistryError) -> Void) throws {
    do { try body() } catch { throw Refusal(error: error) }
  }
}
