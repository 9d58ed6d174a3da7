public import ClusterModel
import Platform

/// How an aggregator goes about its work. The defaults serve.
public struct AggregatorOptions: Sendable {
  /// Whether registries are given what this node tells of itself. Without, it is in the view alone: for
  /// who only looks.
  public var publishes = true
  /// How many changes are kept for a reader of changes that is slow.
  public var changeLimit = 1024
  /// What is remembered of members, registries and conflicts that were otherwise once.
  public var history = HistoryRetention()
  /// What was known before a restart: it is there at once, as stale, until its registry has spoken again. Nil: nothing.
  public var restored: SavedState?
  /// The most nodes that one registry may tell of; one that tells of more has failed.
  public var nodeLimit = 250_000
  /// How long a registry may take to end once it is told to.
  public var stopTimeout: Duration = .seconds(5)
  /// How long registries have to withdraw what they published, before they are told to end.
  public var withdrawTimeout: Duration = .seconds(3)
  /// How long after a reload the data of sources that a changed registry no longer tells of are kept.
  public var settleTime: Duration = .seconds(5)
  /// How long failed registries rest, and how what couldn't be published is tried again.
  public var restart = RestartPolicy()
  /// Is told how long it took from a registry's update until readers see what came of it. Nil: nobody wants to know.
  public var observeMerge: (@Sendable (_ registry: String, _ delay: Duration) -> Void)?
  /// Is given all that changes the table, in order, and what comes of it. Holds up every registry meanwhile. Nil:
  /// nobody wants to know.
  package var observeCommit: (@Sendable (TableCommit) -> Void)?
  /// What waits are measured with.
  public var clock: any Clock<Duration> = ContinuousClock()
  /// Tells the civil time.
  public var now: @Sendable () -> Timestamp = { .now() }
  /// A number from 0 to below 1 that spreads pauses.
  public var random: @Sendable () -> Double = { .random(in: 0..<1) }

  public init() {}
}
