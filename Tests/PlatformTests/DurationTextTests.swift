import ClusterModel
import Platform
import Testing

@Suite("Durations as text")
struct DurationTextTests {
  @Test("durations are read as people write them, and written so that they read as the same")
  func reading() throws {
    let durations: [(String, Duration)] = [
      ("30s", .seconds(30)), ("5m", .seconds(300)), ("1h30m", .seconds(5_400)), ("250ms", .milliseconds(250)),
      ("1.5h", .seconds(5_400)), ("0s", .zero), ("0", .zero), ("1d", .seconds(86_400)),
      ("1h0m5s", .seconds(3_605)), ("1d12h", .seconds(129_600)), ("1.5s", .milliseconds(1500)),
      ("10us", .microseconds(10)), ("10µs", .microseconds(10)), ("7ns", .nanoseconds(7)),
      ("1m1ms", .milliseconds(60_001)), ("0.123456789s", .nanoseconds(123_456_789)),
      ("36500d", .seconds(3_153_600_000)), ("0030s", .seconds(30)), ("0.5d", .seconds(43_200)),
      ("1.123456789d", .nanoseconds(97_066_666_569_600)), ("0d0h0s", .zero),
    ]
    for (text, duration) in durations {
      #expect(try DurationText.parse(text) == duration, "\(text)")
      #expect(try DurationText.parse(DurationText.text(of: duration)) == duration, "\(text)")
    }
    #expect(try DurationText.parse("x30sx".dropFirst().dropLast()) == .seconds(30))
  }

  @Test(
    "what isn't a duration is refused, and told with what would be right",
    arguments: [
      ("", "a duration is empty; write one such as 30s, 5m or 1h30m"),
      ("30", "'30' has no unit; write 30s"), ("1.5", "'1.5' has no unit; write 1.5s"),
      ("00", "'00' has no unit; write 00s"),
      ("1h1h", "'1h1h' has the unit h twice"), ("5m5m", "'5m5m' has the unit m twice"),
      ("1us1µs", "'1us1µs' has the unit µs twice"),
      ("1m1h", "'1m1h' has h after m; write larger units first"),
      ("5s1h", "'5s1h' has h after s; write larger units first"),
      ("-5s", "'-5s' is negative; a duration is zero or more"),
      ("-1", "'-1' is negative; a duration is zero or more"),
      ("5 m", "'5 m' has a space; write it without, as in 1h30m"),
      (" 1s", "' 1s' has a space; write it without, as in 1h30m"),
      ("1s ", "'1s ' has a space; write it without, as in 1h30m"),
      ("1h 30m", "'1h 30m' has a space; write it without, as in 1h30m"),
      ("5M", "'5M' has the unknown unit 'M'; the units are d, h, m, s, ms, us and ns"),
      ("1y", "'1y' has the unknown unit 'y'; the units are d, h, m, s, ms, us and ns"),
      ("5mm", "'5mm' has the unknown unit 'mm'; the units are d, h, m, s, ms, us and ns"),
      ("1e3s", "'1e3s' has the unknown unit 'e'; the units are d, h, m, s, ms, us and ns"),
      ("9999999999999h", "'9999999999999h' is too long; a duration has at most 36500d"),
      ("99999999999999999999s", "'99999999999999999999s' is too long; a duration has at most 36500d"),
      ("36500d1ns", "'36500d1ns' is too long; a duration has at most 36500d"),
      ("36500.1d", "'36500.1d' is too long; a duration has at most 36500d"),
    ])
  func refused(text: String, message: String) {
    #expect(throws: ModelError(message)) { try DurationText.parse(text) }
  }

  @Test(
    "what is nothing like a duration is refused",
    arguments: [
      "s", "m", "1s2", "1.2.3s", "+5s", "1.s", ".5s", "1.5.5s", "٣s", "1٣s", "1.0000000001s", "1s\n", "1s,",
      "infinity", ".", "1..2s", "1h30", "１s", "1s\u{0}", "0x10s", "1_000s", "\u{301}1s", "1s\u{301}",
    ])
  func refused(text: String) {
    #expect(throws: ModelError.self) { try DurationText.parse(text) }
  }

  @Test("a duration out of its range is told with the range in the same form")
  func ranges() throws {
    let range = Duration.milliseconds(100)...Duration.seconds(86_400)
    #expect(try DurationText.parse("100ms", in: range) == .milliseconds(100))
    #expect(try DurationText.parse("24h", in: range) == .seconds(86_400))
    #expect(throws: ModelError("'99ms' is out of range; it may be from 100ms to 1d")) {
      try DurationText.parse("99ms", in: range)
    }
    #expect(throws: ModelError("'2d' is out of range; it may be from 100ms to 1d")) {
      try DurationText.parse("2d", in: range)
    }
    #expect(throws: ModelError("'30' has no unit; write 30s")) { try DurationText.parse("30", in: range) }
    #expect(try DurationText.parse("90s", in: .seconds(90)...) == .seconds(90))
    #expect(throws: ModelError("'0' is out of range; it may be 1m30s or more")) {
      try DurationText.parse("0", in: .seconds(90)...)
    }
  }

  @Test(
    "durations are written exactly, larger units first",
    arguments: [
      (.zero, "0s"), (.seconds(5_400), "1h30m"), (.milliseconds(250), "250ms"), (.seconds(90), "1m30s"),
      (.seconds(86_400), "1d"), (.seconds(129_600), "1d12h"), (.milliseconds(1500), "1.5s"),
      (.nanoseconds(1_000_000_001), "1.000000001s"), (.nanoseconds(1_500), "1.5us"), (.nanoseconds(7), "7ns"),
      (.milliseconds(60_001), "1m1ms"), (.microseconds(1_050), "1.05ms"), (.seconds(-90), "-1m30s"),
      (.seconds(3_605), "1h5s"), (Duration.seconds(Int64.max), "106751991167300d15h30m7s"),
      (.zero - .seconds(Int64.max), "-106751991167300d15h30m7s"),
    ] as [(Duration, String)])
  func writing(duration: Duration, text: String) {
    #expect(DurationText.text(of: duration) == text)
  }

  @Test("what is written reads as the same, for any duration")
  func roundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let bits = Int64.random(in: 0..<52, using: &generator)
      let step: Int64 = [1, 1_000, 1_000_000, 1_000_000_000].randomElement(using: &generator) ?? 1
      let nanoseconds = (Int64.random(in: 0..<(1 << bits + 1), using: &generator) / step) * step
      let text = DurationText.text(of: .nanoseconds(nanoseconds))
      #expect(try DurationText.parse(text) == .nanoseconds(nanoseconds), "\(text)")
    }
  }
}
