import ClusterModel
import Glibc

/// This machine's name for itself.
func systemHostname() -> String {
  var bytes = [CChar](repeating: 0, count: 256)
  guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
  let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return String(decoding: name, as: UTF8.self)
}

/// How long something took or is ago, as a person says it: `4s`, `12m`, `3h`, `5d`.
func shortAge(from start: Timestamp, to end: Timestamp) -> String {
  // Registries may tell any time, so far off too that the difference is no number.
  let (difference, isTooLong) = end.milliseconds.subtractingReportingOverflow(start.milliseconds)
  let seconds = max(0, (isTooLong ? start < end ? .max : 0 : difference) / 1000)
  return switch seconds {
  case ..<120: "\(seconds)s"
  case ..<7200: "\(seconds / 60)m"
  case ..<172_800: "\(seconds / 3600)h"
  default: "\(seconds / 86_400)d"
  }
}
