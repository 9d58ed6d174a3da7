import ClusterModel
import Platform
import Synchronization

/// How many calls an address may make: so many a second with a burst above it; what is more waits its turn.
///
/// Each address has a bucket; one whose bucket is full has no entry. The table is bounded: when it is
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
    var buckets: [IPAddress: TokenBucket] = [:]
    var shared: [TokenBucket]
    var sweepAt = 1024
  }

  private let table: Mutex<Table>
  private let fresh: TokenBucket
  private let capacity: Int

  /// - Parameters:
  ///   - rate: Calls a second.
  ///   - burst: Calls that may come at once, at least 1.
  ///   - capacity: Addresses to remember at most.
  init(rate: Double, burst: Int, capacity: Int = 65_536) {
    let fresh = TokenBucket(burst: burst, perSecond: rate)
    self.fresh = fresh
    self.capacity = capacity
    table = Mutex(Table(shared: Array(repeating: fresh, count: Self.sharedBuckets)))
  }

  /// Books a call of `address`.
  ///
  /// - Parameters:
  ///   - now: Nanoseconds of a steady clock.
  ///   - patience: How long the call can wait, nanoseconds; nil for no deadline.
  func book(_ address: IPAddress, now: Int64, patience: Int64?) -> Verdict {
    let now = Duration.nanoseconds(now)
    let patience = Duration.nanoseconds(min(patience ?? Self.longestWait, Self.longestWait))
    let wait = table.withLock { table in
      if table.buckets[address] == nil {
        if table.buckets.count >= min(table.sweepAt, capacity) { sweep(&table, now) }
        guard table.buckets.count < capacity else {
          let index = Int(UInt(bitPattern: address.hashValue) % UInt(Self.sharedBuckets))
          return table.shared[index].reserve(at: now, within: patience)
        }
      }
      return table.buckets[address, default: fresh].reserve(at: now, within: patience)
    }
    guard let wait else { return .refused }
    return wait == .zero ? .now : .wait(wait.nanoseconds)
  }

  /// Addresses that are remembered now.
  var count: Int { table.withLock { $0.buckets.count } }

  /// Forgets who owes nothing. The next sweep comes when the table has doubled, so that its cost is spread.
  private func sweep(_ table: inout Table, _ now: Duration) {
    table.buckets = table.buckets.filter { !$0.value.isFull(at: now) }
    table.sweepAt = max(1024, table.buckets.count * 2)
  }
}
