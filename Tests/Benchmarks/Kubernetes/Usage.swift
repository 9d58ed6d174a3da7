import Foundation

/// What the process has used so far.
struct Usage {
  /// User and system time of the process in seconds.
  var cpu: Double
  /// The most memory that was resident since ``forgetPeak()``, in MB.
  var peak: Double
  /// Seconds of a clock that only goes forward.
  var wall: Double

  static var now: Usage {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Usage(
      cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), peak: status("VmHWM:"),
      wall: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
  }

  /// What is resident now counts as the peak from here on.
  static func forgetPeak() {
    if let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") { file.write(Data("5".utf8)) }
  }

  /// A line of /proc/self/status that is in KB, in MB.
  private static func status(_ name: String) -> Double {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = lines.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}

/// `number` with `digits` behind the point.
func text(_ number: Double, _ digits: Int = 1) -> String { String(format: "%.\(digits)f", number) }
