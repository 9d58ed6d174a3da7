import ClusterModel

/// What is known of one source of a registry: whether it can be reached, and which of its nodes are held although it
/// no longer lists them. Pure; moments are given as the time since some start.
struct SourceState: Sendable {
  /// Whether it had a snapshot in this run.
  private(set) var isConfirmed = false
  /// Whether its records are marked as stale.
  var isStale = false
  /// Since when it can't be reached; nil: it can.
  private var awaySince: Duration?
  /// Whether it was away since its last snapshot, so that who isn't in the next one may still be there.
  private var wasAway = false
  /// Nodes that it no longer lists, and when each is dropped. Only time in which it can be reached counts.
  private var held: [NodeIdentity: Duration] = [:]

  /// The same in a new run, or while there is none: nothing of it is confirmed.
  func unconfirmed(at elapsed: Duration) -> SourceState {
    var state = self
    state.isConfirmed = false
    state.wentAway(at: elapsed)
    return state
  }

  /// Whether it can't be reached.
  var isAway: Bool { awaySince != nil }

  /// It can't be reached any more.
  mutating func wentAway(at elapsed: Duration) {
    wasAway = true
    if awaySince == nil { awaySince = elapsed }
  }

  /// It can be reached again.
  mutating func cameBack(at elapsed: Duration) {
    guard let awaySince else { return }
    held = held.mapValues { $0 + (elapsed - awaySince) }
    self.awaySince = nil
  }

  /// Takes a snapshot with `records`.
  ///
  /// - Parameters:
  ///   - grace: for how long who isn't in it is held after it was away; nil: nobody is.
  ///   - known: its records until now; only asked for where somebody may have to be held.
  /// - Returns: records that stay although they aren't in it, as stale ones, and whether it had been away.
  mutating func confirm(
    _ records: [AffiliateRecord], holding grace: Duration?, elapsed: Duration, known: () -> [AffiliateRecord]
  ) -> (records: [AffiliateRecord], wasAway: Bool) {
    cameBack(at: elapsed)
    defer {
      isConfirmed = true
      wasAway = false
    }
    guard let grace, wasAway || !held.isEmpty else {
      held = [:]
      return ([], wasAway)
    }
    let listed = Set(records.map(\.affiliate.nodeID))
    var kept: [AffiliateRecord] = []
    var stillHeld: [NodeIdentity: Duration] = [:]
    for var record in known() where !listed.contains(record.affiliate.nodeID) {
      let nodeID = record.affiliate.nodeID
      // A second outage doesn't begin the time anew, or one that is dead would stay for as long as outages come.
      let end = held[nodeID] ?? (wasAway ? elapsed + grace : elapsed)
      guard end > elapsed else { continue }
      stillHeld[nodeID] = end
      record.isStale = true
      kept.append(record)
    }
    held = stillHeld
    return (kept, wasAway)
  }

  /// It has something new of the node: that one isn't held any more.
  mutating func release(_ nodeID: NodeIdentity) { held[nodeID] = nil }

  /// The held nodes whose time is over, in order; they aren't held any more.
  mutating func drop(at elapsed: Duration) -> [NodeIdentity] {
    guard awaySince == nil else { return [] }
    let ended = held.filter { $0.value <= elapsed }.keys.sorted()
    for nodeID in ended { held[nodeID] = nil }
    return ended
  }

  /// Whether it has been away for `grace`, and its records aren't stale yet.
  func isSilent(for grace: Duration, at elapsed: Duration) -> Bool {
    guard !isStale, let awaySince else { return false }
    return awaySince + grace <= elapsed
  }

  /// When ``drop(at:)`` or ``isSilent(for:at:)`` next has something; nil: never.
  ///
  /// - Parameter grace: after how long its records are stale; nil: they aren't to be.
  func nextDeadline(staleAfter grace: Duration?) -> Duration? {
    guard let awaySince else { return held.values.min() }
    return isStale ? nil : grace.map { awaySince + $0 }
  }
}
