import NIOCore

/// Acknowledgements of a client's PINGs, which go out with whatever is sent next.
///
/// A grpc-go client sends a PING with the first message it reads while none is outstanding, so that each change
/// would cost an acknowledgement of its own, which is as dear as the change. One that nothing was sent for, a
/// keep-alive, isn't held. They go behind the content of the same turn: a client counts what comes between its PING
/// and the acknowledgement as the connection's bandwidth.
struct PingAcknowledgements {
  /// How long one may wait for something to go out with.
  static let longestWait = TimeAmount.milliseconds(100)

  private var held: [UInt64] = []
  private var lastContent: NIODeadline?
  /// They are to go out at the end of the turn, also alone.
  private(set) var areDue = false

  var isEmpty: Bool { held.isEmpty }

  /// Content was sent.
  mutating func sentContent(_ now: NIODeadline) { lastContent = now }

  /// A PING came. Returns whether its acknowledgement waits, so that ``makeDue()`` has to be called after
  /// ``longestWait``.
  ///
  /// - Parameter mayWait: Whether nothing of the connection waits for the client: if something does, the client measures in
  ///   earnest how large its windows have to be.
  mutating func received(_ number: UInt64, mayWait: Bool, now: NIODeadline) -> Bool {
    let isFirst = held.isEmpty
    held.append(number)
    let follows = lastContent.map { now - $0 < Self.longestWait } ?? false
    if areDue || !mayWait || !follows {
      areDue = true
      return false
    }
    return isFirst
  }

  /// Those that are held wait no longer.
  mutating func makeDue() { if !held.isEmpty { areDue = true } }

  /// Takes all out.
  mutating func take() -> [UInt64] {
    areDue = false
    defer { held.removeAll(keepingCapacity: held.count < 16) }
    return held
  }
}
