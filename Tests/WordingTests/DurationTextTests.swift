import Testing
import Wording

@Suite struct DurationTextTests {
  @Test("durations are read as people write them, and written so that they read as the same")
  func reading() {
    let durations: [(String, Duration)] = [
      ("30s", .seconds(30)), ("5m", .seconds(300)), ("1h30m", .seconds(5_400)), ("250ms", .milliseconds(250)),
      ("1.5h", .seconds(5_400)), ("0s", .zero), ("0", .zero), ("1d", .seconds(86_400)),
      ("1h0m5s", .seconds(3_605)),
      ("10us", .microseconds(10)), ("10µs", .microseconds(10)), ("7ns", .nanoseconds(7)),
      ("1m1ms", .milliseconds(60_001)), ("0.123456789s", .nanoseconds(123_456_789)),
      ("36500d", .seconds(3_153_600_000)),
    ]
    for (text, duration) in durations {
      #expect(DurationText.parse(text) == duration, "\(text)")
      #expect(DurationText.parse(DurationText.text(of: duration)) == duration, "\(text)")
    }
    #expect(DurationText.text(of: .seconds(5_400)) == "1h30m")
    #expect(DurationText.text(of: .milliseconds(250)) == "250ms")
    #expect(DurationText.text(of: .seconds(-1)) == "0s")
  }

  @Test("what isn't a duration isn't read as one")
  func refused() {
    for text in [
      "", "5", "s", "m", "1x", "5 m", " 1s", "1s2", "1.2.3s", "99999999999h", "-5s", "+5s", "5m5m", "5s1h",
      "1.s", ".5s", "1.5.5s", "5M", "1y", "5mm", "٣s",
      "1e3s",
      "99999999999999999999s", "40000d", "1.0000000001s", "5s ",
    ] {
      #expect(DurationText.parse(text) == nil, "\(text)")
    }
  }
}
