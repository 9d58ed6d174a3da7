import ClusterModel
import Lifecycle

/// A cluster's registries as a lifecycle sees them: what they list, and what the aggregator makes of it that isn't
/// the lifecycle's business: it holds who is absent after an outage, drops whom it held long enough, calls failed
/// registries stale, and merges records.
struct World<Model: LifecycleModel> {
  struct Registry {
    var lease = false
    var expect: Duration?
    var missingGrace = Duration.seconds(300)
    var drops = false
    var staleAfter = Duration.seconds(300)

    fileprivate(set) var failedAt: Duration?
    fileprivate(set) var isStale = false
    /// Whether it was away since its last snapshot.
    fileprivate(set) var wasAway = true
    fileprivate(set) var isHeard = false
    fileprivate(set) var hasSnapshot = false
  }

  private struct Listed {
    var record: AffiliateRecord
    var heldUntil: Duration?
    var isCached = false
  }

  private let retention: TombstoneRetention
  private(set) var model: Model
  private(set) var registries: [String: Registry] = [:]
  private var listed: [String: [NodeIdentity: Listed]] = [:]
  private var local: Affiliate?
  /// The time since the world began, over restarts.
  private(set) var now = Duration.zero
  /// When the process that runs now began.
  private(set) var started = Duration.zero
  /// How far the civil clock was set.
  private var clockStep = Duration.zero
  private var updates: [LifecycleUpdate] = []
  private var disputes: Set<DisputedValue> = []

  init(_ registries: [String: Registry], retention: TombstoneRetention = TombstoneRetention()) {
    self.retention = retention
    model = Model(retention: retention)
    configure(registries)
    commit()
  }

  // MARK: Time

  func moment(_ time: Duration) -> Moment {
    Moment(
      elapsed: time - started,
      wall: Timestamp(milliseconds: 1_800_000_000_000 + (time + clockStep).wholeMilliseconds))
  }

  mutating func stepClock(by step: Duration) { clockStep += step }

  /// Lets time go on, and does what is due on the way when it is.
  mutating func advance(to time: Duration) {
    while let due = nextDeadline, due <= time {
      now = max(now, due)
      expire()
      commit()
    }
    now = max(now, time)
  }

  private var nextDeadline: Duration? {
    var deadlines: [Duration] = []
    for registry in registries.values where !registry.isStale {
      if let failed = registry.failedAt { deadlines.append(failed + registry.staleAfter) }
    }
    for records in listed.values { deadlines += records.values.compactMap(\.heldUntil) }
    if let deadline = model.nextDeadline { deadlines.append(deadline + started) }
    return deadlines.min()
  }

  /// What the aggregator drops, and whom it calls stale.
  private mutating func expire() {
    for name in registries.keys.sorted() {
      guard let registry = registries[name] else { continue }
      if let failed = registry.failedAt, !registry.isStale, failed + registry.staleAfter <= now {
        registries[name]?.isStale = true
        if registry.drops {
          for node in nodes(of: name) { remove(node, from: name, .dropped) }
        } else {
          noteRegistries()
        }
      }
      for node in nodes(of: name) {
        if let end = listed[name]?[node]?.heldUntil, end <= now { remove(node, from: name, .unlisted) }
      }
    }
  }

  /// Gives the model all that happened at this moment.
  mutating func commit() {
    expire()
    noteDisputes()
    model.apply(updates, at: moment(now))
    updates = []
  }

  // MARK: What registries report

  mutating func configure(_ new: [String: Registry]) {
    for name in registries.keys where new[name] == nil {
      registries[name] = nil
      let nodes = nodes(of: name)
      listed[name] = nil
      for node in nodes { noteMerged(node, isNewcomer: false) }
    }
    for (name, given) in new {
      var registry = registries[name] ?? Registry()
      registry.lease = given.lease
      registry.expect = given.expect
      registry.missingGrace = given.missingGrace
      registry.drops = given.drops
      registry.staleAfter = given.staleAfter
      registries[name] = registry
    }
    noteRegistries()
  }

  /// The registry works, or doesn't.
  mutating func set(_ name: String, _ state: String) {
    guard var registry = registries[name] else { return }
    registry.failedAt = state == "failed" ? registry.failedAt ?? now : nil
    if state != "failed" { registry.isStale = false }
    if state == "failed" || state == "starting" || state == "away" { registry.wasAway = true }
    if state == "failed" || state == "starting" { registry.isHeard = false }
    if state == "synced" { registry.isHeard = true }
    registries[name] = registry
    noteRegistries()
  }

  mutating func snapshot(_ name: String, _ records: [AffiliateRecord]) {
    guard let registry = registries[name] else { return }
    let absent = Set(nodes(of: name)).subtracting(records.map(\.affiliate.nodeID))
    for record in records { put(record, from: name) }
    for node in absent.sorted() {
      guard registry.lease, registry.wasAway else {
        remove(node, from: name, registry.lease ? .expired : .deleted)
        continue
      }
      guard var held = listed[name]?[node], held.heldUntil == nil else { continue }
      held.heldUntil = now + registry.missingGrace
      if !held.isCached {
        held.record.isStale = true
        updates.append(.record(held.record, from: RecordSource(registry: name), of: node))
      }
      listed[name]?[node] = held
    }
    registries[name]?.wasAway = false
    registries[name]?.hasSnapshot = true
    set(name, "synced")
  }

  mutating func put(_ record: AffiliateRecord, from name: String) {
    guard let registry = registries[name] else { return }
    let node = record.affiliate.nodeID
    listed[name, default: [:]][node] = Listed(record: record)
    updates.append(.record(record, from: RecordSource(registry: name), of: node))
    noteMerged(node, isNewcomer: registry.hasSnapshot)
  }

  mutating func remove(_ node: NodeIdentity, from name: String, _ reason: DepartureReason) {
    guard listed[name]?.removeValue(forKey: node) != nil else { return }
    updates.append(
      .gone(record: node, from: RecordSource(registry: name), of: node, reason: reason, lastSeen: nil))
    noteMerged(node, isNewcomer: false)
  }

  mutating func setLocal(_ affiliate: Affiliate?) {
    let before = local
    local = affiliate
    updates.append(.local(affiliate?.nodeID))
    for node in Set([before?.nodeID, affiliate?.nodeID].compactMap { $0 }) {
      noteMerged(node, isNewcomer: false)
    }
  }

  mutating func forget(_ name: String) { model.forget(name, at: moment(now)) }

  /// The daemon starts again, with its state file or without.
  mutating func restart(isStateKept: Bool) {
    commit()
    for name in registries.keys {
      registries[name]?.failedAt = nil
      registries[name]?.isStale = false
      registries[name]?.wasAway = true
      registries[name]?.isHeard = false
      registries[name]?.hasSnapshot = false
      for node in nodes(of: name) {
        listed[name]?[node]?.isCached = true
        listed[name]?[node]?.heldUntil = nil
      }
    }
    started = now
    disputes = []
    if isStateKept {
      model.restart(conditions, local: local?.nodeID, at: moment(now))
    } else {
      listed = [:]
      model = Model(retention: retention)
      updates.append(.local(local?.nodeID))
    }
    noteRegistries()
    if let local { updates.append(.merged(local, isNewcomer: false)) }
  }

  // MARK: For tests

  /// What a registry lists, those that are held or cached too.
  func nodes(of name: String) -> [NodeIdentity] { (listed[name] ?? [:]).keys.sorted() }
  func record(of node: NodeIdentity, in name: String) -> AffiliateRecord? { listed[name]?[node]?.record }

  /// Nobody was away, and nobody is held.
  mutating func settle() {
    for name in registries.keys.sorted() {
      for node in nodes(of: name) {
        guard var record = listed[name]?[node]?.record else { continue }
        record.isStale = false
        put(record, from: name)
      }
      registries[name]?.wasAway = false
      set(name, "synced")
    }
    commit()
  }

  // MARK: What the merge would say

  private var conditions: [RegistryCondition] {
    registries.sorted { $0.key < $1.key }.map { name, registry in
      RegistryCondition(
        name: name, leases: registry.lease, expect: registry.expect, isHeard: registry.isHeard,
        isStale: registry.isStale && !registry.drops)
    }
  }

  private mutating func noteRegistries() { updates.append(.registries(conditions)) }

  private mutating func noteMerged(_ node: NodeIdentity, isNewcomer: Bool) {
    if let local, local.nodeID == node {
      updates.append(.merged(local, isNewcomer: false))
      return
    }
    let affiliates = registries.keys.sorted().compactMap { listed[$0]?[node]?.record.affiliate }
    if affiliates.isEmpty { return }
    var addresses: [IPAddress] = []
    for address in affiliates.flatMap(\.addresses) where !addresses.contains(address) {
      addresses.append(address)
    }
    let name = affiliates.last { !$0.nodename.isEmpty }?.nodename ?? ""
    updates.append(
      .merged(Affiliate(nodeID: node, addresses: addresses, nodename: name), isNewcomer: isNewcomer))
  }

  private mutating func noteDisputes() {
    var nodes: [IPAddress: Set<NodeIdentity>] = [:]
    for (node, listed) in listed.values.joined() {
      for address in listed.record.affiliate.addresses { nodes[address, default: []].insert(node) }
    }
    var known: Set<DisputedValue> = []
    for (address, nodes) in nodes where nodes.count > 1 {
      known.insert(.address(address))
      updates.append(.dispute(.address(address), nodes.sorted()))
    }
    for ended in disputes.subtracting(known) { updates.append(.dispute(ended, [])) }
    disputes = known
  }
}

extension Duration {
  /// Exact, unlike a quotient of durations.
  var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
