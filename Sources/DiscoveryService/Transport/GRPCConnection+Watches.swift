import NIOCore
import NIOHTTP2

extension GRPCConnection {
  func startWatch(_ stream: ServerStream, _ cluster: OpaqueID) {
    let group = loop.group(cluster, context: service)
    guard group.userCount < service.options.watchesOfCluster,
      service.shares.openWatch(for: shareholder(of: stream), upTo: service.options.watchesOfClient)
    else {
      group.releaseIfUnused()
      return end(stream, .exhausted("too many watchers", reason: "watchers"))
    }
    group.retain()
    let watch = WatchState(group: group)
    stream.watch = watch
    if let deadline = stream.deadline, let context {
      stream.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
        stream.timer = nil
        self.end(stream, Self.late)
        self.flushAfterEvent()
      }
    }
    askForSnapshot(stream, watch)
  }

  /// The snapshot comes through the group, in its place among the changes.
  func askForSnapshot(_ stream: ServerStream, _ watch: WatchState) {
    let opening = loop.expect(stream)
    watch.opening = opening
    service.store.watch(cluster: watch.group.cluster, watcher: watch.group, opening: opening)
  }

  /// The snapshot is there: sends it and joins those who get every change.
  func opened(_ stream: ServerStream, _ snapshot: EncodedMessage) {
    guard let watch = stream.watch, stream.phase != .done else { return }
    watch.opening = nil
    if stream.phase == .pending {
      stream.phase = .answering
      unsettled -= 1
      stream.isCountedAsWatcher = true
      service.metrics.watchers.add(1)
      sendHeaders(stream)
    }
    let count = snapshot.readableBytes
    if count <= room(stream) {
      write(snapshot, to: stream)
      watch.group.join(stream, watch)
    } else if room(stream) > 0, hold(count, for: stream) {
      stream.outgoing = snapshot
      watch.group.join(stream, watch)
      pump(stream)
    } else {
      // No room at all: rather than keep this state, a newer one is asked for when there is.
      watch.owesSnapshot = true
      noteWaiting(stream)
    }
    if !watch.owesSnapshot { service.metrics[.watch].sent.add() }
    flushSoon()
  }

  /// Sends changes to a watch, or keeps them until it can be written to.
  ///
  /// - Parameters:
  ///   - payload: All of `changes` in one frame, `count` bytes of it, the same for every watcher.
  func deliver(
    _ payload: HTTP2Frame.FramePayload, count: Int, _ changes: [EncodedChange], to stream: ServerStream
  ) {
    guard let watch = stream.watch, stream.ending == nil else { return }
    if !stream.isWaiting, count <= room(stream) {
      stream.window -= count
      window -= count
      controlFrames.earn()
      send(stream.id, payload)
      return flushSoon()
    }
    for change in changes where watch.held.hold(change) { service.metrics.coalesced.add() }
    if !stream.isWaiting { pump(stream) }
  }

  /// Ends the watches whose token no longer opens their cluster.
  func checkTokens() {
    guard let tokens = service.tokens else { return }
    for stream in Array(streams.values) {
      guard let watch = stream.watch else { continue }
      do throws(ServiceError) {
        try tokens.check(authorization: stream.credentials, cluster: watch.group.cluster)
      } catch {
        end(stream, error)
      }
    }
  }

  /// No changes any more for a call that is about to end.
  func leaveWatch(_ stream: ServerStream) {
    guard let watch = stream.watch else { return }
    watch.held = HeldChanges()
    watch.group.leave(watch)
  }
}
