import NIOCore
import NIOHTTP2

extension GRPCConnection {
  /// Looks after what time does to a connection; called about once a second.
  func sweep(_ now: NIODeadline) {
    let options = service.options
    if !hasReceived {
      if now - lastFrame > options.prefaceTimeout.amount { giveUp("preface_timeout") }
      return
    }
    if unsettled > 0 || blocked > 0 { sweepStreams(now) }
    if isDraining, streams.isEmpty { return shut() }
    guard isWritable else {
      // A slow reader isn't cut off, one that reads nothing at all for a long time is.
      if now - lastProgress > options.stallTimeout.amount { giveUp("stalled") }
      return
    }
    if streams.isEmpty, now - lastCall > options.idleTimeout.amount {
      service.metrics.reject("idle")
      return goAway(.noError)
    }
    if let pingSent {
      if now - pingSent > options.keepAliveTimeout.amount { giveUp("keep_alive_timeout") }
    } else if now - lastFrame > options.keepAlive.amount {
      pingSent = now
      send(.rootStream, .ping(HTTP2PingData(withInteger: 0x726F_6C6C_6361_6C6C), ack: false))
      flushNow()
    }
  }

  private func giveUp(_ reason: String) {
    service.metrics.reject(reason)
    context?.close(promise: nil)
  }

  private func sweepStreams(_ now: NIODeadline) {
    var changed = false
    for stream in Array(streams.values) {
      if let watch = stream.watch, stream.phase == .answering {
        // The budget for held answers may have room again.
        if watch.owesSnapshot, room(stream) > 0 {
          pump(stream)
          changed = true
        }
        continue
      }
      guard now > stream.patience else { continue }
      changed = true
      switch stream.phase {
      case .receiving: end(stream, Self.requestLate)
      case .answering:
        // Half an answer is out: nothing but a reset tells that the rest won't come.
        service.metrics.reject("answer_timeout")
        forget(stream, code: .cancelled)
        send(stream.id, .rstStream(.cancel))
      case .pending, .done: break
      }
    }
    if changed { flushNow() }
  }

  private static let requestLate = ServiceError(
    .deadlineExceeded, "the request didn't come in whole in time", reason: "request_timeout")

  /// Ends in good order: watches end with a status, calls in flight are answered, new ones go elsewhere.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    send(.rootStream, .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
    for stream in Array(streams.values) where stream.watch != nil { end(stream, .shuttingDown) }
    flushNow()
    if streams.isEmpty { shut() }
  }

  /// Closes once all that was written is out: looked for at each sweep, as a slow client takes its time.
  private func shut() {
    guard let context else { return }
    guard isFinished else {
      isFinished = true
      return flushNow()
    }
    let unsent = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
    if (unsent ?? 0) == 0 { context.close(mode: .all, promise: nil) }
  }
}

extension Duration {
  /// The same as NIO's amount of time.
  var amount: TimeAmount { .nanoseconds(nanoseconds) }
}
