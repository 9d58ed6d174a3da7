import NIOCore
import Synchronization

/// One cluster's watches on one event loop: the store tells the group, the group tells its watches.
///
/// Changes wait here from the moment of the store's call until the loop's turn, at most one state per affiliate
/// between two snapshots; and those that not all watches could be sent, in the backlog.
final class WatchGroup: ClusterWatcher {
  /// Affiliates that the backlog may hold beyond what a cluster may have: deleted ones of ever new ids.
  private static let backlogAffiliates = 4096

  let cluster: OpaqueID
  let loop: FanOutLoop
  let context: ServiceContext
  private let pending = Mutex(Pending())
  private let local: NIOLoopBoundBox<Local>

  /// What only the loop's own thread touches.
  private final class Local {
    var watches: [CallWatch] = []
    var users = 0
    var behind = 0
    var backlog = ChangeBacklog()
    var trimAt = 256
    var booking: Booking
    var lastDrain: NIODeadline?
    var lastCount = 0

    init(_ ledger: ResourceLedger) { booking = Booking(.heldBytes, of: nil, in: ledger) }
  }

  private enum Item {
    case changed(EncodedChange)
    case opened(UInt64, EncodedMessage)
    case failed(UInt64, ServiceError)
  }

  private struct Pending {
    var items: [Item] = []
    /// Where each affiliate's undelivered change stands. Emptied at a snapshot: a change must not move to
    /// before a snapshot that doesn't hold it.
    var places: [OpaqueID: Int] = [:]
    var since = NIODeadline.uptimeNanoseconds(0)
  }

  init(cluster: OpaqueID, loop: FanOutLoop, context: ServiceContext) {
    self.cluster = cluster
    self.loop = loop
    self.context = context
    local = .makeBoxSendingValue(Local(context.ledger), eventLoop: loop.eventLoop)
  }

  func changed(_ change: EncodedChange) {
    note { pending in
      if let place = pending.places[change.affiliate] {
        pending.items[place] = .changed(change)
        context.metrics.coalesced.add()
      } else {
        pending.places[change.affiliate] = pending.items.count
        pending.items.append(.changed(change))
      }
    }
  }

  func opened(_ opening: UInt64, _ snapshot: EncodedMessage) {
    note { pending in
      pending.places.removeAll(keepingCapacity: true)
      pending.items.append(.opened(opening, snapshot))
    }
  }

  func failed(_ opening: UInt64, _ error: ServiceError) {
    note { $0.items.append(.failed(opening, error)) }
  }

  private func note(_ body: (inout Pending) -> Void) {
    let first = pending.withLock { pending in
      let first = pending.items.isEmpty
      if first { pending.since = .now() }
      body(&pending)
      return first
    }
    if first { loop.enqueue(self) }
  }

  // What follows is for the loop's own thread.

  /// How long its watches have to wait for what has come in: nothing, or until a time is over since they were told
  /// last. The time is a fifth of `longest` for each change that they were told then: so it is short for a cluster that
  /// changes now and then, and long for one that changes all the time.
  func delay(_ longest: TimeAmount, now: NIODeadline) -> TimeAmount? {
    let local = local.value
    guard longest.nanoseconds > 0, let last = local.lastDrain else { return nil }
    let window = TimeAmount.nanoseconds(longest.nanoseconds / 5 * Int64(min(local.lastCount, 5)))
    return now - last < window ? window - (now - last) : nil
  }

  /// Hands on all that has come in.
  func drain(_ now: NIODeadline) {
    local.value.lastDrain = now
    let (items, since) = pending.withLock { pending in
      let taken = (pending.items, pending.since)
      pending.items = []
      pending.places.removeAll(keepingCapacity: pending.places.count < 64)
      return taken
    }
    local.value.lastCount = items.count { if case .changed = $0 { true } else { false } }
    var run: [EncodedChange] = []
    for item in items {
      switch item {
      case .changed(let change): run.append(change)
      case .opened(let opening, let snapshot):
        push(run)
        run.removeAll(keepingCapacity: true)
        loop.take(opening)?.opened(snapshot)
      case .failed(let opening, let error):
        loop.take(opening)?.failed(error)
      }
    }
    push(run)
    if !items.isEmpty { context.metrics.fanOut.observe((NIODeadline.now() - since).nanoseconds) }
  }

  /// Gives every watch the same bytes.
  private func push(_ changes: [EncodedChange]) {
    let local = local.value
    let watches = local.watches
    guard let first = changes.first, !watches.isEmpty else { return }
    var bytes = first.message
    if changes.count > 1 {
      bytes = ByteBufferAllocator().buffer(capacity: changes.reduce(0) { $0 + $1.message.readableBytes })
      for change in changes { bytes.writeImmutableBuffer(change.message) }
    }
    let position = local.backlog.end
    // Before anybody can catch up with it in the middle of this.
    var isKept = local.behind > 0
    if isKept { keep(changes) }
    var late: [CallWatch] = []
    for watch in watches where watch.place != nil {
      if watch.position != nil || watch.deliver(bytes) { continue }
      if !isKept { keep(changes) }
      isKept = true
      local.behind += 1
      watch.fallBehind(position)
      late.append(watch)
    }
    for watch in late { watch.catchUp() }
    if isKept { trim() }
    context.metrics.notifications.add(watches.count * changes.count)
    context.metrics[.watch].sent.add(watches.count * changes.count)
  }

  private func keep(_ changes: [EncodedChange]) {
    for change in changes where local.value.backlog.append(change) { context.metrics.coalesced.add() }
  }

  /// Lets go of what nobody needs any more, and of those who need too much.
  private func trim() {
    let local = local.value
    if local.behind == 0 {
      local.backlog.clear()
    } else if local.backlog.count >= local.trimAt {
      let slowest = local.watches.compactMap(\.position).min() ?? local.backlog.end
      local.backlog.drop(upTo: slowest)
      local.trimAt = max(256, local.backlog.count * 2)
      let isFull = context.ledger.level(.heldBytes) > context.ledger.limits[.heldBytes].total
      if isFull || local.backlog.count > context.limits.affiliates + Self.backlogAffiliates {
        for watch in local.watches where watch.position != nil { watch.lose() }
      }
    }
    local.booking.force(local.backlog.bytes)
  }

  /// What comes after `position`: the bytes, and the position that is reached, or nil where that is the end.
  func backlog(
    after position: UInt64, room: Int, _ book: (Int) -> Bool
  ) -> (bytes: ByteBuffer?, reached: UInt64?) {
    let local = local.value
    let (bytes, reached) = local.backlog.take(after: position, room: room, book)
    guard reached >= local.backlog.end else { return (bytes, reached) }
    caughtUp()
    return (bytes, nil)
  }

  private func caughtUp() {
    let local = local.value
    local.behind -= 1
    guard local.behind == 0 else { return }
    local.backlog.clear()
    local.booking.clear()
  }

  /// From now on `watch` gets every change.
  func join(_ watch: CallWatch) {
    guard watch.place == nil else { return }
    watch.place = local.value.watches.count
    local.value.watches.append(watch)
  }

  /// `watch` gets no changes any more.
  func leave(_ watch: CallWatch) {
    guard let place = watch.place else { return }
    watch.place = nil
    let local = local.value
    let last = local.watches.removeLast()
    guard place < local.watches.count else { return }
    local.watches[place] = last
    last.place = place
  }

  /// A watch that was behind is over.
  func leftBehind() { caughtUp() }

  /// Has the store hand over the cluster's state under this number.
  func askForState(_ opening: UInt64) {
    context.store.watch(cluster: cluster, watcher: self, opening: opening)
  }

  /// How many watches hold on to this group.
  var userCount: Int { local.value.users }

  /// Takes the group out where it was made for a watch that isn't to be.
  func releaseIfUnused() { if local.value.users == 0 { loop.drop(self) } }

  /// One more watch holds on to this group, joined or about to.
  func retain() { local.value.users += 1 }

  /// One watch less does; the last one to go takes the group with it.
  func release() {
    let local = local.value
    local.users -= 1
    guard local.users == 0 else { return }
    loop.drop(self)
    context.store.unwatch(cluster: cluster, watcher: self)
  }
}
