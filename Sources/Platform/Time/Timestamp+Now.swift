package import ClusterModel

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Timestamp {
  /// The machine's civil time.
  package static func now() -> Timestamp { Timestamp(milliseconds: nanosecondsNow() / 1_000_000) }

  /// The machine's civil time in nanoseconds since 1970, for what has to be finer than a timestamp.
  package static func nanosecondsNow() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
