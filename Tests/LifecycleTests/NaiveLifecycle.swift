import ClusterModel
import Lifecycle

/// The rules as plainly as they can be written: everything is kept in dictionaries and worked out anew at each
/// moment at which anything may change.
struct NaiveLifecycle: LifecycleModel {
  private struct RecordKey: Hashable {
    let node: NodeIdentity
    let source: RecordSource
    let id: NodeIdentity
  }
  private struct Record {
    var record: AffiliateRecord
    var listedAt: Duration
    var isCached = false
  }
  private struct MarkKey: Hashable {
    let node: NodeIdentity
    let source: RecordSource
  }
  private struct Mark {
    let reason: DepartureReason
    let at: Duration
    var isLoss: Bool { [.expired, .unlisted, .removed].contains(reason) }
    var isDeliberate: Bool { [.withdrawn, .deleted, .disabled].contains(reason) }
  }
  private struct Status: Equatable {
    var name: String
    var state: String
    var reason: String
    var since = Duration.zero
    var heldBy: NodeIdentity?
    var isDisputed = false
  }
  private struct Grave {
    var name: String
    var node: NodeIdentity
    var state: String
    var reason: String
    var since: Duration
    var until: Duration
  }

  private let retention: TombstoneRetention
  private var now = Duration.zero
  private var conditions: [RegistryCondition] = []
  private var heardSince: [String: Duration] = [:]
  private var hasBeenHeard: Set<String> = []
  private var records: [RecordKey: Record] = [:]
  private var marks: [MarkKey: Mark] = [:]
  private var merged: [NodeIdentity: Affiliate] = [:]
  private var arrivals: [NodeIdentity: Duration?] = [:]
  private var local: NodeIdentity?
  private var disputes: [DisputedValue: [NodeIdentity]] = [:]

  private var statuses: [NodeIdentity: Status] = [:]
  private var graves: [Grave] = []
  private var neverSeen: Set<NodeIdentity> = []
  private var returns: [NodeIdentity: [Duration]] = [:]
  private var lastChange: [NodeIdentity: Duration] = [:]
  private var flapping: Set<NodeIdentity> = []
  private var before: [NodeIdentity: (state: String, since: Duration)] = [:]
  private(set) var journal: [ShownTransition] = []

  init(retention: TombstoneRetention) { self.retention = retention }

  // MARK: Updates

  mutating func apply(_ updates: [LifecycleUpdate], at moment: Moment) {
    while let due = nextDeadline, due < moment.elapsed {
      now = due
      recompute()
    }
    now = moment.elapsed
    for update in updates { take(update) }
    recompute()
  }

  private mutating func take(_ update: LifecycleUpdate) {
    switch update {
    case .registries(let new):
      for gone in conditions where !new.contains(where: { $0.name == gone.name }) {
        heardSince[gone.name] = nil
        hasBeenHeard.remove(gone.name)
        for (key, _) in records where key.source.registry == gone.name {
          records[key] = nil
          mark(MarkKey(node: key.node, source: key.source), .disabled)
        }
        let listed = Set(records.keys.map(\.node))
        marks = marks.filter { $0.key.source.registry != gone.name || !listed.contains($0.key.node) }
      }
      conditions = new
      for condition in new {
        heardSince[condition.name] = condition.isHeard ? heardSince[condition.name] ?? now : nil
        if condition.isHeard { hasBeenHeard.insert(condition.name) }
      }
    case .record(let record, let source, let node):
      let key = RecordKey(node: node, source: source, id: record.affiliate.nodeID)
      let old = records[key]
      records[key] = Record(
        record: record, listedAt: old?.listedAt ?? now, isCached: old?.isCached == true && record.isStale)
      marks[MarkKey(node: node, source: source)] = nil
    case .gone(let id, let source, let node, let reason, _):
      let key = RecordKey(node: node, source: source, id: id)
      guard records.removeValue(forKey: key) != nil, let reason else { return }
      mark(MarkKey(node: node, source: source), reason)
    case .merged(let affiliate, let isNewcomer, _):
      merged[affiliate.nodeID] = affiliate
      if arrivals[affiliate.nodeID] == nil {
        arrivals[affiliate.nodeID] = .some(isNewcomer ? now : nil)
      } else if !isNewcomer, arrivals[affiliate.nodeID] == .some(now) {
        arrivals[affiliate.nodeID] = .some(nil)
      }
    case .local(let node): local = node
    case .dispute(let value, let nodes): disputes[value] = nodes.isEmpty ? nil : nodes
    }
  }

  /// Of two records of one source that end at one moment the worse end counts.
  private mutating func mark(_ key: MarkKey, _ reason: DepartureReason) {
    let mark = Mark(reason: reason, at: now)
    if let old = marks[key], old.at == now {
      let order = [(old.isLoss ? 1 : 0, old.reason.rawValue), (mark.isLoss ? 1 : 0, reason.rawValue)]
      if order[0] >= order[1] { return }
    }
    marks[key] = mark
  }

  mutating func forget(_ name: String, at moment: Moment) {
    apply([], at: moment)
    graves.removeAll { $0.name == name || $0.node.text == name }
    recompute()
  }

  mutating func restart(_ conditions: [RegistryCondition], local: NodeIdentity?, at moment: Moment) {
    let shift = now - moment.elapsed
    now = moment.elapsed
    for (key, _) in records {
      records[key]?.isCached = true
      records[key]?.listedAt -= shift
    }
    marks = marks.mapValues { Mark(reason: $0.reason, at: $0.at - shift) }
    arrivals = arrivals.mapValues { $0.map { $0 - shift } }
    for (node, status) in statuses {
      statuses[node]?.since -= shift
      before[node] = before[node].map { ($0.state, $0.since - shift) } ?? (status.state, status.since - shift)
    }
    graves = graves.map { grave in
      var grave = grave
      grave.since -= shift
      grave.until -= shift
      return grave
    }
    returns = returns.mapValues { $0.map { $0 - shift } }
    lastChange = lastChange.mapValues { $0 - shift }
    journal = journal.map { entry in
      var entry = entry
      entry.at -= shift
      return entry
    }
    (heardSince, hasBeenHeard, disputes) = ([:], [], [:])
    self.local = local
    take(.registries(conditions))
    recompute()
  }

  // MARK: Rules

  var nextDeadline: Duration? {
    var deadlines = graves.map(\.until) + flapping.compactMap { lastChange[$0] }.map { $0 + .seconds(600) }
    if let heard = leasesHeardSince {
      for (key, record) in records {
        guard let expect = condition(key.source.registry)?.expect else { continue }
        deadlines.append(max(record.listedAt, heard) + expect)
      }
    }
    return deadlines.filter { $0 > now }.min()
  }

  private func condition(_ name: String) -> RegistryCondition? { conditions.first { $0.name == name } }
  private var leases: [String] { conditions.filter { $0.leases == true }.map(\.name) }
  private var leasesHeardSince: Duration? {
    let heard = leases.compactMap { heardSince[$0] }
    return heard.count == leases.count ? heard.max() : nil
  }

  private func staleness(_ key: RecordKey, _ record: Record) -> String? {
    if record.isCached { return "cached" }
    if record.record.isStale { return "unconfirmed" }
    guard let condition = condition(key.source.registry) else { return "unconfirmed" }
    let isStale = condition.isStale || condition.staleSources.contains(key.source.source)
    return isStale ? "registry-failed" : nil
  }

  private func judge(_ node: NodeIdentity) -> (state: String, reason: String) {
    if node == local { return ("ready", "local") }
    let all = records.filter { $0.key.node == node }
    let fresh = all.filter { staleness($0.key, $0.value) == nil }
    func isLease(_ key: RecordKey) -> Bool { leases.contains(key.source.registry) }
    func isUnready(_ record: Record) -> Bool {
      if case .notReady = record.record.health { return true }
      return false
    }
    let alive = fresh.filter { $0.value.record.health == .ready || isLease($0.key) && !isUnready($0.value) }
    let unready = fresh.compactMap { key, record -> (String, String)? in
      guard case .notReady(let reason) = record.record.health else { return nil }
      return (key.source.registry, reason.isEmpty ? "notready" : reason)
    }.sorted { $0 < $1 }
    if !alive.isEmpty, let first = unready.first { return ("notready", first.1) }
    if !alive.isEmpty { return ("ready", alive.contains { isLease($0.key) } ? "leased" : "healthy") }
    let counting = marks.filter { key, mark in
      key.node == node && condition(key.source.registry) != nil
        && !all.contains { $0.key.source.registry == key.source.registry }
        && (mark.reason == .withdrawn || leases.contains(key.source.registry) && mark.isLoss)
    }.values.sorted {
      ($0.at, $0.isLoss ? 1 : 0, $0.reason.rawValue) < ($1.at, $1.isLoss ? 1 : 0, $1.reason.rawValue)
    }
    if let last = counting.last { return (last.isLoss ? "missing" : "left", last.reason.rawValue) }
    if let first = unready.first { return ("notready", first.1) }
    let unsure = all.filter { isLease($0.key) }.compactMap { staleness($0.key, $0.value) }.sorted()
    if let first = unsure.first { return ("stale", first) }
    if fresh.isEmpty {
      return ("stale", all.compactMap { staleness($0.key, $0.value) }.sorted().first ?? "unconfirmed")
    }
    let isExpected = all.contains { condition($0.key.source.registry)?.expect != nil }
    let isOverdue = fresh.contains { key, record in
      guard !leases.isEmpty, let expect = condition(key.source.registry)?.expect, let heard = leasesHeardSince
      else { return false }
      return max(record.listedAt, heard) + expect <= now
    }
    if isOverdue || isExpected && neverSeen.contains(node) { return ("missing", "never-seen") }
    return ("ready", "declared")
  }

  private func isSameMachine(_ left: NodeIdentity, _ right: NodeIdentity) -> Bool {
    let addresses = Set(merged[left]?.addresses ?? []).intersection(merged[right]?.addresses ?? [])
    func machines(_ node: NodeIdentity) -> Set<String> {
      Set(records.filter { $0.key.node == node }.map(\.value.record.machineID).filter { !$0.isEmpty })
    }
    let keys = [left, right].map { merged[$0]?.kubeSpan?.publicKey ?? "" }
    return !addresses.isEmpty || !machines(left).intersection(machines(right)).isEmpty
      || keys[0] == keys[1] && !keys[0].isEmpty
  }

  /// What decides whose a name is, the best first.
  private func rank(_ node: NodeIdentity, isUp: Bool) -> [Int64] {
    let saying = records.filter {
      $0.key.node == node && $0.value.record.affiliate.nodename == merged[node]?.nodename
    }
    func strength(_ item: (key: RecordKey, value: Record)) -> Int64 {
      (staleness(item.key, item.value) == nil ? 0 : 2) + (item.value.record.isLocalID ? 1 : 0)
    }
    let best = saying.map(strength).min() ?? 3
    let health = saying.filter { strength($0) == best }.map(\.value.record.health)
    let made = saying.filter { strength($0) == best }.compactMap(\.value.record.createdAt?.milliseconds).max()
    let isReady = health.contains(.ready)
    let isUnready = !health.isEmpty && health.allSatisfy { $0 != nil && $0 != .ready }
    let arrival = (arrivals[node] ?? nil).map { $0.wholeMilliseconds }
    return [
      node == local ? 0 : 1, isUp ? 0 : 1, best, arrival.map { -$0 } ?? .max, isReady ? 0 : isUnready ? 2 : 1,
      made.map { -$0 } ?? .max,
    ]
  }

  // MARK: What follows

  private mutating func recompute() {
    let present = Set(records.keys.map(\.node)).union([local].compactMap { $0 })
    let judged = Dictionary(uniqueKeysWithValues: present.map { ($0, judge($0)) })
    for (node, judgement) in judged {
      if judgement.reason == "never-seen" { neverSeen.insert(node) }
      if ["leased", "healthy", "declared"].contains(judgement.reason) { neverSeen.remove(node) }
    }
    let names = Dictionary(
      uniqueKeysWithValues: present.compactMap { node in
        merged[node].flatMap { $0.nodename.isEmpty ? nil : (node, $0.nodename) }
      })
    var new: [NodeIdentity: Status] = [:]
    for (name, claimants) in Dictionary(grouping: names.keys, by: { names[$0] ?? "" }) {
      let ranked = claimants.sorted { left, right in
        let ranks = [left, right].map { rank($0, isUp: ["ready", "notready"].contains(judged[$0]?.state)) }
        return ranks[0] != ranks[1] ? ranks[0].lexicographicallyPrecedes(ranks[1]) : left < right
      }
      let isDisputed = ranked.dropFirst().contains { !isSameMachine($0, ranked[0]) }
      for node in claimants {
        guard let judgement = judged[node] else { continue }
        var status = Status(name: name, state: judgement.state, reason: judgement.reason)
        status.isDisputed = isDisputed
        if node != ranked[0] {
          status.heldBy = ranked[0]
          if isSameMachine(node, ranked[0]) { (status.state, status.reason) = ("left", "superseded") }
        }
        new[node] = status
      }
    }
    for (value, nodes) in disputes {
      var isBetweenNames = false
      switch value {
      case .address, .publicKey: isBetweenNames = true
      case .identity, .match, .nodename: break
      }
      for node in nodes {
        let others = nodes.filter { $0 != node && (names[$0] != names[node] || names[$0] == nil) }
        if !isBetweenNames || !others.isEmpty { new[node]?.isDisputed = true }
      }
    }
    for (node, status) in new { show(node, status) }
    for (node, status) in statuses where new[node] == nil {
      conceal(node, status, isPresent: present.contains(node))
    }
    statuses = statuses.filter { new[$0.key] != nil }
    graves.removeAll { $0.until <= now }
    let kept = present.union(graves.map(\.node))
    marks = marks.filter { kept.contains($0.key.node) }
    for node in flapping where (lastChange[node] ?? .zero) + .seconds(600) <= now { flapping.remove(node) }
    for node in arrivals.keys where !kept.contains(node) && !isComingAndGoing(node) {
      arrivals[node] = nil
      neverSeen.remove(node)
    }
    while graves.count > retention.maximumCount { evict() }
  }

  /// Whether it came back lately, so that it isn't forgotten.
  private func isComingAndGoing(_ node: NodeIdentity) -> Bool {
    returns[node]?.isEmpty == false && (lastChange[node] ?? .zero) + .seconds(600) > now
  }

  private mutating func evict() {
    let oldest = graves.indices.min { left, right in
      let (left, right) = (graves[left], graves[right])
      if left.state != right.state { return left.state == "left" }
      return (left.until, left.name, left.node) < (right.until, right.name, right.node)
    }
    if let oldest { graves.remove(at: oldest) }
  }

  private mutating func show(_ node: NodeIdentity, _ status: Status) {
    var status = status
    let old = statuses[node]
    let grave = graves.first { $0.node == node && $0.reason != "renamed" }
    if let old, old.name != status.name { bury(node, old, "left", "renamed", since: now) }
    let earlier = old.map { ($0.state, $0.since) } ?? grave.map { ($0.state, $0.since) }
    let isPending =
      before[node] != nil && node != local && records.contains { $0.key.node == node && $0.value.isCached }
    if isPending {
      let known = [before[node].map { ($0.state, $0.since) }, earlier].compactMap { $0 }
      status.since = known.first { $0.0 == status.state }?.1 ?? now
    } else {
      let compared = before[node].map { ($0.state, $0.since) } ?? earlier
      before[node] = nil
      if let compared, compared.0 == status.state {
        status.since = compared.1
      } else {
        status.since = now
        note(node, status.name, from: compared?.0, to: status.state, status.reason)
      }
    }
    graves.removeAll { $0.node == node && ($0.reason != "renamed" || $0.name == status.name) }
    statuses[node] = status
  }

  private mutating func conceal(_ node: NodeIdentity, _ status: Status, isPresent: Bool) {
    var (state, reason) = ("left", "unnamed")
    if !isPresent {
      let gone = marks.filter { $0.key.node == node }.values.sorted {
        ($0.at, $0.isDeliberate ? 1 : 0, $0.reason.rawValue) < (
          $1.at, $1.isDeliberate ? 1 : 0, $1.reason.rawValue
        )
      }
      guard let last = gone.last else {
        before[node] = nil
        return
      }
      (state, reason) = (last.isDeliberate ? "left" : "missing", last.reason.rawValue)
      if status.reason == "superseded", !last.isDeliberate { (state, reason) = ("left", "superseded") }
    }
    let known = before.removeValue(forKey: node) ?? (status.state, status.since)
    if known.state != state { note(node, status.name, from: known.state, to: state, reason) }
    bury(node, status, state, reason, since: known.state == state ? known.since : now)
  }

  private mutating func bury(
    _ node: NodeIdentity, _ status: Status, _ state: String, _ reason: String, since: Duration
  ) {
    graves.removeAll { $0.node == node && $0.name == status.name }
    graves.append(
      Grave(
        name: status.name, node: node, state: state, reason: reason, since: since,
        until: now + (state == "missing" ? retention.missing : retention.left)))
  }

  private mutating func note(
    _ node: NodeIdentity, _ name: String, from old: String?, to new: String, _ reason: String
  ) {
    journal.append(ShownTransition(at: now, id: name, node: node.text, from: old, to: new, reason: reason))
    lastChange[node] = now
    guard new == "ready", let old, ["missing", "left", "notready"].contains(old) else { return }
    returns[node] = (returns[node] ?? []).filter { $0 > now - .seconds(600) } + [now]
    if (returns[node] ?? []).count >= 3 { flapping.insert(node) }
  }

  // MARK: What is shown

  var shown: Shown {
    var shown = Shown()
    for (node, status) in statuses {
      let row = Shown.Row(
        node: node.text, state: status.state, reason: status.reason, since: status.since,
        isListed: status.heldBy == nil, heldBy: status.heldBy?.text,
        flags: (status.isDisputed ? ["conflict"] : []) + (flapping.contains(node) ? ["flapping"] : []),
        sources: sources(of: node))
      if row.isListed {
        shown.members[status.name] = row
      } else {
        shown.unlisted["\(status.name)@\(node)"] = row
      }
    }
    for grave in graves {
      shown.tombstones["\(grave.name)@\(grave.node)"] = Shown.Grave(
        state: grave.state, reason: grave.reason, since: grave.since, until: grave.until)
    }
    return shown
  }

  private func sources(of node: NodeIdentity) -> [String: String] {
    var sources: [String: String] = [:]
    for condition in conditions {
      let listed = records.filter { $0.key.node == node && $0.key.source.registry == condition.name }
      let gone = marks.filter { $0.key.node == node && $0.key.source.registry == condition.name }.values.max {
        ($0.at, $0.isLoss ? 1 : 0, $0.reason.rawValue) < ($1.at, $1.isLoss ? 1 : 0, $1.reason.rawValue)
      }
      if node == local, condition.isPublished {
        sources[condition.name] = "published"
      } else if !listed.isEmpty {
        let isFresh = listed.contains { staleness($0.key, $0.value) == nil }
        sources[condition.name] = isFresh ? "fresh" : "stale"
      } else if let gone {
        sources[condition.name] = "gone:\(gone.reason.rawValue)"
      } else if !hasBeenHeard.contains(condition.name) {
        sources[condition.name] = "unknown"
      }
    }
    return sources
  }
}
