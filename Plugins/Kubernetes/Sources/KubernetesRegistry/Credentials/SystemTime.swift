import Glibc

/// Civil time.
enum SystemTime {
  /// Seconds since 1970.
  @Sendable static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
