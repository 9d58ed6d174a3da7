import NIOCore
import NIOHTTP2
import Synchronization

/// One cluster's watchers on one event loop: the store tells the group, the group tells its streams.
///
/// Changes wait here from the moment of the store's call until the loop's turn, at most one state per
/// affiliate between two snapshots.
final class WatchGroup: ClusterWatcher {
  let cluster: OpaqueID
  let loop: FanOutLoop
  let context: ServiceContext
  private let pending = Mutex(Pending())
  private let local: NIOLoopBoundBox<Local>

  /// What only the loop's own thread touches.
  private final class Local {
    var streams: [ServerStream] = []
    var users = 0
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
    local = .makeBoxSendingValue(Local(), eventLoop: loop.eventLoop)
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

  /// Hands on all that has come in.
  func drain() {
    let (items, since) = pending.withLock { pending in
      let taken = (pending.items, pending.since)
      pending.items = []
      pending.places.removeAll(keepingCapacity: pending.places.count < 64)
      return taken
    }
    var run: [EncodedChange] = []
    for item in items {
      switch item {
      case .changed(let change): run.append(change)
      case .opened(let opening, let snapshot):
        push(run)
        run.removeAll(keepingCapacity: true)
        guard let stream = loop.take(opening) else { continue }
        stream.connection.opened(stream, snapshot)
      case .failed(let opening, let error):
        guard let stream = loop.take(opening) else { continue }
        stream.connection.end(stream, error)
      }
    }
    push(run)
    if !items.isEmpty { context.metrics.fanOut.observe((NIODeadline.now() - since).nanoseconds) }
  }

  /// Gives every stream the same bytes.
  private func push(_ changes: [EncodedChange]) {
    let streams = local.value.streams
    guard let first = changes.first, !streams.isEmpty else { return }
    var bytes = first.message
    if changes.count > 1 {
      bytes = ByteBufferAllocator().buffer(capacity: changes.reduce(0) { $0 + $1.message.readableBytes })
      for change in changes { bytes.writeImmutableBuffer(change.message) }
    }
    let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes)))
    for stream in streams {
      stream.connection.deliver(payload, count: bytes.readableBytes, changes, to: stream)
    }
    context.metrics.notifications.add(streams.count * changes.count)
    context.metrics[.watch].sent.add(streams.count * changes.count)
  }

  /// From now on `stream` gets every change.
  func join(_ stream: ServerStream, _ watch: WatchState) {
    guard watch.place == nil else { return }
    watch.place = local.value.streams.count
    local.value.streams.append(stream)
  }

  /// `watch` gets no changes any more.
  func leave(_ watch: WatchState) {
    guard let place = watch.place else { return }
    watch.place = nil
    let local = local.value
    let last = local.streams.removeLast()
    guard place < local.streams.count else { return }
    local.streams[place] = last
    last.watch?.place = place
  }

  /// How many streams hold on to this group.
  var userCount: Int { local.value.users }

  /// Takes the group out where it was made for a stream that isn't to be.
  func releaseIfUnused() { if local.value.users == 0 { loop.drop(self) } }

  /// One more stream holds on to this group, joined or about to.
  func retain() { local.value.users += 1 }

  /// One stream less does; the last one to go takes the group with it.
  func release() {
    let local = local.value
    local.users -= 1
    guard local.users == 0 else { return }
    loop.drop(self)
    context.store.unwatch(cluster: cluster, watcher: self)
  }
}
