/// How long what lasts, by a steady clock.
public struct MeshTimings: Hashable, Sendable {
  /// Seconds between keep-alives, as every node of the existing system sends them; 0: none are sent, and silence
  /// tells nothing.
  public var keepAlive: UInt16 = 25
  /// How much later than due a peer's keep-alive may come. With it a path that dies is noticed within 33 to 43 s
  /// where the device is read every 10 s: the existing system takes 155 to 305 s.
  public var keepAliveSlack: Duration = .seconds(8)
  /// How long an endpoint may take to answer before the next one is tried. A handshake takes one round trip.
  public var attempt: Duration = .seconds(1)
  /// How many known round trips it may take, where that is longer.
  public var attemptRoundTrips = 3
  /// How often the time for an endpoint doubles, each time that all were tried: to 16 s. A peer that is off for days
  /// costs little; when it comes back it dials by itself.
  public var maximumDoublings = 4
  /// How often a device is read while all is well.
  public var poll: Duration = .seconds(10)

  /// The defaults.
  public init() {}

  /// How long an endpoint may take in the given round.
  func attempt(round: Int, roundTrip: Duration?) -> Duration {
    max(attempt, (roundTrip ?? .zero) * attemptRoundTrips) * (1 << min(round, maximumDoublings))
  }

  /// How long a peer may be silent; nil: for ever.
  var silence: Duration? { keepAlive == 0 ? nil : .seconds(Int64(keepAlive)) + keepAliveSlack }
}
