import NIOCore

/// How many PING and SETTINGS frames a client may send.
///
/// Clients probe a connection's bandwidth with a PING for what they receive, so each write of ours earns one.
/// What goes beyond that and beyond a keep-alive now and then is abuse: each costs a write of ours.
struct ControlFrameBudget {
  private let capacity: Int
  private var tokens: Int
  private var refilled: NIODeadline

  init(capacity: Int, now: NIODeadline) {
    self.capacity = capacity
    tokens = capacity
    refilled = now
  }

  /// Something was sent that a client may answer with a PING.
  mutating func earn() { if tokens < capacity { tokens += 1 } }

  /// Takes one token; false where there is none.
  mutating func spend(_ now: NIODeadline) -> Bool {
    let seconds = Int((now - refilled).nanoseconds / 1_000_000_000)
    if seconds > 0 {
      tokens = min(capacity, tokens + seconds)
      refilled = refilled + .seconds(Int64(seconds))
    }
    tokens -= 1
    return tokens >= 0
  }
}
