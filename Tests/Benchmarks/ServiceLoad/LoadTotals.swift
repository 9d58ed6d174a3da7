/// How the load is shaped.
struct LoadShape: Sendable {
  var clusters: Int
  var affiliates: Int
  var watchers: Int
  var bytes: Int
  var pings: Bool
}

/// What all connections together saw.
struct LoadTotals {
  var updates = 0
  var failures = 0
  var notifications = 0
  var cutOff = 0
  var rpc = Latencies()
  var fanOut = Latencies()
}

/// Durations in buckets of a few percent, so that millions cost nothing.
struct Latencies: Sendable {
  private var buckets = [Int](repeating: 0, count: 64 * 16)
  private var count = 0

  mutating func add(_ nanoseconds: Int64) {
    buckets[Self.bucket(UInt64(max(nanoseconds, 1)))] += 1
    count += 1
  }

  mutating func merge(_ other: Latencies) {
    for (index, value) in other.buckets.enumerated() { buckets[index] += value }
    count += other.count
  }

  /// The quantile in milliseconds with two decimals.
  func milliseconds(_ quantile: Double) -> String {
    var left = Int((Double(count) * quantile).rounded(.up))
    for (index, value) in buckets.enumerated() where value > 0 {
      left -= value
      if left <= 0 {
        let hundredths = Int(Self.value(index) / 10_000)
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
      }
    }
    return "-"
  }

  /// Sixteen buckets for each power of two.
  private static func bucket(_ value: UInt64) -> Int {
    let power = 63 - value.leadingZeroBitCount
    let fraction = power >= 4 ? Int(value >> UInt64(power - 4)) & 15 : Int(value << UInt64(4 - power)) & 15
    return power * 16 + fraction
  }

  private static func value(_ bucket: Int) -> UInt64 {
    let power = UInt64(bucket / 16)
    let base = UInt64(16 + bucket % 16)
    return power >= 4 ? base << (power - 4) : base >> (4 - power)
  }
}
