import Foundation

/// What the process has used so far.
struct Usage {
  /// User and system time of the process in seconds.
  var cpu: Double
  /// The most memory that was resident, in MB.
  var peak: Double
  /// Seconds of a clock that only goes forward.
  var wall: Double

  static var now: Usage {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Usage(
      cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), peak: Double(usage.ru_maxrss) / 1024,
      wall: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}

/// `number` with `digits` behind the point.
func text(_ number: Double, _ digits: Int = 1) -> String { String(format: "%.\(digits)f", number) }
