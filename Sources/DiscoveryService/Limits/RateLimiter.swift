import ClusterModel
import Synchronization

/// How many calls an address may make: so many a second with a burst above it; what is more waits its turn.
///
/// Each address has one number, the moment at which all it asked for would be paid at the steady rate (the
/// generic cell rate algorithm). An address that owes nothing has no entry. The table is bounded: when it is
/// full of debtors, further addresses share buckets.
final class RateLimiter: Sendable {
  /// What a call is told.
  enum Verdict: Equatable, Sendable {
    case now
    /// The call's turn is this many nanoseconds away; it has been booked.
    case wait(Int64)
    /// Its turn would come too late; nothing was booked.
    case refused
  }

  /// Calls that nobody set a deadline for wait this long at most, nanoseconds.
  static let longestWait: Int64 = 300 * 1_000_000_000
  static let sharedBuckets = 256

  private struct Table {
    var paidUp: [IPAddress: Int64] = [:]
    var shared = [Int64](repeating: .min, count: sharedBuckets)
    var sweepAt = 1024
  }

  private let table = Mutex(Table())
  private let interval: Int64
  private let tolerance: Int64
  private let capacity: Int

  /// - Parameters:
  ///   - rate: Calls a second.
  ///   - burst: Calls that may come at once, at least 1.
  ///   - capacity: Addresses to remember at most.
  init(rate: Double, burst: Int, capacity: Int = 65_536) {
    interval = max(1, Int64(1_000_000_000 / max(rate, 0.000_001)))
    tolerance = Int64(max(burst, 1) - 1) * interval
    self.capacity = capacity
  }

  /// Books a call of `address`.
  ///
  /// - Parameters:
  ///   - now: Nanoseconds of a steady clock.
  ///   - patience: How long the call can wait, nanoseconds; nil for no deadline.
  func book(_ address: IPAddress, now: Int64, patience: Int64?) -> Verdict {
    table.withLock { table in
      if let paidUp = table.paidUp[address] {
        return decide(paidUp, now, patience) { table.paidUp[address] = $0 }
      }
      if table.paidUp.count >= min(table.sweepAt, capacity) { sweep(&table, now) }
      guard table.paidUp.count < capacity else {
        let index = Int(UInt(bitPattern: address.hashValue) % UInt(Self.sharedBuckets))
        return decide(table.shared[index], now, patience) { table.shared[index] = $0 }
      }
      return decide(.min, now, patience) { table.paidUp[address] = $0 }
    }
  }

  /// Addresses that are remembered now.
  var count: Int { table.withLock { $0.paidUp.count } }

  private func decide(
    _ paidUp: Int64, _ now: Int64, _ patience: Int64?, _ store: (Int64) -> Void
  ) -> Verdict {
    let start = max(paidUp, now)
    let wait = max(0, start - tolerance - now)
    if wait > min(patience ?? Self.longestWait, Self.longestWait) { return .refused }
    store(start + interval)
    return wait == 0 ? .now : .wait(wait)
  }

  /// Forgets who owes nothing. The next sweep comes when the table has doubled, so that its cost is spread.
  private func sweep(_ table: inout Table, _ now: Int64) {
    table.paidUp = table.paidUp.filter { $0.value > now }
    table.sweepAt = max(1024, table.paidUp.count * 2)
  }
}
