import BenchmarkTable
import ClusterModel
import Lifecycle

/// What one touched node costs among many, each with a lease, a health and a declaration.
func lifecycleBenchmarks(nodes count: Int = 100_000) throws -> [BenchmarkRow] {
  let registries = ["service", "kubernetes", "inventory"]
  var elapsed = Duration.zero
  func now() -> Moment {
    Moment(elapsed: elapsed, wall: Timestamp(milliseconds: elapsed.components.seconds * 1000))
  }
  func record(_ number: Int, _ registry: String, isReady: Bool = true) throws -> AffiliateRecord {
    var record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("b3DebkPaQ9rJmZ1sLx0Yt8uVwKcN5hFgE7aD2iO4p-\(number)"),
        addresses: [IPAddress(v4: UInt32(0x0A00_0000 + number))], hostname: "host-\(number)",
        nodename: "host-\(number)"))
    if registry == "kubernetes" {
      record.health = isReady ? .ready : .notReady(reason: "KubeletNotReady")
    }
    return record
  }
  var updates: [LifecycleUpdate] = [
    .registries([
      RegistryCondition(name: "service", leases: true, isHeard: true),
      RegistryCondition(name: "kubernetes", leases: false, isHeard: true),
      RegistryCondition(name: "inventory", leases: false, expect: .seconds(600), isHeard: true),
    ])
  ]
  for number in 0..<count {
    for registry in registries {
      let record = try record(number, registry)
      updates.append(.record(record, from: RecordSource(registry: registry), of: record.affiliate.nodeID))
      if registry == "service" { updates.append(.merged(record.affiliate, isNewcomer: false)) }
    }
  }
  var lifecycle = MemberLifecycle()
  let start = time { _ = lifecycle.apply(updates, at: now()) }

  let rounds = 100_000
  let kubernetes = RecordSource(registry: "kubernetes")
  let service = RecordSource(registry: "service")
  // A snapshot is held by readers, as each commit publishes one.
  var held = lifecycle.view
  func measure(_ steps: [LifecycleUpdate], isPublished: Bool = true) -> Duration {
    let total = time {
      for step in steps {
        elapsed += .milliseconds(1)
        _ = lifecycle.apply([step], at: now())
        if isPublished { held = lifecycle.view }
      }
    }
    return total / steps.count
  }
  let numbers = (0..<rounds).map { $0 &* 7919 % count }
  let unready = try numbers.enumerated().map { round, number in
    let record = try record(number, "kubernetes", isReady: round >= count)
    return LifecycleUpdate.record(record, from: kubernetes, of: record.affiliate.nodeID)
  }
  let same = unready
  let ready = try numbers.map { number in
    let record = try record(number, "kubernetes")
    return LifecycleUpdate.record(record, from: kubernetes, of: record.affiliate.nodeID)
  }
  let gone = try numbers.map { number in
    let id = try record(number, "service").affiliate.nodeID
    return LifecycleUpdate.gone(record: id, from: service, of: id, reason: .expired, lastSeen: nil)
  }
  let changed = measure(unready)
  let confirmed = measure(same)
  held = MemberLifecycle().view
  let unpublished = measure(ready, isPublished: false)
  let expired = measure(gone)
  let idle = time { for _ in 0..<rounds { _ = lifecycle.apply([], at: now()) } } / rounds
  _ = held
  return [
    BenchmarkRow(name: "lifecycle: \(count) nodes of 3 registries at once", measured: start.inMilliseconds),
    BenchmarkRow(
      name: "lifecycle: one node of \(count) isn't ready any more", measured: changed.inMicroseconds,
      target: "<= 3 us"),
    BenchmarkRow(
      name: "lifecycle: one node of \(count) is ready again, not published",
      measured: unpublished.inMicroseconds,
      target: "<= 3 us"),
    BenchmarkRow(name: "lifecycle: one node of \(count) is confirmed", measured: confirmed.inMicroseconds),
    BenchmarkRow(
      name: "lifecycle: one lease of \(count) nodes ends", measured: expired.inMicroseconds,
      target: "<= 3 us"),
    BenchmarkRow(name: "lifecycle: nothing happens to \(count) nodes", measured: idle.inMicroseconds),
  ]
}
