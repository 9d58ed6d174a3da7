public import KubeSpan

extension PreciseTime {
  /// The moment of a handshake; nil: ``never``.
  public init(_ handshake: HandshakeTime?) {
    self = handshake.map { PreciseTime(seconds: $0.seconds, nanoseconds: $0.nanoseconds) } ?? .never
  }
}
