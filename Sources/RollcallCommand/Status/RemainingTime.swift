import ClusterModel
import ClusterResources
import Platform

/// How long what a registry knew counts as fresh.
enum RemainingTime {
  /// The time until the records of a registry that fails are stale, exactly; nil where that isn't known, or over.
  static func text(_ registry: ResourceValue, _ now: Timestamp) -> String? {
    guard let text = registry.at("spec", "staleAfter")?.text, let limit = try? DurationText.parse(text),
      let since = registry.at("status", "since")?.time
    else { return nil }
    let (passed, isTooLong) = now.milliseconds.subtractingReportingOverflow(since.milliseconds)
    guard !isTooLong else { return nil }
    let left = limit.components.seconds - max(0, passed / 1000)
    return left > 0 ? DurationText.text(of: .seconds(left)) : nil
  }
}
