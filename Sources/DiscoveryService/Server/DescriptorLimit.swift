#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How many files and sockets this process may have open.
enum DescriptorLimit {
  /// More are of no use here; some systems allow a billion.
  private static let most: rlim_t = 1 << 20

  /// Raises the limit as far as the system lets it; returns how many there may be.
  static func raise() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    var higher = limit
    higher.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, most))
    if setrlimit(resource, &higher) == 0 { limit = higher }
    return Int(clamping: limit.rlim_cur)
  }

  /// `limits` as far as there are descriptors for them, with some kept for pages, files and what the system needs.
  ///
  /// - Returns: The limits, and how many connections for pages there may be.
  static func fit(_ limits: SharedLimits, descriptors: Int, pages: Int) -> (limits: SharedLimits, pages: Int)
  {
    let reserve = min(128, descriptors / 4)
    let pages = max(1, min(pages, (descriptors - reserve) / 4))
    var limits = limits
    let total = max(1, min(limits[.connections].total, descriptors - reserve - pages))
    limits[.connections].total = total
    // One client never has them all.
    limits[.connections].perClient = max(1, min(limits[.connections].perClient, total - total / 4))
    return (limits, pages)
  }
}
