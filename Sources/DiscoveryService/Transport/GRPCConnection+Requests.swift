import ClusterModel
import NIOCore
import NIOHTTP2

extension GRPCConnection {
  /// A HEADERS frame: a call begins, or ends its request by trailers.
  func begin(_ id: HTTP2StreamID, _ frame: HTTP2Frame.FramePayload.Headers) {
    if let stream = streams[id] {
      if frame.endStream { requestEnded(stream) }
      return
    }
    guard id > lastStream else { return }
    lastStream = id
    lastCall = lastFrame
    let head = RequestHead(frame.headers)
    guard head.method == "POST" else { return refuse(id, status: 405, frame.endStream) }
    guard head.isGRPC else { return refuse(id, status: 415, frame.endStream) }
    guard let method = ServiceMethod(path: head.path) else {
      service.metrics.reject("method")
      let error = ServiceError(.unimplemented, "unknown method \(head.path)", reason: "method")
      send(id, ResponseHeaders.ending(error, headersSent: false))
      if !frame.endStream { send(id, .rstStream(.noError)) }
      return
    }
    service.metrics[method].started.add()
    let stream = ServerStream(
      connection: self, id: id, method: method, head: head, window: initialWindow,
      patience: lastFrame + .nanoseconds(service.options.requestTimeout.nanoseconds))
    streams[id] = stream
    unsettled += 1
    stream.clientHasEnded = frame.endStream
    if head.timeoutIsMalformed {
      end(stream, ServiceError(.internal, "malformed grpc-timeout", reason: "framing"))
    } else if frame.endStream {
      requestEnded(stream)
    } else {
      stream.encoding = head.encoding
    }
  }

  private func refuse(_ id: HTTP2StreamID, status: Int, _ ended: Bool) {
    service.metrics.reject("not_grpc")
    send(id, ResponseHeaders.plain(status))
    if !ended { send(id, .rstStream(.noError)) }
  }

  /// A DATA frame: request bytes.
  func receive(_ id: HTTP2StreamID, _ frame: HTTP2Frame.FramePayload.Data) {
    guard case .byteBuffer(var bytes) = frame.data else { return }
    let count = bytes.readableBytes + (frame.paddingBytes.map { $0 + 1 } ?? 0)
    // What comes for a call that was given up meanwhile still uses the connection's window.
    guard let stream = streams[id], stream.phase == .receiving else { return credit(count) }
    if frame.endStream, stream.body == nil {
      // The usual case: the whole request in one frame.
      credit(count)
      stream.body = bytes
      return requestEnded(stream)
    }
    stream.buffered += count
    buffered += count
    if stream.body == nil { stream.body = bytes } else { stream.body?.writeBuffer(&bytes) }
    if (stream.body?.readableBytes ?? 0) > service.options.requestBytes + 5 {
      return end(
        stream,
        .exhausted(
          "the request is larger than \(service.options.requestBytes) bytes", reason: "request_size"))
    }
    if frame.endStream { return requestEnded(stream) }
    stream.uncredited += count
    if stream.uncredited >= 16_384 {
      send(id, .windowUpdate(windowSizeIncrement: stream.uncredited))
      stream.uncredited = 0
    }
  }

  /// The request is whole: waits for its turn, then answers.
  private func requestEnded(_ stream: ServerStream) {
    guard stream.phase == .receiving else { return }
    stream.clientHasEnded = true
    stream.phase = .pending
    settleBuffered(stream)
    do throws(ServiceError) {
      let message = try MessageFraming.message(stream.body, encoding: stream.encoding)
      stream.body = nil
      service.metrics[stream.method].received.add()
      let request = try ServiceRequest(
        stream.method, message, maximumEndpoints: service.limits.endpoints * 16)
      if service.isDraining || isDraining { throw .shuttingDown }
      if let tokens = service.tokens {
        try tokens.check(authorization: stream.credentials, cluster: request.cluster)
      }
      // Checked before it waits for its turn, so that what waits is small.
      try takeTurn(stream, Result { () throws(ServiceError) in try request.checked(by: service.limits) })
    } catch {
      end(stream, error)
    }
  }

  private func takeTurn(
    _ stream: ServerStream, _ request: Result<ServiceRequest, ServiceError>
  ) throws(ServiceError) {
    guard let limiter = service.limiter else { return answer(stream, request) }
    let now = NIODeadline.now()
    let patience = stream.deadline.map { ($0 - now).nanoseconds }
    if let patience, patience <= 0 { throw Self.late }
    let address = shareholder(of: stream)
    switch limiter.book(address, now: Int64(now.uptimeNanoseconds), patience: patience) {
    case .now: answer(stream, request)
    case .refused: throw .exhausted("too many requests from this address", reason: "rate")
    case .wait(let nanoseconds):
      guard let context else { return }
      stream.patience = now + .nanoseconds(nanoseconds) + .seconds(30)
      stream.timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) {
        stream.timer = nil
        guard stream.phase == .pending else { return }
        self.answer(stream, request)
        self.flushAfterEvent()
      }
    }
  }

  /// Everybody without an IP address shares one bucket.
  private static let unknownAddress = IPAddress(v4: 0)

  static let late = ServiceError(
    .deadlineExceeded, "the deadline was over before the call was answered", reason: "deadline")

  /// Whom a call's shares are counted for.
  func shareholder(of stream: ServerStream) -> IPAddress { client(of: stream)?.client ?? Self.unknownAddress }

  private func client(of stream: ServerStream) -> IPAddress? {
    guard let headers = stream.address else { return peer }
    return service.addresses.resolve(
      peer: peer, realIP: headers.realIP, forwardedFor: headers.forwardedFor)
  }

  private func answer(_ stream: ServerStream, _ checked: Result<ServiceRequest, ServiceError>) {
    let request: ServiceRequest
    do { request = try checked.get() } catch { return end(stream, error) }
    switch request {
    case .hello(let cluster, let version):
      do throws(ServiceError) {
        try service.limits.check(cluster: cluster)
        service.metrics.hello(version)
        reply(
          stream,
          HelloMessage.make(redirect: service.redirect, address: client(of: stream)?.bytes ?? []))
      } catch {
        end(stream, error)
      }
    case .update(let update):
      complete(stream, service.store.update(update)) { _ in WatchMessage.empty }
    case .delete(let cluster, let affiliate):
      complete(stream, service.store.delete(cluster: cluster, affiliate: affiliate)) { _ in
        WatchMessage.empty
      }
    case .list(let cluster): complete(stream, service.store.list(cluster: cluster)) { $0 }
    case .watch(let cluster): startWatch(stream, cluster)
    }
  }

  /// Sends what the store answers, now or when it does.
  private func complete<Value>(
    _ stream: ServerStream, _ answer: StoreAnswer<Value>,
    _ message: @escaping @Sendable (Value) -> EncodedMessage
  ) {
    switch answer {
    case .ready(.success(let value)): reply(stream, message(value))
    case .ready(.failure(let error)): end(stream, error)
    case .later(let work):
      guard let context else { return }
      let bound = NIOLoopBound(stream, eventLoop: context.eventLoop)
      if let deadline = stream.deadline {
        stream.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
          stream.timer = nil
          self.end(stream, Self.late)
          self.flushAfterEvent()
        }
      }
      // The event loop is no task: what waits for the store needs one of its own, and its result comes back here.
      context.eventLoop.makeFutureWithTask { await work().map(message) }.whenSuccess { result in
        let stream = bound.value
        guard stream.phase == .pending else { return }
        switch result {
        case .success(let message): stream.connection.reply(stream, message)
        case .failure(let error): stream.connection.end(stream, error)
        }
        stream.connection.flushAfterEvent()
      }
    }
  }
}
