import Platform

/// How long a failed registry rests before it is run again.
///
/// The pauses grow from ``initial`` by ``factor`` up to ``maximum``, without an end to the attempts. Each
/// is spread at random between half and one and a half times its length, so that the nodes of a cluster
/// don't return to a service all at once.
public struct RestartPolicy: Hashable, Sendable {
  /// The first pause.
  public var initial: Duration
  /// By how much each pause is longer than the one before, at least 1.
  public var factor: Double
  /// What the pauses grow to.
  public var maximum: Duration
  /// How long a registry has to have been in sync for its next pause to be ``initial`` again.
  public var resetAfter: Duration

  /// A policy; the defaults serve.
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

extension RestartPolicy {
  /// The pauses, each spread at random between half and one and a half times its length.
  var backoff: Backoff { Backoff(initial: initial, maximum: maximum, factor: factor, spread: 0.5) }
}
