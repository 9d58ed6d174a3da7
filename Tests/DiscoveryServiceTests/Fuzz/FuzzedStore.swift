import NIOCore
import Synchronization

#if !FUZZING
  @testable import DiscoveryService
#endif

/// A store with little room and a clock of its own, told by requests of any bytes.
final class FuzzedStore: Sendable {
  private final class Clock: Sendable {
    let now = Mutex<Int64>(1_000_000_000_000)
  }

  private static let limits: StoreLimits = {
    var limits = StoreLimits()
    (limits.affiliates, limits.endpoints) = (4, 3)
    // Time in few ticks: most of what a check takes is walking over them.
    (limits.timeToLive, limits.absentTimeToLive) = (.seconds(60), .seconds(20))
    return limits
  }()

  private static let shares: SharedLimits = {
    var shares = SharedLimits()
    shares[.clusters].total = 3
    return shares
  }()

  let store: MemoryStore
  private let clock: Clock

  init() {
    let clock = Clock()
    self.clock = clock
    store = MemoryStore(
      limits: Self.limits, ledger: ResourceLedger(limits: Self.shares), tick: .seconds(1),
      now: { clock.now.withLock { $0 } })
  }

  /// One request, framed as it comes over the wire.
  func checkRequest(_ method: ServiceMethod, _ bytes: [UInt8]) throws {
    guard let cluster = try apply(method, bytes) else { return }
    try check([cluster])
    try checkExpiry()
  }

  /// Several requests, each with a byte for its method and its length in front; time goes on between them.
  func checkRequests(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    var clusters: [OpaqueID] = []
    while let head = rest.popFirst() {
      let count = min(Int(head >> 3) * 4, rest.count)
      let request = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      if let cluster = try apply(ServiceMethod.allCases[Int(head & 7) % 5], request) {
        clusters.append(cluster)
      }
      clock.now.withLock { $0 += Int64(count) * 500_000_000 }
      store.dropExpired()
      try check(clusters)
    }
    try checkExpiry()
  }

  /// Reads a request and does what it asks for; returns its cluster where it is one.
  private func apply(_ method: ServiceMethod, _ bytes: [UInt8]) throws -> OpaqueID? {
    var framed = ByteBuffer.message(count: bytes.count)
    framed.writeBytes(bytes)
    let message = try MessageFraming.message(framed, encoding: nil)
    guard let request = try? ServiceRequest(method, message) else { return nil }
    try FuzzedMessages.check(request, bytes)
    switch request {
    case .update(let update):
      if case .later = store.update(update) { throw ServiceFuzz.Broken(what: "the store answers later") }
    case .delete(let cluster, let affiliate): _ = store.delete(cluster: cluster, affiliate: affiliate)
    case .hello(let cluster, _): _ = try? Self.limits.check(cluster: cluster)
    case .list, .watch: break
    }
    return request.cluster
  }

  /// Lists `clusters`, which are all that may be there, and counts.
  func check(_ clusters: [OpaqueID]) throws {
    var (filled, affiliates, endpoints) = (0, 0, 0)
    for cluster in Set(clusters) {
      guard case .ready(.success(let message)) = store.list(cluster: cluster) else { continue }
      let listed = InspectData(message).affiliates
      try ServiceFuzz.require(listed.allSatisfy { !$0.id.isEmpty }, "an affiliate has no id")
      try ServiceFuzz.require(listed.allSatisfy { $0.endpoints.count <= 3 }, "too many endpoints")
      filled += listed.isEmpty ? 0 : 1
      affiliates += listed.count
      endpoints += listed.reduce(0) { $0 + $1.endpoints.count }
    }
    let statistics = store.statistics()
    try ServiceFuzz.require(
      statistics.clusters == filled && statistics.affiliates == affiliates
        && statistics.endpoints == endpoints,
      "what is counted isn't what is listed: \(statistics)")
    try ServiceFuzz.require(statistics.clusters <= 3, "too many clusters")
  }

  /// After the longest time to live there is nothing left.
  func checkExpiry() throws {
    clock.now.withLock { $0 += 61_000_000_000 }
    store.dropExpired()
    try ServiceFuzz.require(store.statistics().affiliates == 0, "something outlives its time")
    try ServiceFuzz.require(store.clusterEntries == 0, "an empty cluster is kept")
  }
}
