import NIOCore
import NIOHTTP2

extension GRPCConnection {
  /// How many bytes of DATA may be written to `stream` now.
  func room(_ stream: ServerStream) -> Int { isWritable ? min(stream.window, window) : 0 }

  /// Whether `stream` has something to send that it had no room for.
  private func isBlocked(_ stream: ServerStream) -> Bool {
    guard stream.phase != .done else { return false }
    return stream.outgoing.readableBytes > 0 || stream.owesHeaders
      || stream.watch.map { !$0.held.isEmpty || $0.owesSnapshot } ?? false
  }

  /// Keeps the connection's count of waiting streams right, after anything that may have changed it.
  func noteWaiting(_ stream: ServerStream) {
    let waits = isBlocked(stream)
    guard waits != stream.isWaiting else { return }
    stream.isWaiting = waits
    blocked += waits ? 1 : -1
  }

  /// Answers a call with one message.
  func reply(_ stream: ServerStream, _ message: EncodedMessage) {
    guard stream.phase == .pending else { return }
    service.metrics[stream.method].sent.add()
    let count = message.readableBytes
    if count <= room(stream) {
      forget(stream, code: .ok)
      send(stream.id, ResponseHeaders.ok)
      window -= count
      send(stream.id, .data(.init(data: .byteBuffer(message))))
      send(stream.id, ResponseHeaders.okTrailers)
      controlFrames.earn()
      return flushSoon(count)
    }
    guard hold(count, for: stream) else {
      return end(stream, .exhausted("too many answers wait for slow clients", reason: "held_bytes"))
    }
    stream.phase = .answering
    stream.patience = .now() + .nanoseconds(service.options.requestTimeout.nanoseconds)
    sendHeaders(stream)
    stream.outgoing = message
    stream.ending = .some(nil)
    pump(stream)
    flushSoon()
  }

  /// Ends a call: with `error`, or well where there is none. A message that is half sent is sent whole first.
  func end(_ stream: ServerStream, _ error: ServiceError?) {
    guard stream.phase != .done else { return }
    if let error { service.metrics.reject(error.reason) }
    if stream.outgoing.readableBytes > 0 {
      stream.ending = .some(error)
      leaveWatch(stream)
      noteWaiting(stream)
      return
    }
    finish(stream, error)
    flushSoon()
  }

  private func finish(_ stream: ServerStream, _ error: ServiceError?) {
    // Forgotten first: writing the end closes the stream on the spot, which else looked like a cancellation.
    forget(stream, code: error?.code ?? .ok)
    send(stream.id, ResponseHeaders.ending(error, headersSent: stream.headersSent))
    if !stream.clientHasEnded { send(stream.id, .rstStream(.noError)) }
  }

  /// The call is over, for whatever reason: lets go of all it holds.
  func forget(_ stream: ServerStream, code: StatusCode) {
    guard stream.phase != .done else { return }
    if stream.watch == nil || stream.phase != .answering { unsettled -= 1 }
    stream.phase = .done
    noteWaiting(stream)
    streams[stream.id] = nil
    stream.timer?.cancel()
    stream.timer = nil
    release(stream)
    stream.outgoing = ByteBuffer()
    settleBuffered(stream)
    stream.body = nil
    if let watch = stream.watch {
      service.shares.closeWatch(of: shareholder(of: stream))
      if stream.isCountedAsWatcher { service.metrics.watchers.add(-1) }
      watch.held = HeldChanges()
      watch.owesSnapshot = false
      if let opening = watch.opening { _ = loop.take(opening) }
      watch.group.leave(watch)
      watch.group.release()
      stream.watch = nil
    }
    let method = service.metrics[stream.method]
    method.handled[code.rawValue].add()
    method.duration.observe((NIODeadline.now() - stream.began).nanoseconds)
  }

  /// Gives back what is booked for held bytes.
  private func release(_ stream: ServerStream) {
    guard stream.booked > 0 else { return }
    service.metrics.heldBytes.add(-stream.booked)
    service.shares.release(stream.booked, of: shareholder(of: stream))
    stream.booked = 0
  }

  /// Books `count` bytes that `stream` has no room for now; says whether its client's share and the whole have room
  /// for them.
  func hold(_ count: Int, for stream: ServerStream) -> Bool {
    let client = shareholder(of: stream)
    guard service.shares.hold(count, for: client, upTo: service.options.heldBytesOfClient) else {
      return false
    }
    guard service.metrics.heldBytes.add(count, upTo: service.options.heldBytes) else {
      service.shares.release(count, of: client)
      return false
    }
    stream.booked = count
    return true
  }

  /// Gives credit for what was kept of a request.
  func settleBuffered(_ stream: ServerStream) {
    buffered -= stream.buffered
    credit(stream.buffered)
    stream.buffered = 0
  }

  /// Begins an answer, or notes that this is to be done when the channel can be written to: what waits in the
  /// handler below isn't taken back when the client resets the stream, and would then end the whole connection.
  func sendHeaders(_ stream: ServerStream) {
    guard !stream.headersSent else { return }
    stream.owesHeaders = !isWritable
    guard isWritable else { return }
    stream.headersSent = true
    send(stream.id, ResponseHeaders.ok)
  }

  /// Sends as much as there is room for of what `stream` was kept waiting with.
  func pump(_ stream: ServerStream) {
    defer { noteWaiting(stream) }
    guard isBlocked(stream) else { return }
    if stream.owesHeaders, isWritable { sendHeaders(stream) }
    flushSoon()
    while case let room = room(stream), room > 0 {
      if stream.outgoing.readableBytes > 0 {
        guard let part = stream.outgoing.readSlice(length: min(room, stream.outgoing.readableBytes)) else {
          break
        }
        write(part, to: stream)
        if stream.outgoing.readableBytes == 0 {
          stream.outgoing = ByteBuffer()
          release(stream)
          if let ending = stream.ending { return finish(stream, ending) }
        }
      } else if let watch = stream.watch, watch.owesSnapshot {
        watch.owesSnapshot = false
        return askForSnapshot(stream, watch)
      } else if let watch = stream.watch, let bytes = collect(&watch.held, room: room) {
        stream.outgoing = bytes
      } else {
        break
      }
    }
  }

  func write(_ bytes: ByteBuffer, to stream: ServerStream) {
    stream.window -= bytes.readableBytes
    window -= bytes.readableBytes
    controlFrames.earn()
    send(stream.id, .data(.init(data: .byteBuffer(bytes))))
    flushSoon(bytes.readableBytes)
  }

  /// As many held changes as fit `room`, at least one, in one buffer.
  private func collect(_ held: inout HeldChanges, room: Int) -> ByteBuffer? {
    guard var bytes = held.take() else { return nil }
    let limit = min(room, 65_536)
    guard let next = held.nextSize, bytes.readableBytes + next <= limit else { return bytes }
    var all = ByteBufferAllocator().buffer(capacity: limit)
    all.writeBuffer(&bytes)
    while let next = held.nextSize, all.readableBytes + next <= limit, let more = held.take() {
      all.writeImmutableBuffer(more)
    }
    return all
  }

  /// There may be room again: each stream that waits gets its chance.
  func resumeBlocked() {
    guard blocked > 0 else { return }
    let waiting = streams.values.filter(\.isWaiting)
    // Another one first each time: else one busy stream could use up every small window.
    resumeTurn &+= 1
    let first = Int(resumeTurn % UInt(max(waiting.count, 1)))
    for stream in waiting[first...] + waiting[..<first] {
      guard window > 0, isWritable else { return }
      pump(stream)
    }
  }
}
