import ClusterModel
import NIOCore

/// The server's side of one gRPC connection, from bytes to calls: no channel and no task per call, which is what
/// makes it several times cheaper than a general gRPC server.
///
/// What is written never exceeds the client's windows, and what the socket doesn't take at once is in the account
/// of what clients hold.
final class ServerConnection: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  private enum State { case idle, open, closed }

  let loop: FanOutLoop
  let service: ServiceContext
  private var context: ChannelHandlerContext?
  private var state = State.idle
  private var peer: IPAddress?
  /// Whose shares the connection itself is counted for; nil for a trusted proxy, which stands for many.
  private var client: IPAddress?
  private var session: FrameSession
  private var output: FrameOutput
  private var acknowledgements = PingAcknowledgements()
  private var calls: [UInt32: ServerCall] = [:]
  /// What isn't gRPC and is answered once its request is whole: the answers, and until when they wait for that.
  private var refused: [UInt32: (answer: ByteBuffer, patience: NIODeadline)] = [:]

  /// How many bytes the client takes on the whole connection now.
  private(set) var window = FlowWindow(65_535)
  /// How many it takes on a new stream, by its SETTINGS.
  private var initialWindow = 65_535
  private(set) var isWritable = true
  private var isReading = false
  private var isReadHeldBack = false
  private var isReadPaused = false
  private var isFlushPlanned = false
  /// Windows have grown in this read: what waits goes on at its end.
  private var resumes = false
  private var resumeTurn: UInt = 0
  /// Calls with something to send and no room for it.
  private var blocked = 0
  /// Calls that aren't simply open watches: what the sweep has to look at.
  private var unsettled = 0
  private var keptBytes = 0
  private var unsettledBooking: Booking
  private var receivedBooking: Booking
  private var unsentBooking: Booking
  /// Bytes written since it was last looked how much the socket has not taken.
  private var unchecked = 0

  private let opened: NIODeadline
  private var now: NIODeadline
  private var lastFrame: NIODeadline
  private var lastProgress: NIODeadline
  private var lastCall: NIODeadline
  private var blockBegan: NIODeadline?
  private var pingSent: NIODeadline?

  /// How far the connection's orderly end has come.
  private enum Drain {
    case no
    /// The client was asked to begin no more calls; those that were on their way are still answered.
    case announced(NIODeadline)
    /// It was told which call is the last one.
    case final
    /// All is written and flushed that ever will be.
    case finished
  }
  private var drainState = Drain.no

  init(loop: FanOutLoop, service: ServiceContext, isEncrypted: Bool) {
    self.loop = loop
    self.service = service
    now = .now()
    opened = now
    lastFrame = now
    lastProgress = now
    lastCall = now
    session = FrameSession(
      maximumStreams: service.options.concurrentStreams, headerBytes: service.options.headerBytes,
      controlFrames: service.options.controlFrames, now: now)
    output = FrameOutput(copied: isEncrypted ? FrameHead.largestPayload : 2048)
    unsettledBooking = Booking(.calls, of: nil, in: service.ledger)
    receivedBooking = Booking(.receivedBytes, of: nil, in: service.ledger)
    unsentBooking = Booking(.heldBytes, of: nil, in: service.ledger)
  }

  var eventLoop: (any EventLoop)? { context?.eventLoop }

  var isDraining: Bool { if case .no = drainState { false } else { true } }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { open() }
  }

  func channelActive(context: ChannelHandlerContext) { open() }

  private func open() {
    guard let context, state == .idle else { return }
    peer = IPAddress(context.remoteAddress)
    let address = peer?.client ?? IPAddress(v4: 0)
    client = service.addresses.isProxy(peer) ? nil : address
    do throws(ServiceError) {
      try service.ledger.take(1, .connections, for: client)
    } catch {
      state = .closed
      service.metrics.reject(error.reason)
      output.settings(
        maximumStreams: service.options.concurrentStreams, headerBytes: service.options.headerBytes)
      output.goAway(lastStream: 0, .enhanceYourCalm, reason: error.message)
      writeOut()
      return context.close(promise: nil)
    }
    state = .open
    unsettledBooking = Booking(.calls, of: client, in: service.ledger)
    receivedBooking = Booking(.receivedBytes, of: client, in: service.ledger)
    unsentBooking = Booking(.heldBytes, of: client, in: service.ledger)
    service.metrics.connectionsTotal.add()
    loop.add(self)
    output.settings(
      maximumStreams: service.options.concurrentStreams, headerBytes: service.options.headerBytes)
    output.windowUpdate(0, FrameSession.connectionWindow - 65_535)
    flushNow()
    if service.isDraining { drain() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    close()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    close()
    self.context = nil
  }

  private func close() {
    guard state == .open else { return }
    state = .closed
    loop.remove(self)
    for call in Array(calls.values) { call.cancel() }
    service.ledger.give(1, .connections, for: client)
    unsettledBooking.clear()
    receivedBooking.clear()
    unsentBooking.clear()
    _ = output.take()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    service.metrics.connectionErrors.add()
    service.logger.debug(
      "a connection ends",
      metadata: ["peer": "\(peer.map { "\($0)" } ?? "unknown")", "error": "\(error)"])
    context.close(promise: nil)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    lastProgress = .now()
    guard isWritable, state == .open else { return }
    resumeBlocked()
    flushAfterEvent()
    readAgain()
  }

  /// A client that doesn't take in answers isn't read from: or answers would pile up here.
  func read(context: ChannelHandlerContext) {
    if isWritable, !isReadPaused { context.read() } else { isReadHeldBack = true }
  }

  private func readAgain() {
    guard isReadHeldBack, isWritable, !isReadPaused else { return }
    isReadHeldBack = false
    context?.read()
  }

  /// Has nothing read any more until ``resumeReading()``; says whether that is new.
  func pauseReading() -> Bool {
    guard state == .open, !isReadPaused else { return false }
    isReadPaused = true
    service.metrics.pausedReads.add()
    return true
  }

  func resumeReading() {
    isReadPaused = false
    if state == .open { readAgain() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard state == .open else { return }
    isReading = true
    now = .now()
    lastFrame = now
    pingSent = nil
    session.feed(unwrapInboundIn(data), now: now)
    while state == .open, let event = session.next() { handle(event) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    guard state == .open else { return }
    if resumes {
      resumes = false
      resumeBlocked()
    }
    bookReceived()
    if output.count > 0 || acknowledgements.areDue { flushSoon() }
  }

  // MARK: Frames

  private func handle(_ event: FrameSession.Event) {
    switch event {
    case .headers(let id, let headers, let endsStream): begin(id, RequestHead(headers), endsStream)
    case .trailers(let id):
      calls[id]?.requestEnded()
      answerRefused(id)
    case .data(let id, let bytes, let windowBytes, let endsStream):
      guard let call = calls[id] else {
        credit(windowBytes)
        if endsStream { answerRefused(id) }
        return
      }
      call.receive(bytes, windowBytes: windowBytes, endsStream: endsStream)
    case .reset(let id):
      calls[id]?.cancel()
      refused[id] = nil
      noteRefusal()
    case .streamFailed(let id, let code):
      calls[id]?.cancel()
      refused[id] = nil
      output.reset(id, code)
      service.metrics.reject(code == .refusedStream ? "streams" : "stream_error")
      noteRefusal()
    case .windowGrew(0, let count):
      guard window.grow(by: count) else { return fail(FrameFailure(.flowControlError)) }
      if blocked > 0 { resumes = true }
    case .windowGrew(let id, let count):
      guard let call = calls[id], !call.windowGrew(by: count) else { return }
      call.cancel()
      reset(id, .flowControlError)
    case .settings(let difference):
      output.settingsAcknowledgement()
      if difference != 0 { changeWindows(by: difference) }
    case .ping(let number):
      let waits = acknowledgements.received(number, mayWait: blocked == 0, now: now)
      if waits { loop.acknowledgeLater(self) }
    case .pong: if case .announced = drainState { endDrain() }
    case .unwanted(let count): credit(count)
    case .failed(let failure): fail(failure)
    }
  }

  private func changeWindows(by difference: Int) {
    initialWindow += difference
    for call in calls.values where !call.windowChanged(by: difference) {
      return fail(FrameFailure(.flowControlError))
    }
    if difference > 0 { resumes = true }
  }

  private func begin(_ id: UInt32, _ head: RequestHead, _ endsStream: Bool) {
    lastCall = now
    guard head.method == "POST", head.isGRPC, let method = ServiceMethod(path: head.path) else {
      return refuse(id, head, endsStream)
    }
    let call = ServerCall(
      connection: self, id: id, method: method, head: head, window: FlowWindow(initialWindow),
      address: head.address.map { service.addresses.resolve(peer: peer, $0) } ?? peer, now: now)
    service.metrics[method].started.add()
    calls[id] = call
    unsettled += 1
    if head.timeoutIsMalformed {
      call.end(ServiceError(.internal, "malformed grpc-timeout", reason: "framing"))
    } else if endsStream {
      call.requestEnded()
    }
  }

  /// Answers what isn't a call of ours.
  private func refuse(_ id: UInt32, _ head: RequestHead, _ endsStream: Bool) {
    noteRefusal()
    if head.method == "POST", head.isGRPC {
      service.metrics.reject("method")
      let path = head.path.prefix(256)
      let error = ServiceError(.unimplemented, "unknown method \(path)", reason: "method")
      return endAnswer(id, ResponseHeaders.ending(error, headersSent: false))
    }
    service.metrics.reject("not_grpc")
    refused[id] = (
      ResponseHeaders.plain(head.method == "POST" ? 415 : 405), now + service.options.requestTimeout.amount
    )
    if endsStream { answerRefused(id) }
  }

  private func answerRefused(_ id: UInt32) {
    if let answer = refused.removeValue(forKey: id)?.answer { endAnswer(id, answer) }
  }

  /// A call was refused, or given up by its client.
  func noteRefusal() { if let client { loop.noteRefusal(of: client, on: self, now: now) } }

  private func fail(_ failure: FrameFailure) {
    service.metrics.connectionErrors.add()
    if let reason = failure.reason { service.metrics.reject(reason) }
    goAway(failure.code, reason: failure.reason ?? "")
  }

  private func goAway(_ code: FrameErrorCode, reason: String) {
    guard state == .open else { return }
    output.goAway(lastStream: session.lastStream, code, reason: reason)
    flushNow()
    close()
    context?.close(promise: nil)
  }

  // MARK: What the client may send

  /// Gives the client credit for request bytes that take no room here any more.
  func credit(_ count: Int) {
    guard let credit = session.credit(count) else { return }
    output.windowUpdate(0, credit)
    flushSoon()
  }

  /// The same on the call's own stream, where more of the request is to come.
  func credit(_ count: Int, of call: ServerCall) {
    guard let credit = session.credit(count, of: call.id) else { return }
    output.windowUpdate(call.id, credit)
    flushSoon()
  }

  /// A call keeps more or less of its request than before.
  func keptBytesChanged(by difference: Int) { keptBytes += difference }

  private var unanswered: Int { unsettled + refused.count }

  private func setReceived() throws(ServiceError) {
    if unsettledBooking.amount != unanswered { try unsettledBooking.set(unanswered) }
    let kept = session.keptBytes + keptBytes
    // What everybody may have isn't worth the booking.
    let booked = kept > 1024 ? kept : 0
    if receivedBooking.amount != booked { try receivedBooking.set(booked) }
  }

  /// There is no room even without the calls that were still coming in.
  private func refuseToReceive(_ error: ServiceError) {
    service.metrics.reject(error.reason)
    goAway(.enhanceYourCalm, reason: error.message)
  }

  /// Brings the account up to date with what came in this read. Nothing that was dealt with at once is in it.
  private func bookReceived() {
    do throws(ServiceError) {
      try setReceived()
    } catch {
      for call in calls.values.filter(\.isReceiving) { call.end(error) }
      for id in Array(refused.keys) { answerRefused(id) }
      do throws(ServiceError) { try setReceived() } catch { return refuseToReceive(error) }
    }
    if session.isWithinHeaders { blockBegan = blockBegan ?? now } else { blockBegan = nil }
  }

  // MARK: What calls send

  /// A whole answer with one message.
  func answer(_ id: UInt32, _ message: EncodedMessage) {
    window.spend(message.readableBytes)
    if message.readableBytes == WatchMessage.empty.readableBytes {
      output.emptyAnswer(id)
    } else {
      output.headers(id, ResponseHeaders.ok, endsStream: false)
      output.data(id, message)
      output.headers(id, ResponseHeaders.okTrailers, endsStream: true)
    }
    endStream(id)
    sentContent(message.readableBytes)
  }

  func beginAnswer(_ id: UInt32) {
    output.headers(id, ResponseHeaders.ok, endsStream: false)
    flushSoon()
  }

  /// Content of an answer that has begun.
  func write(_ bytes: ByteBuffer, to id: UInt32) {
    window.spend(bytes.readableBytes)
    output.data(id, bytes)
    sentContent(bytes.readableBytes)
  }

  /// The end of an answer.
  func endAnswer(_ id: UInt32, _ block: ByteBuffer) {
    output.headers(id, block, endsStream: true)
    endStream(id)
    flushSoon()
  }

  /// Ends a stream in the middle of its answer.
  func reset(_ id: UInt32, _ code: FrameErrorCode) {
    session.reset(id)
    output.reset(id, code)
    flushSoon()
  }

  private func endStream(_ id: UInt32) { if session.end(id) { output.reset(id, .noError) } }

  private func sentContent(_ count: Int) {
    session.sentData(frames: 1 + count / FrameHead.largestPayload)
    acknowledgements.sentContent(.now())
    flushSoon()
  }

  func forget(_ call: ServerCall) { calls[call.id] = nil }

  func unsettledChanged(by count: Int) { unsettled += count }

  func blockedChanged(by count: Int) {
    blocked += count
    // Now the client measures how large its windows have to be.
    guard count > 0, !acknowledgements.isEmpty else { return }
    acknowledgements.makeDue()
    flushSoon()
  }

  /// There may be room again: each call that waits gets its chance.
  private func resumeBlocked() {
    guard blocked > 0 else { return }
    let waiting = calls.values.filter(\.isBlocked)
    // Another one first each time: else one busy stream could use up every small window.
    resumeTurn &+= 1
    let first = Int(resumeTurn % UInt(max(waiting.count, 1)))
    for call in waiting[first...] + waiting[..<first] {
      guard window.available > 0, isWritable else { return }
      call.pump()
    }
  }

  // MARK: Writing

  /// Sees to it that what was written goes out: at the end of the loop's turn, or at once where it is much: only what
  /// was flushed shows in whether the channel can be written to.
  func flushSoon() {
    if output.count > 65_536 { return flushNow() }
    guard !isReading, !isFlushPlanned else { return }
    isFlushPlanned = true
    loop.flushLater(self)
  }

  func flushNow() {
    isFlushPlanned = false
    // Nothing to send but acknowledgements that may wait: they wait.
    guard output.count > 0 || acknowledgements.areDue else { return }
    if !acknowledgements.isEmpty {
      for number in acknowledgements.take() { output.ping(number, isAcknowledgement: true) }
    }
    let count = output.count
    writeOut()
    noteUnsent(count)
  }

  private func writeOut() {
    guard let context else { return }
    if let one = output.takeOne() {
      context.write(wrapOutboundOut(one), promise: nil)
    } else {
      for buffer in output.take() { context.write(wrapOutboundOut(buffer), promise: nil) }
    }
    context.flush()
  }

  /// Writes what fell due outside a read or a turn of the loop.
  func flushAfterEvent() { if !isReading { flushNow() } }

  /// Held acknowledgements have waited long enough.
  func acknowledge() {
    guard state == .open, !acknowledgements.isEmpty else { return }
    acknowledgements.makeDue()
    flushSoon()
  }

  /// Books what the socket hasn't taken. Asked for only now and then, as it nearly always takes all.
  private func noteUnsent(_ written: Int) {
    unchecked += written
    guard unchecked > 4096 || unsentBooking.amount > 0, state == .open else { return }
    unchecked = 0
    unsentBooking.force(unsentBytes)
  }

  private var unsentBytes: Int {
    ((try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0) ?? 0
  }

  // MARK: Time

  /// Looks after what time does to a connection; called about once a second.
  func sweep(_ now: NIODeadline) {
    guard state == .open else { return }
    self.now = now
    let options = service.options
    if !session.hasBegun {
      if now - opened > options.prefaceTimeout.amount { giveUp("preface_timeout") }
      return
    }
    if let blockBegan, now - blockBegan > options.requestTimeout.amount { return giveUp("request_timeout") }
    if unsentBooking.amount > 0 { unsentBooking.force(unsentBytes) }
    if unanswered > 0 || blocked > 0 { sweepCalls(now) }
    if unsettledBooking.amount != unanswered || receivedBooking.amount > 0 { bookReceived() }
    if isDraining { return sweepDrain(now) }
    guard isWritable else {
      // A slow reader isn't cut off, one that reads nothing at all for a long time is.
      if now - lastProgress > options.stallTimeout.amount { giveUp("stalled") }
      return
    }
    if calls.isEmpty, now - lastCall > options.idleTimeout.amount {
      service.metrics.reject("idle")
      return goAway(.noError, reason: "idle")
    }
    sweepKeepAlive(now, options)
  }

  private func sweepCalls(_ now: NIODeadline) {
    for call in Array(calls.values) { call.sweep(now) }
    for (id, refusal) in refused where now > refusal.patience { answerRefused(id) }
    flushNow()
  }

  private func sweepKeepAlive(_ now: NIODeadline, _ options: TransportOptions) {
    if let pingSent {
      if now - pingSent > options.keepAliveTimeout.amount { giveUp("keep_alive_timeout") }
    } else if now - lastFrame > options.keepAlive.amount {
      pingSent = now
      output.ping(Self.keepAlivePing, isAcknowledgement: false)
      flushNow()
    }
  }

  private static let keepAlivePing: UInt64 = 0x726F_6C6C_6361_6C6C

  private func giveUp(_ reason: String) {
    service.metrics.reject(reason)
    context?.close(promise: nil)
  }

  /// Ends the watches whose token no longer opens their cluster.
  func checkTokens() {
    guard let tokens = service.tokens else { return }
    for call in Array(calls.values) { call.check(tokens) }
  }

  // MARK: The end

  /// Ends in good order, in two steps: first the client is asked to begin no more calls; once it has had the time to
  /// hear that, it is told which one was the last. Watches end with a status, calls in flight are answered.
  func drain() {
    guard state == .open, !isDraining else { return }
    drainState = .announced(.now())
    output.goAway(lastStream: UInt32(FlowWindow.largest), .noError, reason: "the service is shutting down")
    output.ping(Self.keepAlivePing, isAcknowledgement: false)
    for call in Array(calls.values) { call.drain() }
    flushNow()
  }

  private func endDrain() {
    drainState = .final
    session.refuseFurtherStreams()
    output.goAway(lastStream: session.lastStream, .noError, reason: "the service is shutting down")
    flushSoon()
  }

  private func sweepDrain(_ now: NIODeadline) {
    switch drainState {
    case .announced(let since):
      guard now - since > .seconds(1) else { return }
      endDrain()
      flushNow()
    case .final where calls.isEmpty:
      drainState = .finished
      flushNow()
    case .finished:
      // A slow client takes its time.
      if unsentBytes == 0 { context?.close(mode: .all, promise: nil) }
    case .no, .final: break
    }
  }
}

extension Duration {
  /// The same as NIO's amount of time.
  var amount: TimeAmount { .nanoseconds(nanoseconds) }
}
