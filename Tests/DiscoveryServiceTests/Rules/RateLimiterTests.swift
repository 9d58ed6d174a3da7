import ClusterModel
import Testing

@testable import DiscoveryService

@Suite("The rate limit")
struct RateLimiterTests {
  let one = IPAddress(v4: 0x0A00_0001)
  let two = IPAddress(v4: 0x0A00_0002)
  static let second: Int64 = 1_000_000_000

  @Test("a burst passes at once, what follows waits its turn at the steady rate")
  func burst() {
    let limiter = RateLimiter(rate: 10, burst: 5)
    for _ in 0..<5 { #expect(limiter.book(one, now: 0, patience: nil) == .now) }
    #expect(limiter.book(one, now: 0, patience: nil) == .wait(100_000_000))
    #expect(limiter.book(one, now: 0, patience: nil) == .wait(200_000_000))
    #expect(limiter.book(two, now: 0, patience: nil) == .now)
    #expect(limiter.book(one, now: Self.second, patience: nil) == .now)
  }

  @Test("a call whose turn would come after its deadline is refused and costs nothing")
  func deadline() {
    let limiter = RateLimiter(rate: 10, burst: 1)
    #expect(limiter.book(one, now: 0, patience: nil) == .now)
    #expect(limiter.book(one, now: 0, patience: 99_999_999) == .refused)
    #expect(limiter.book(one, now: 0, patience: 100_000_000) == .wait(100_000_000))
  }

  @Test("in the long run the rate is kept, whatever the pattern")
  func longRun() {
    let limiter = RateLimiter(rate: 15, burst: 60)
    var passed = 0
    for millisecond in 0..<60_000 as Range<Int64> where millisecond % 7 == 0 {
      if limiter.book(one, now: millisecond * 1_000_000, patience: 0) == .now { passed += 1 }
    }
    #expect((950...961).contains(passed))
  }

  @Test("addresses that owe nothing are forgotten, and the table stays bounded")
  func bounded() {
    let limiter = RateLimiter(rate: 10, burst: 5, capacity: 2000)
    for index in 0..<50_000 as Range<UInt32> {
      _ = limiter.book(IPAddress(v4: index), now: 0, patience: nil)
    }
    #expect(limiter.count <= 2000)
    for index in 0..<5000 as Range<UInt32> {
      _ = limiter.book(IPAddress(v4: index &+ 100_000), now: 100 * Self.second, patience: nil)
      #expect(limiter.count <= 2000)
    }
    #expect(limiter.book(one, now: 200 * Self.second, patience: nil) == .now)
  }

  @Test("any burst and any rate will do", arguments: [1, 60, Int.max])
  func extremes(burst: Int) {
    for rate in [1e-300, 0.001, 15, 1e300] {
      let limiter = RateLimiter(rate: rate, burst: burst)
      #expect(limiter.book(IPAddress(v4: 1), now: 0, patience: nil) == .now)
      #expect(limiter.book(IPAddress(v4: 1), now: .max / 16, patience: nil) == .now)
    }
  }
}
