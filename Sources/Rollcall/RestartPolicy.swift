/// How long a failed registry rests before it is run again.
///
/// The pauses grow from ``initial`` by ``factor`` up to ``maximum``, without an end to the attempts. Each
/// is spread at random between half and one and a half times its length, so that the nodes of a cluster
/// don't return to a service all at once.
public struct RestartPolicy: Hashable, Sendable {
  public var initial: Duration
  public var factor: Double
  public var maximum: Duration
  /// How long a registry has to have been in sync for its next pause to be ``initial`` again.
  public var resetAfter: Duration

  public init(
    initial: Duration = .milliseconds(500), factor: Double = 1.5, maximum: Duration = .seconds(60),
    resetAfter: Duration = .seconds(60)
  ) {
    self.initial = initial
    self.factor = factor
    self.maximum = maximum
    self.resetAfter = resetAfter
  }
}

/// Where in the growing pauses a registry is.
struct RestartBackoff {
  private let policy: RestartPolicy
  private var next: Duration

  init(_ policy: RestartPolicy) {
    self.policy = policy
    next = min(policy.initial, policy.maximum)
  }

  /// The next pause, spread by `random`, a number from 0 to below 1.
  mutating func pause(random: Double) -> Duration {
    defer { next = min(next * policy.factor, policy.maximum) }
    return next * (0.5 + random)
  }

  mutating func reset() { self = RestartBackoff(policy) }
}
