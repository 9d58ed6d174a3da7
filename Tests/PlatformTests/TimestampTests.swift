import ClusterModel
import Platform
import Testing

@Suite("Timestamps as text")
struct TimestampTests {
  @Test("moments are read in any offset, to a millisecond")
  func reading() {
    let texts: [(String, Int64)] = [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59Z", -1000),
      ("2026-11-23T03:08:50Z", 1_795_403_330_000), ("2026-11-23T04:08:50+01:00", 1_795_403_330_000),
      ("2026-11-22T22:38:50.25-04:30", 1_795_403_330_250), ("2024-02-29t12:00:00z", 1_709_208_000_000),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("1999-01-01T00:00:00.1239999Z", 915_148_800_123),
      ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ]
    for (text, milliseconds) in texts {
      #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds, "\(text)")
    }
  }

  @Test("what is written is read as the same")
  func roundTrip() {
    for _ in 0..<2000 {
      let time = Timestamp(milliseconds: Int64.random(in: -62_135_596_800...253_402_300_799) * 1000)
      #expect(Timestamp(rfc3339: time.description) == time)
    }
  }

  @Test(
    "what is no moment is none",
    arguments: [
      "", "2026", "2026-11-23", "2026-11-23 03:08:50Z", "2026-11-23T03:08:50", "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z",
      "2026-11-23T24:00:00Z", "2026-11-23T03:60:00Z", "2026-11-23T03:08:61Z", "2026-11-23T03:08:50.Z",
      "2026-11-23T03:08:50ZZ", "2026-11-23T03:08:50+1:00", "2026-11-23T03:08:50+24:00",
      "+026-11-23T03:08:50Z",
      "２026-11-23T03:08:50Z",
    ])
  func refused(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }
}
