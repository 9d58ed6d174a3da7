import ClusterModel
import NIOCore
import Platform
import Synchronization

/// One event loop's part in telling watchers: which clusters have undelivered changes, which connections
/// have unflushed frames.
///
/// However many changes come in while the loop is busy, it walks over them once and flushes every touched
/// connection once.
final class FanOutLoop: Sendable {
  let eventLoop: any EventLoop
  /// How long a cluster whose watchers were told just now has them wait for more.
  private let coalescing: TimeAmount
  private let queue = Mutex(Queue())
  private let local: NIOLoopBoundBox<Local>

  private struct Queue {
    var groups: [WatchGroup] = []
    var scheduled = false
  }

  /// What only the loop's own thread touches.
  private final class Local {
    var groups: [OpaqueID: WatchGroup] = [:]
    var openings: [UInt64: CallWatch] = [:]
    var connections: [ObjectIdentifier: ServerConnection] = [:]
    var unflushed: [ServerConnection] = []
    var deferred: [WatchGroup] = []
    var isDeferredPlanned = false
    var holdingAcknowledgements: [ServerConnection] = []
    var pausedReads: [ServerConnection] = []
    var isTurnEndPlanned = false
    var lastOpening: UInt64 = 0
    var refusals: RefusalBudgets

    init(refusals: Int) { self.refusals = RefusalBudgets(atOnce: refusals) }
  }

  init(_ eventLoop: any EventLoop, options: TransportOptions = TransportOptions()) {
    self.eventLoop = eventLoop
    coalescing = options.coalescing.amount
    local = .makeBoxSendingValue(Local(refusals: options.refusals), eventLoop: eventLoop)
  }

  /// From any thread: `group` has its first undelivered item.
  func enqueue(_ group: WatchGroup) {
    let kick = queue.withLock { queue in
      queue.groups.append(group)
      if queue.scheduled { return false }
      queue.scheduled = true
      return true
    }
    if kick { eventLoop.execute { self.endTurn() } }
  }

  /// Tells watchers what has come in, then sends all that was written since the last turn.
  private func endTurn() {
    let groups = queue.withLock { queue in
      queue.scheduled = false
      let groups = queue.groups
      queue.groups = []
      return groups
    }
    if !groups.isEmpty { drain(groups) }
    local.value.isTurnEndPlanned = false
    flush()
  }

  private func drain(_ groups: [WatchGroup]) {
    let now = NIODeadline.now()
    let local = local.value
    for group in groups {
      guard let delay = group.delay(coalescing, now: now) else {
        group.drain(now)
        continue
      }
      local.deferred.append(group)
      guard !local.isDeferredPlanned else { continue }
      local.isDeferredPlanned = true
      eventLoop.assumeIsolated().scheduleTask(in: delay) { self.drainDeferred() }
    }
  }

  private func drainDeferred() {
    let local = local.value
    local.isDeferredPlanned = false
    let groups = local.deferred
    local.deferred.removeAll(keepingCapacity: groups.count < 4096)
    // Those whose time isn't over yet go round again.
    drain(groups)
    flush()
  }

  // What follows is for the loop's own thread.

  /// Has what `connection` wrote sent at the end of this turn.
  func flushLater(_ connection: ServerConnection) {
    let local = local.value
    local.unflushed.append(connection)
    guard !local.isTurnEndPlanned else { return }
    local.isTurnEndPlanned = true
    eventLoop.execute { self.endTurn() }
  }

  private func flush() {
    let connections = local.value.unflushed
    guard !connections.isEmpty else { return }
    local.value.unflushed.removeAll(keepingCapacity: connections.count < 4096)
    for connection in connections { connection.flushNow() }
  }

  /// Has `connection` send the acknowledgements that it holds, once they have waited long enough.
  func acknowledgeLater(_ connection: ServerConnection) {
    let local = local.value
    local.holdingAcknowledgements.append(connection)
    guard local.holdingAcknowledgements.count == 1 else { return }
    eventLoop.assumeIsolated().scheduleTask(in: PingAcknowledgements.longestWait) {
      let connections = local.holdingAcknowledgements
      local.holdingAcknowledgements.removeAll(keepingCapacity: connections.count < 4096)
      for connection in connections { connection.acknowledge() }
      self.flush()
    }
  }

  /// Counts a call of `client` that was refused. A client with very many of them has its `connection` not read
  /// from for a moment: each costs as much as a call that is served.
  func noteRefusal(of client: IPAddress, on connection: ServerConnection, now: NIODeadline) {
    let local = local.value
    guard !local.refusals.spend(client, now), connection.pauseReading() else { return }
    local.pausedReads.append(connection)
    guard local.pausedReads.count == 1 else { return }
    eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
      let connections = local.pausedReads
      local.pausedReads.removeAll(keepingCapacity: connections.count < 4096)
      for connection in connections { connection.resumeReading() }
    }
  }

  /// The group of this loop's watches of `cluster`, made where there is none.
  func group(_ cluster: OpaqueID, context: ServiceContext) -> WatchGroup {
    let local = local.value
    if let group = local.groups[cluster] { return group }
    let group = WatchGroup(cluster: cluster, loop: self, context: context)
    local.groups[cluster] = group
    return group
  }

  func drop(_ group: WatchGroup) { local.value.groups[group.cluster] = nil }

  /// A number under which the store's snapshot will find `watch` again.
  func expect(_ watch: CallWatch) -> UInt64 {
    let local = local.value
    local.lastOpening += 1
    local.openings[local.lastOpening] = watch
    return local.lastOpening
  }

  /// The watch that expects a snapshot under this number, if it is still there.
  func take(_ opening: UInt64) -> CallWatch? { local.value.openings.removeValue(forKey: opening) }

  func add(_ connection: ServerConnection) {
    local.value.connections[ObjectIdentifier(connection)] = connection
  }

  func remove(_ connection: ServerConnection) {
    local.value.connections[ObjectIdentifier(connection)] = nil
  }

  /// All connections of this loop, in no order.
  var connections: [ServerConnection] { Array(local.value.connections.values) }

  /// Ends the watches whose token no longer opens their cluster.
  func checkTokens() {
    for connection in connections { connection.checkTokens() }
    flush()
  }

  /// Looks after time: silent, idle and stalled connections. Called about once a second.
  func sweep() {
    let now = NIODeadline.now()
    for connection in connections { connection.sweep(now) }
    flush()
  }
}

/// How many refused calls each client may make on one loop before it isn't listened to for a while.
private struct RefusalBudgets {
  private static let capacity = 4096
  private let fresh: TokenBucket
  private var clients: [IPAddress: TokenBucket] = [:]

  init(atOnce: Int) { fresh = TokenBucket(burst: atOnce, perSecond: Double(atOnce) / 4) }

  mutating func spend(_ client: IPAddress, _ now: NIODeadline) -> Bool {
    // Who hasn't been refused lately has a full budget, so that forgetting all of them is no great loss.
    if clients.count >= Self.capacity, clients[client] == nil { clients = [:] }
    return clients[client, default: fresh].take(at: now.uptime)
  }
}
