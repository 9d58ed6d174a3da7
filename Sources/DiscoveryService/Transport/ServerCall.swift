import ClusterModel
import NIOCore

/// One call on one connection. Only the connection's event loop touches it.
final class ServerCall {
  /// How far a call has come.
  private enum Phase {
    /// The request is still coming in.
    case receiving
    /// The request is whole and waits for its turn or for the store.
    case pending
    /// An answer is on its way, or a watch is open.
    case answering
    /// All is written or given up.
    case done
  }

  /// Messages up to this size are sent at once where the windows have room; larger ones are booked first.
  private static let direct = 65_536

  let connection: ServerConnection
  let id: UInt32
  let method: ServiceMethod
  /// By when the client wants its answer.
  let deadline: NIODeadline?
  let credentials: String?
  /// Whom its shares are counted for.
  let client: IPAddress
  /// The client's address, as `Hello` tells it; nil where it has none.
  let address: IPAddress?

  private let began: NIODeadline
  private let encoding: String?
  private var phase = Phase.receiving
  private var body = ByteBuffer()
  /// Bytes of the request that the connection's window has no credit for yet.
  private var uncredited = 0
  /// How many bytes the client takes on this stream now.
  private var window: FlowWindow
  private var headersSent = false
  /// What the windows had no room for, and how much of the service's budget is booked for it.
  private var outgoing = ByteBuffer()
  private var held: Booking
  /// How the call ends once ``outgoing`` is sent; nil while a watch goes on.
  private var ending: ServiceError??
  private var watch: CallWatch?
  private var timer: Scheduled<Void>?
  private var waitEnded: (() -> Void)?
  /// When the phase it's in, other than an open watch, has lasted too long.
  private var patience: NIODeadline
  /// Whether it has something to send and no room for it, as the connection counts it.
  private(set) var isBlocked = false

  init(
    connection: ServerConnection, id: UInt32, method: ServiceMethod, head: RequestHead, window: FlowWindow,
    address: IPAddress?, now: NIODeadline
  ) {
    self.connection = connection
    self.id = id
    self.method = method
    self.window = window
    self.address = address
    client = address?.client ?? Self.unknownClient
    began = now
    deadline = head.timeout.map { now + $0 }
    credentials = connection.service.tokens == nil ? nil : head.authorization
    encoding = head.encoding
    held = Booking(.heldBytes, of: client, in: connection.service.ledger)
    patience = now + connection.service.options.requestTimeout.amount
  }

  /// Everybody without an IP address is one client.
  private static let unknownClient = IPAddress(v4: 0)

  private var service: ServiceContext { connection.service }
  private var metrics: ServiceMetrics.Method { service.metrics[method] }

  var isReceiving: Bool { phase == .receiving }
  var isPending: Bool { phase == .pending }
  /// Whether it is more than an open watch: what is counted as an unanswered call and looked after by the sweep.
  var isUnsettled: Bool { phase != .done && (watch == nil || phase != .answering) }
  /// Bytes that it keeps of its request.
  private(set) var keptBytes = 0

  // MARK: The request

  /// Request bytes, `windowBytes` of the connection's window.
  func receive(_ bytes: ByteBuffer, windowBytes: Int, endsStream: Bool) {
    guard phase == .receiving else { return connection.credit(windowBytes) }
    if endsStream, body.readableBytes == 0 {
      // The usual case: the whole request in one frame.
      connection.credit(windowBytes)
      return requestEnded(bytes)
    }
    uncredited += windowBytes
    guard body.readableBytes + bytes.readableBytes <= service.options.requestBytes + 5 else {
      return end(
        .exhausted(
          "the request is larger than \(service.options.requestBytes) bytes", reason: "request_size"))
    }
    // Copied: a slice would keep all that was read with it.
    body.writeBytes(bytes.readableBytesView)
    keep(body.storageCapacity)
    if endsStream { return requestEnded(body) }
    connection.credit(windowBytes, of: self)
  }

  /// The request is whole, by trailers.
  func requestEnded() { requestEnded(body) }

  private func requestEnded(_ bytes: ByteBuffer) {
    guard phase == .receiving else { return }
    phase = .pending
    dropRequest()
    do throws(ServiceError) {
      let message = try MessageFraming.message(bytes, encoding: encoding)
      metrics.received.add()
      try CallDispatch(service: service).begin(self, message)
    } catch {
      end(error)
    }
  }

  /// Notes what it keeps of its request, or of the request made of that.
  func keep(_ bytes: Int) {
    connection.keptBytesChanged(by: bytes - keptBytes)
    keptBytes = bytes
  }

  private func dropRequest() {
    keep(0)
    body = ByteBuffer()
    connection.credit(uncredited)
    uncredited = 0
  }

  // MARK: Time

  /// Has the call wait for its turn.
  ///
  /// - Parameter onEnd: Called once, when it no longer waits.
  func wait(
    _ delay: TimeAmount, onEnd ended: @escaping () -> Void, then work: @escaping () -> Void
  ) {
    patience = .now() + delay + .seconds(30)
    waitEnded = ended
    timer = connection.eventLoop?.assumeIsolated().scheduleTask(in: delay) {
      self.timer = nil
      guard self.phase == .pending else { return }
      self.endWait()
      work()
      self.connection.flushAfterEvent()
    }
  }

  private func endWait() {
    waitEnded?()
    waitEnded = nil
  }

  /// Has the call end with its deadline, if it has one.
  func endAtDeadline() {
    guard let deadline else { return }
    timer = connection.eventLoop?.assumeIsolated().scheduleTask(deadline: deadline) {
      self.timer = nil
      self.end(.late)
      self.connection.flushAfterEvent()
    }
  }

  /// Ends what has taken too long. Called about once a second.
  func sweep(_ now: NIODeadline) {
    if phase == .answering, watch != nil {
      // The budget for held answers may have room again.
      if isBlocked { pump() }
      return
    }
    guard now > patience else { return }
    switch phase {
    case .receiving:
      end(
        ServiceError(
          .deadlineExceeded, "the request didn't come in whole in time", reason: "request_timeout"))
    case .answering:
      // Half an answer is out: nothing but a reset tells that the rest won't come.
      service.metrics.reject("answer_timeout")
      forget(.cancelled)
      connection.reset(id, .cancel)
    case .pending, .done: break
    }
  }

  // MARK: The answer

  /// Answers with one message.
  func reply(_ message: EncodedMessage) {
    guard phase == .pending else { return }
    metrics.sent.add()
    let count = message.readableBytes
    if count <= room, count <= Self.direct {
      forget(.ok)
      connection.answer(id, message)
      return
    }
    do throws(ServiceError) { try held.set(count) } catch { return end(error) }
    phase = .answering
    patience = .now() + service.options.requestTimeout.amount
    outgoing = message
    ending = .some(nil)
    pump()
  }

  /// Ends the call: with `error`, or well where there is none. A message that is half sent is sent whole first.
  func end(_ error: ServiceError?) {
    guard phase != .done else { return }
    if let error {
      service.metrics.reject(error.reason)
      connection.noteRefusal()
    }
    if outgoing.readableBytes > 0 {
      ending = .some(error)
      watch?.leave()
      return noteBlocked()
    }
    finish(error)
  }

  /// The client has reset it, or its connection is gone.
  func cancel() { forget(.cancelled) }

  private func finish(_ error: ServiceError?) {
    forget(error?.code ?? .ok)
    connection.endAnswer(id, ResponseHeaders.ending(error, headersSent: headersSent))
  }

  /// The call is over, for whatever reason: lets go of all it holds.
  private func forget(_ code: StatusCode) {
    guard phase != .done else { return }
    let wasUnsettled = isUnsettled
    phase = .done
    if wasUnsettled { connection.unsettledChanged(by: -1) }
    timer?.cancel()
    timer = nil
    endWait()
    outgoing = ByteBuffer()
    held.clear()
    dropRequest()
    watch?.close()
    watch = nil
    noteBlocked()
    connection.forget(self)
    metrics.handled[code.rawValue].add()
    metrics.duration.observe((NIODeadline.now() - began).nanoseconds)
  }

  // MARK: Flow control

  /// How many bytes may be sent now.
  var room: Int { connection.isWritable ? min(window.available, connection.window.available) : 0 }

  /// The client takes so many bytes more; false where that is more than there may be.
  func windowGrew(by count: Int) -> Bool {
    guard window.grow(by: count) else { return false }
    if isBlocked { pump() }
    return true
  }

  /// SETTINGS have changed every stream's window; what waits is resumed by the connection.
  func windowChanged(by difference: Int) -> Bool { window.grow(by: difference) }

  /// Sends as much as there is room for of what waits.
  func pump() {
    while phase == .answering, outgoing.readableBytes > 0 || watch?.hasMore == true, room > 0 {
      if outgoing.readableBytes == 0, !fetch() { break }
      let count = min(room, outgoing.readableBytes, FrameHead.largestPayload)
      guard count > 0, let part = outgoing.readSlice(length: count) else { break }
      sendHeaders()
      // Copied: what the socket keeps must not keep the whole message.
      write(ByteBuffer(bytes: part.readableBytesView))
      guard outgoing.readableBytes == 0 else { continue }
      outgoing = ByteBuffer()
      held.clear()
      if let ending { return finish(ending) }
    }
    if phase == .answering { sendHeaders() }
    noteBlocked()
  }

  /// Has the watch hand over what comes next; false where that has to wait.
  private func fetch() -> Bool {
    guard let watch else { return false }
    switch watch.next(room: room, book: book) {
    case .message(let bytes):
      outgoing = bytes
      return true
    case .nothing: return false
    }
  }

  /// Books what won't fit the windows; says whether there is room for it in the service's budget.
  private func book(_ count: Int) -> Bool {
    do throws(ServiceError) {
      try held.set(count)
      return true
    } catch {
      return false
    }
  }

  private func write(_ bytes: ByteBuffer) {
    window.spend(bytes.readableBytes)
    connection.write(bytes, to: id)
  }

  /// Begins an answer, once the channel can be written to.
  private func sendHeaders() {
    guard !headersSent, connection.isWritable else { return }
    headersSent = true
    connection.beginAnswer(id)
  }

  /// Keeps the connection's count of waiting calls right, after anything that may have changed it.
  private func noteBlocked() {
    let owes =
      outgoing.readableBytes > 0 || phase == .answering && !headersSent || watch?.hasMore == true
    let blocked = phase != .done && owes
    guard blocked != isBlocked else { return }
    isBlocked = blocked
    connection.blockedChanged(by: blocked ? 1 : -1)
  }

  // MARK: Watches

  /// The call becomes a watch, whose first message comes later.
  func begin(_ watch: CallWatch) {
    self.watch = watch
    endAtDeadline()
  }

  /// The watch's state has come: from now on it is open.
  func open() {
    guard phase == .pending else { return }
    connection.unsettledChanged(by: -1)
    phase = .answering
  }

  /// Sends a message of the watch where it can be sent at once and nothing is before it; says whether it was.
  func send(_ bytes: ByteBuffer) -> Bool {
    let count = bytes.readableBytes
    guard phase == .answering, outgoing.readableBytes == 0, count <= room, count <= Self.direct else {
      return false
    }
    sendHeaders()
    write(bytes)
    return true
  }

  /// Sends a message of the watch, at once or in parts; false where it has to come again when there is room.
  func sendOrHold(_ bytes: ByteBuffer) -> Bool {
    if send(bytes) { return true }
    guard phase == .answering, outgoing.readableBytes == 0, room > 0, book(bytes.readableBytes) else {
      return false
    }
    outgoing = bytes
    pump()
    return true
  }

  /// Notes that the watch has more to send, or no more.
  func settle() {
    if phase == .answering { sendHeaders() }
    noteBlocked()
  }

  /// Ends the watch if its token no longer opens its cluster.
  func check(_ tokens: AccessTokens) {
    guard let watch else { return }
    do throws(ServiceError) {
      try tokens.check(authorization: credentials, cluster: watch.group.cluster)
    } catch {
      end(error)
    }
  }

  /// The service ends: watches do, other calls are answered.
  func drain() { if watch != nil { end(.shuttingDown) } }
}
