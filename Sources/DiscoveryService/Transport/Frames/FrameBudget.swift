import NIOCore

/// How many frames of a kind a client may send: so many at once, so many a second, and more for what it is sent.
///
/// Each costs us work, and honest clients stay far below.
struct FrameBudget {
  private let capacity: Int
  private let perSecond: Int
  private var tokens: Int
  private var refilled: NIODeadline

  init(capacity: Int, perSecond: Int, now: NIODeadline) {
    self.capacity = capacity
    self.perSecond = perSecond
    tokens = capacity
    refilled = now
  }

  /// Something was sent that a client may answer with `count` such frames.
  mutating func earn(_ count: Int = 1) { tokens = min(capacity, tokens + count) }

  /// Takes one token; false where there is none.
  mutating func spend(_ now: NIODeadline) -> Bool {
    if tokens <= 0 { refill(now) }
    guard tokens > 0 else { return false }
    tokens -= 1
    return true
  }

  private mutating func refill(_ now: NIODeadline) {
    let elapsed = max(0, (now - refilled).nanoseconds)
    let (product, overflow) = elapsed.multipliedReportingOverflow(by: Int64(perSecond))
    let earned = overflow ? Int64(capacity) : min(Int64(capacity), product / 1_000_000_000)
    guard earned > 0 else { return }
    tokens += Int(earned)
    refilled = now
  }
}
