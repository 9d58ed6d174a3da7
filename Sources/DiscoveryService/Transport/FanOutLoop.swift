import NIOCore
import Synchronization

/// One event loop's part in telling watchers: which clusters have undelivered changes, which connections
/// have unflushed frames.
///
/// However many changes come in while the loop is busy, it walks over them once and flushes every touched
/// connection once.
final class FanOutLoop: Sendable {
  let eventLoop: any EventLoop
  private let queue = Mutex(Queue())
  private let local: NIOLoopBoundBox<Local>

  private struct Queue {
    var groups: [WatchGroup] = []
    var scheduled = false
  }

  /// What only the loop's own thread touches.
  private final class Local {
    var groups: [OpaqueID: WatchGroup] = [:]
    var openings: [UInt64: ServerStream] = [:]
    var connections: [ObjectIdentifier: GRPCConnection] = [:]
    var unflushed: [GRPCConnection] = []
    var flushes: [TurnFlush] = []
    var isTurnEndPlanned = false
    var lastOpening: UInt64 = 0
  }

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    local = .makeBoxSendingValue(Local(), eventLoop: eventLoop)
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
    for group in groups { group.drain() }
    flush()
    local.value.isTurnEndPlanned = false
    let flushes = local.value.flushes
    local.value.flushes.removeAll(keepingCapacity: flushes.count < 4096)
    for flush in flushes { flush.flushNow() }
  }

  // What follows is for the loop's own thread.

  /// Has `connection` flushed at the end of this turn.
  func flushLater(_ connection: GRPCConnection) { local.value.unflushed.append(connection) }

  private func flush() {
    let connections = local.value.unflushed
    guard !connections.isEmpty else { return }
    local.value.unflushed.removeAll(keepingCapacity: connections.count < 4096)
    for connection in connections { connection.flushNow() }
  }

  /// Has what a connection wrote sent at the end of this turn.
  func flushAtTurnEnd(_ flush: TurnFlush) {
    let local = local.value
    local.flushes.append(flush)
    guard !local.isTurnEndPlanned else { return }
    local.isTurnEndPlanned = true
    eventLoop.execute { self.endTurn() }
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

  /// A number under which the store's snapshot will find `stream` again.
  func expect(_ stream: ServerStream) -> UInt64 {
    let local = local.value
    local.lastOpening += 1
    local.openings[local.lastOpening] = stream
    return local.lastOpening
  }

  /// The stream that expects a snapshot under this number, if it is still there.
  func take(_ opening: UInt64) -> ServerStream? { local.value.openings.removeValue(forKey: opening) }

  func add(_ connection: GRPCConnection) {
    local.value.connections[ObjectIdentifier(connection)] = connection
  }

  func remove(_ connection: GRPCConnection) {
    local.value.connections[ObjectIdentifier(connection)] = nil
  }

  /// All connections of this loop, in no order.
  var connections: [GRPCConnection] { Array(local.value.connections.values) }

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
