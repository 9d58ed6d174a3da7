import Testing

@testable import DiscoveryService

@Suite("The expiry wheel")
struct ExpiryWheelTests {
  @Test("each item comes up at its tick and only then")
  func onTime() {
    var wheel = ExpiryWheel<Int>(span: 16, tick: 100)
    for due in [101, 105, 115] as [Int64] { _ = wheel.schedule(Int(due), at: due) }
    var seen: [Int64: [Int]] = [:]
    for now in 101...120 as ClosedRange<Int64> { seen[now] = wheel.advance(to: now).map(\.item) }
    #expect(seen.filter { !$0.value.isEmpty } == [101: [101], 105: [105], 115: [115]])
  }

  @Test("what is due already comes up at the next tick; what is too far ahead comes up early")
  func edges() {
    var wheel = ExpiryWheel<String>(span: 8, tick: 0)
    let chosen = [wheel.schedule("late", at: -50), wheel.schedule("far", at: 1000)]
    #expect(chosen == [1, 7])
    let due = wheel.advance(to: 7).map(\.item)
    #expect(due == ["late", "far"])
  }

  @Test("a leap brings up everything once, a step back nothing")
  func leaps() {
    var wheel = ExpiryWheel<Int>(span: 8, tick: 0)
    for due in 1...7 { _ = wheel.schedule(due, at: Int64(due)) }
    let seen = [1_000_000, 2_000_000, 5].map { wheel.advance(to: $0).map(\.item) }
    #expect(seen == [Array(1...7), [], []])
    #expect(wheel.tick == 2_000_000)
  }

  @Test("it is known when the next item comes up, without its coming up")
  func next() {
    var wheel = ExpiryWheel<Int>(span: 8, tick: 100)
    #expect(wheel.next(by: .max) == nil)
    for due in [103, 106] as [Int64] { _ = wheel.schedule(Int(due), at: due) }
    let asked = [90, 100, 102, 103, 110, .max].map { wheel.next(by: $0) }
    #expect(asked == [nil, nil, nil, 103, 103, 103])
    _ = wheel.advance(to: 104)
    #expect(wheel.next(by: .max) == 106)
    #expect(wheel.advance(to: 106).map(\.item) == [106])
  }

  @Test("ticks below zero work like any others")
  func negative() {
    var wheel = ExpiryWheel<Int>(span: 8, tick: -20)
    _ = wheel.schedule(1, at: -15)
    let seen = [-16, -15].map { wheel.advance(to: $0).map(\.item) }
    #expect(seen == [[], [1]])
  }
}
