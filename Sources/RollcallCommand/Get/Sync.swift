import ArgumentParser
import Rollcall
import RollcallConfiguration

/// How far the registries got when the command had waited for them.
struct Sync: Sendable {
  /// All registries as they were then.
  let registries: [RegistryStatus]
  /// Why discovery is off; nil where it is on.
  let off: String?

  /// Waits until every enabled registry has told what it knows or has trouble, for `timeout` at the most.
  static func wait(for aggregator: Aggregator, within timeout: Duration) async -> Sync {
    // What didn't come in time shows in the statuses.
    try? await aggregator.waitUntilSettled(timeout: timeout)
    let registries = aggregator.snapshot().registries
    let off = aggregator.isDiscoveryOff ? offReasons(registries.map { ($0.name, $0.disabledReason) }) : nil
    return Sync(registries: registries, off: off)
  }

  /// The enabled registries of which nothing is in what is printed: those that failed, that didn't say all they
  /// know in time, or that could read nothing. One that is merely degraded counts as whole.
  var missing: [RegistryStatus] {
    registries.filter { status in
      switch status.state {
      case .disabled: return false
      case .failed, .starting: return true
      case .synced, .degraded:
        let cannotRead = status.problems.contains { $0.aspect == .reading || $0.aspect == .content }
        return status.affiliateCount == 0 && (cannotRead || !status.hasSynced)
      }
    }
  }

  /// Ends the command with ``CommandError/partial`` where a registry is missing in what was printed, unless that is
  /// `allowed`.
  func checkWhole(allowed: Bool) throws {
    if !missing.isEmpty, !allowed { throw ExitCode(CommandError.partial) }
  }

  /// Tells the person on the standard error what is missing in what is printed.
  func report() {
    if let off { Terminal.note("discovery is off: \(off)") }
    for status in registries {
      switch status.state {
      case .disabled, .synced: break
      case .starting:
        let part = status.lastUpdate == nil ? "what it knows" : "a part of what it knows"
        Terminal.error("registry \(status.name): not in sync in time; \(part) is missing")
      case .degraded, .failed:
        let reason = status.error?.message ?? status.lastFailure?.error.message ?? status.state.rawValue
        let effect = status.lastUpdate != nil ? "" : " (what it knows is missing)"
        Terminal.error("registry \(status.name): \(status.state.rawValue): \(reason)\(effect)")
      }
    }
  }
}

/// Why no registry runs, in words, by the registries' names and why each is disabled.
private func offReasons(_ registries: [(name: String, reason: String?)]) -> String {
  guard !registries.isEmpty else { return "no registry is configured" }
  return registries.map { "\($0.name): \($0.reason ?? "disabled")" }.joined(separator: "; ")
}

extension Configuration {
  /// Why discovery is off, in words; nil where a registry runs.
  var reasonsForBeingOff: String? {
    let registries = cluster.discovery.registries
    let isOn = cluster.discovery.isEnabled && registries.contains { $0.disabled == nil }
    return isOn ? nil : offReasons(registries.map { ($0.name, $0.disabled) })
  }
}
