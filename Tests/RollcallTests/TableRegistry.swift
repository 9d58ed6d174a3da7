import AffiliateMerge
import ClusterModel
import Platform
import RegistryKit
import TestSupport

@testable import Rollcall

/// One registry in a table of its own that a test runs step by step, without any task.
final class TableRegistry {
  let clock = ManualClock()
  let table: ClusterTable
  private(set) var key = RegistryKey(name: "rack", generation: 1)
  private let retention: RetentionPolicy
  private let leases: Bool
  private var intake = RegistryIntake()
  private var hasRun = false
  private var revision: UInt64 = 0

  init(leases: Bool = false, retention: RetentionPolicy = RetentionPolicy()) {
    self.leases = leases
    self.retention = retention
    table = ClusterTable(
      policy: MergePolicy(), journalLimit: 1024, time: TimeSource(clock),
      now: { [clock] in Timestamp(milliseconds: Int64(clock.now.offset / .milliseconds(1))) })
    let key = key
    table.commit { writer in
      writer.place(
        RegistryState(
          key: key,
          status: RegistryStatus(name: "rack", prefix: "rack", state: .starting, since: writer.now),
          retention: retention))
    }
    begin()
  }

  // MARK: What happens to it

  /// A run begins.
  func begin() {
    intake = RegistryIntake()
    let (key, leases, isRestart) = (key, leases, hasRun)
    hasRun = true
    table.commit { writer in
      _ = writer.update(key) { $0.began(isRestart: isRestart, at: $1.elapsed) }
      _ = writer.made(key, prefix: "rack", descriptor: nil, leases: leases)
    }
  }

  /// The run fails.
  func fail(_ error: RegistryError = RegistryError(.failed, "no more")) {
    let key = key
    table.commit { _ = $0.update(key) { $0.failed(error, in: &$1) } }
  }

  /// A reload makes it anew.
  func reload() {
    let old = key
    key = RegistryKey(name: old.name, generation: old.generation + 1)
    let (key, retention) = (key, retention)
    table.commit { writer in
      guard let before = writer.registry(old) else { return }
      let status = RegistryStatus(name: "rack", prefix: "rack", state: .starting, since: writer.now)
      writer.place(
        before.succeeded(
          by: key, status: status, retention: retention, settleTime: .seconds(5), at: writer.elapsed))
    }
    begin()
  }

  /// The run applies `batches`, and they are taken together.
  func apply(_ batches: RegistryBatch...) throws {
    for batch in batches { try intake.apply(batch) }
    guard let batch = intake.take() else { return }
    let key = key
    table.commit { _ = $0.apply(batch, from: key) }
  }

  /// The run applies a snapshot of nodes with these names.
  func snapshot(_ names: String..., source: RegistrySource = .only) throws {
    let update = RegistryUpdate.snapshot(
      try names.map { AffiliateRecord(try affiliate($0)) }, source: source)
    try apply(
      RegistryBatch(updates: [update], reports: [HealthReport(.reading, nil, source: source)]))
  }

  func report(_ aspect: HealthAspect, _ error: RegistryError?, source: RegistrySource = .only) throws {
    try apply(RegistryBatch(reports: [HealthReport(aspect, error, source: source)]))
  }

  /// The run reports whether it can read.
  func reading(_ error: RegistryError?, source: RegistrySource = .only) throws {
    try report(.reading, error, source: source)
  }

  /// Time passes, and what is due at its end is done.
  func advance(by duration: Duration) {
    clock.advance(by: duration)
    table.commit { $0.expire() }
  }

  // MARK: What became of it

  var status: RegistryStatus {
    table.snapshot().registry("rack")
      ?? RegistryStatus(name: "none", prefix: "", state: .disabled, since: .zero)
  }

  /// Each node, with a `~` where its record is a stale one.
  var nodes: [String] {
    let snapshot = table.snapshot()
    return snapshot.affiliates.map { node in
      let claims = snapshot.provenance(of: node.value.nodeID)?.flatMap(\.claims) ?? []
      return (claims.allSatisfy(\.isStale) ? "~" : "") + node.value.nodeID.text
    }
  }

  /// Each node that was removed since this was last asked for, and why.
  func removals() -> [String] {
    guard case .events(let events, let snapshot) = table.unread(since: revision) else { return ["unknown"] }
    revision = snapshot.revision
    var removals: [String] = []
    for case .changes(let changes) in events {
      for case .raw(let change, _, let reason) in changes where change.kind == .removed {
        removals.append("\(change.key.nodeID) \(reason.map(\.rawValue) ?? "")")
      }
    }
    return removals
  }

  /// In how long something is due by itself; nil: never.
  var due: Duration? {
    table.read { $0.registryDeadline }.map { $0 - table.time.elapsed }
  }
}

extension Timestamp {
  fileprivate static let zero = Timestamp(milliseconds: 0)
}
