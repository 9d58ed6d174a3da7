public import ClusterModel
public import Logging
import Platform
public import RollcallMetrics

/// What outputs and hooks are given by the daemon.
public struct OutputContext: Sendable {
  let time: TimeSource
  let now: @Sendable () -> Timestamp
  let random: @Sendable () -> Double
  let logger: Logger
  let metrics: DaemonMetrics

  /// - Parameters:
  ///   - clock: what waits are measured with.
  ///   - now: tells the civil time; nil: the machine's.
  ///   - random: a number from 0 to below 1 that spreads pauses.
  public init(
    logger: Logger, metrics: DaemonMetrics, clock: any Clock<Duration> = ContinuousClock(),
    now: (@Sendable () -> Timestamp)? = nil,
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
  ) {
    self.logger = logger
    self.metrics = metrics
    time = TimeSource(clock)
    self.now = now ?? { .now() }
    self.random = random
  }
}
