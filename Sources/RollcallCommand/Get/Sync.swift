import Rollcall

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
    return Sync(aggregator.snapshot().registries, isOff: aggregator.isDiscoveryOff)
  }

  init(_ registries: [RegistryStatus], isOff: Bool) {
    self.registries = registries
    off = isOff ? Self.reasons(registries) : nil
  }

  /// Whether any registry has told anything, or none is there to do so.
  var hasAnything: Bool { off != nil || registries.contains(where: \.hasSynced) }

  /// Tells the person on the standard error what is missing in what is printed.
  func report() {
    if let off { Terminal.note("discovery is off: \(off)") }
    for status in registries {
      switch status.state {
      case .disabled, .synced: break
      case .starting: Terminal.error("registry \(status.name): not in sync in time; what it knows is missing")
      case .degraded, .failed:
        let reason = status.error?.message ?? status.lastFailure?.error.message ?? status.state.rawValue
        let effect = status.hasSynced ? "" : " (what it knows is missing)"
        Terminal.error("registry \(status.name): \(status.state.rawValue): \(reason)\(effect)")
      }
    }
  }

  /// Why no registry runs, in words.
  static func reasons(_ registries: [RegistryStatus]) -> String {
    guard !registries.isEmpty else { return "no registry is configured" }
    return registries.map { "\($0.name): \($0.disabledReason ?? "disabled")" }.joined(separator: "; ")
  }
}
