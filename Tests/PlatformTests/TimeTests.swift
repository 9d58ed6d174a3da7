import ClusterModel
import Foundation
import Platform
import TestSupport
import Testing

@Suite("The wait before another attempt")
struct BackoffTests {
  @Test("grows by its factor from the first to the longest")
  func grows() {
    var backoff = Backoff()
    let waits = (0..<20).map { _ in backoff.next(random: 0.5) }
    #expect(waits.prefix(3) == [.milliseconds(500), .milliseconds(750), .milliseconds(1125)])
    #expect(waits.last == .seconds(60))
    #expect(waits == waits.sorted())
  }

  @Test("is spread to either side by its share, at the longest too")
  func spread() {
    for random in [0, 0.25, 0.5, 0.999] {
      var backoff = Backoff()
      let wait = backoff.next(random: random)
      #expect(wait >= .milliseconds(250) && wait < .milliseconds(750))
      for _ in 0..<50 { _ = backoff.next(random: random) }
      let last = backoff.next(random: random)
      #expect(last >= .seconds(30) && last < .seconds(90))
    }
    var exact = Backoff(initial: .seconds(2), factor: 1, spread: 0)
    #expect((0..<5).map { _ in exact.next() } == Array(repeating: .seconds(2), count: 5))
  }

  @Test("begins again after success")
  func reset() {
    var backoff = Backoff()
    for _ in 0..<9 { _ = backoff.next() }
    backoff.reset()
    #expect(backoff.next(random: 0.5) == .milliseconds(500))
  }

  @Test("is none after a refresh that failed, but only once until success")
  func atOnce() {
    var backoff = Backoff()
    #expect(backoff.next(atOnce: true, random: 0.5) == .zero)
    #expect(backoff.next(atOnce: true, random: 0.5) == .milliseconds(500))
    backoff.reset()
    #expect(backoff.next(atOnce: true, random: 0.5) == .zero)
  }

  @Test("is never below zero nor without end, whatever it is made of")
  func hostile() {
    let large = Duration.seconds(Int64.max)
    for (initial, maximum) in [(large, large), (.seconds(1), large), (.zero - large, large), (.zero, .zero)] {
      for factor in [Double.infinity, .nan, -1, 0, 1e300] {
        for spread in [Double.nan, -1, 7, .infinity] {
          var backoff = Backoff(initial: initial, maximum: maximum, factor: factor, spread: spread)
          for _ in 0..<200 {
            let wait = backoff.next(random: 0.999)
            #expect(wait >= .zero && wait <= .seconds(7_000_000_000))
          }
        }
      }
    }
    var late = Backoff(initial: .seconds(9), maximum: .seconds(3))
    #expect(late.next(random: 0.5) == .seconds(3))
  }
}

@Suite("A bucket of tokens")
struct TokenBucketTests {
  @Test("a burst passes at once, what follows comes back at the steady rate, up to a burst")
  func burst() {
    var bucket = TokenBucket(burst: 5, perSecond: 10)
    for _ in 0..<5 { #expect(bucket.take(at: .zero) == true) }
    #expect(bucket.take(at: .zero) == false)
    #expect(bucket.take(at: .milliseconds(99)) == false)
    #expect(bucket.take(at: .milliseconds(100)) == true)
    #expect(bucket.take(at: .milliseconds(100)) == false)
    for _ in 0..<5 { #expect(bucket.take(at: .seconds(86_400)) == true) }
    #expect(bucket.take(at: .seconds(86_400)) == false, "more than a burst is never saved up")
  }

  @Test("a token may be taken in advance; one that comes too late isn't taken")
  func reserving() {
    var bucket = TokenBucket(burst: 1, perSecond: 10)
    #expect(bucket.reserve(at: .zero, within: .zero) == .zero)
    #expect(bucket.reserve(at: .zero, within: .milliseconds(99)) == nil)
    #expect(bucket.reserve(at: .zero, within: .milliseconds(100)) == .milliseconds(100))
    #expect(bucket.reserve(at: .zero, within: .seconds(1)) == .milliseconds(200))
    #expect(bucket.reserve(at: .milliseconds(200), within: .zero) == nil)
    #expect(bucket.reserve(at: .milliseconds(300), within: .zero) == .zero)
  }

  @Test("in the long run the rate is kept, whatever the pattern")
  func longRun() {
    var bucket = TokenBucket(burst: 60, perSecond: 15)
    var passed = 0
    for millisecond in 0..<60_000 where millisecond % 7 == 0 {
      if bucket.take(at: .milliseconds(millisecond)) { passed += 1 }
    }
    #expect((950...961).contains(passed))
  }

  @Test("a token given back can be taken again, and a full bucket holds no more for it")
  func givingBack() {
    var bucket = TokenBucket(burst: 2, perSecond: 1)
    bucket.giveBack()
    #expect(bucket.isFull(at: .zero))
    for _ in 0..<2 { #expect(bucket.take(at: .zero) == true) }
    #expect(bucket.take(at: .zero) == false)
    #expect(!bucket.isFull(at: .zero))
    bucket.giveBack()
    #expect(bucket.take(at: .zero) == true)
    #expect(bucket.take(at: .zero) == false)
    for _ in 0..<9 { bucket.giveBack() }
    for _ in 0..<2 { #expect(bucket.take(at: .zero) == true) }
    #expect(bucket.take(at: .zero) == false)
    #expect(bucket.isFull(at: .seconds(2)))
  }

  @Test("a clock that goes back gives nothing, and no value is too much for it")
  func hostile() {
    var bucket = TokenBucket(burst: 1, perSecond: 1)
    #expect(bucket.take(at: .seconds(100)) == true)
    #expect(bucket.take(at: .zero) == false)
    #expect(bucket.take(at: .seconds(101)) == true)
    let ages = Duration.seconds(Int64.max)
    for burst in [Int.min, 0, 1, .max] {
      for rate in [Double.nan, -1, 0, 1e-300, 1e300, .infinity] {
        var bucket = TokenBucket(burst: burst, perSecond: rate)
        for now in [.zero - ages, .zero, ages, .zero] {
          _ = bucket.reserve(at: now, within: ages)
          bucket.giveBack()
          _ = bucket.isFull(at: now)
        }
      }
    }
    var slow = TokenBucket(burst: 1, perSecond: 0)
    #expect(slow.take(at: .zero) == true)
    #expect(slow.take(at: .seconds(86_400)) == false)
  }
}

@Suite("A source of time", .timeLimit(.minutes(2)))
struct TimeSourceTests {
  @Test("time passes from when the source was made, by its clock")
  func elapsed() async throws {
    let clock = ManualClock()
    clock.advance(by: .seconds(7))
    let time = TimeSource(clock)
    #expect(time.elapsed == .zero)
    clock.advance(by: .seconds(3))
    #expect(time.elapsed == .seconds(3))
    try await time.sleep(.zero)
    try await time.sleep(.seconds(-1))
    let sleeper = Task { try await time.sleep(.seconds(5)) }
    try await eventually("it sleeps") { clock.pending == [.seconds(5)] }
    clock.advance(by: .seconds(5))
    try await sleeper.value
    #expect(TimeSource().elapsed >= .zero)
  }

  @Test("what is done in time is returned, and its timer ends with it")
  func inTime() async throws {
    let clock = ManualClock()
    #expect(try await TimeSource(clock).within(.seconds(1)) { 7 } == 7)
    let nothing: Int? = try await TimeSource(clock).within(.seconds(1)) { nil }
    #expect(nothing == nil)
    await #expect(throws: FileError.self) {
      try await TimeSource(clock).within(.seconds(1)) { throw FileError(.read, "x", .notUTF8) }
    }
    #expect(clock.pending == [])
  }

  @Test("what isn't done in time is cancelled, and the limit is told")
  func tooLate() async throws {
    let clock = ManualClock()
    let time = TimeSource(clock)
    let work = Task { try await time.within(.seconds(90)) { try await time.sleep(.seconds(1_000_000)) } }
    try await eventually("both wait") { clock.pending == [.seconds(90), .seconds(1_000_000)] }
    clock.advance(by: .seconds(90))
    let error = await #expect(throws: DeadlineExceeded.self) { try await work.value }
    #expect(error?.description == "it took more than 1m30s")
    #expect(clock.pending == [])
  }

  @Test("a deadline ends with the task that has it")
  func cancelled() async throws {
    let clock = ManualClock()
    let time = TimeSource(clock)
    let work = Task { try await time.within(.seconds(9)) { try await time.sleep(.seconds(99)) } }
    try await eventually("both wait") { clock.pending.count == 2 }
    work.cancel()
    await #expect(throws: CancellationError.self) { try await work.value }
    #expect(clock.pending == [])
  }

  @Test("a wait for a change ends with the change, with the time, and with the task")
  func waiting() async throws {
    let clock = ManualClock()
    let time = TimeSource(clock)
    let signal = ChangeSignal()
    signal.notify()
    await time.wait(for: .seconds(5), or: signal, after: 0)
    await time.wait(for: .zero, or: signal, after: 1)

    for end in [{ clock.advance(by: .seconds(5)) }, { signal.notify() }] as [@Sendable () -> Void] {
      let seen = signal.value
      let wait = Task { await time.wait(for: .seconds(5), or: signal, after: seen) }
      try await eventually("it waits") { clock.pending.count == 1 && signal.waiterCount == 1 }
      end()
      await wait.value
      #expect(clock.pending == [] && signal.waiterCount == 0)
    }
    let seen = signal.value
    let wait = Task { await time.wait(for: .seconds(5), or: signal, after: seen) }
    wait.cancel()
    await wait.value
  }

  @Test("civil time is the machine's")
  func civil() {
    let now = Timestamp.now()
    #expect(abs(Date().timeIntervalSince1970 * 1000 - Double(now.milliseconds)) < 60_000)
  }
}
