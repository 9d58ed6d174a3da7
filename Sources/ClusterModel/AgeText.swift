/// How long ago something was, as a person says it and every output writes it: `12s`, `1m40s`, `41m`, `3h`, `5d`.
///
/// Below two minutes to the second; then in minutes, of which a started one counts; from two hours on in hours, from
/// two days on in days, both to the nearest.
public enum AgeText {
  /// How long `end` is after `start`; a clock that went back gives `0s`.
  public static func text(from start: Timestamp, to end: Timestamp) -> String {
    // Registries may say any time, so far off too that the difference is no number.
    let (difference, isTooLong) = end.milliseconds.subtractingReportingOverflow(start.milliseconds)
    return text(seconds: max(0, (isTooLong ? start < end ? .max : 0 : difference) / 1000))
  }

  /// A span of `seconds`.
  public static func text(seconds: Int64) -> String {
    switch seconds {
    case ..<60: "\(max(0, seconds))s"
    case ..<120: seconds == 60 ? "1m" : "1m\(seconds - 60)s"
    case ..<7200: "\((seconds + 59) / 60)m"
    case ..<172_800: "\((seconds + 1800) / 3600)h"
    default: "\((seconds / 3600 + 12) / 24)d"
    }
  }
}
