import NIOCore
import NIOHPACK
import NIOHTTP2

/// Updates the affiliates that are its own, one call after another, each with the time of sending in its data.
final class WriterRole {
  struct Target {
    let cluster: Int
    let affiliate: Int
    let headers: HPACKHeaders
    /// The message up to and after the data's first twelve bytes.
    var message: ByteBuffer
    let stampAt: Int
    var sequence: UInt32 = 0
    /// The last sequence that the service took.
    var confirmed: UInt32 = 0
  }

  private let connection: LoadConnection
  private(set) var targets: [Target]
  private var next = 0
  private var nextStream = 1
  private var sentAt = NIODeadline.now()
  private var onDone: (() -> Void)?
  private var keepGoing: () -> TimeAmount? = { nil }
  private var isBusy = false
  var rpc = Latencies()
  var updates = 0
  var failures = 0

  init(connection: LoadConnection, targets: [Target]) {
    self.connection = connection
    self.targets = targets
  }

  /// Writes until `keepGoing` says nil; otherwise it says how long to wait before the next call.
  func run(_ keepGoing: @escaping () -> TimeAmount?, done: @escaping () -> Void) {
    self.keepGoing = keepGoing
    onDone = done
    step()
  }

  func forgetFigures() {
    rpc = Latencies()
    updates = 0
    failures = 0
  }

  private func step() {
    guard !targets.isEmpty, !connection.isClosed, let wait = keepGoing() else { return finish() }
    if wait <= .zero { return sendNext() }
    connection.context?.eventLoop.assumeIsolated().scheduleTask(in: wait) { self.sendNext() }
  }

  private func finish() {
    let done = onDone
    onDone = nil
    done?()
  }

  private func sendNext() {
    sentAt = .now()
    targets[next].sequence += 1
    let target = targets[next]
    targets[next].message.setInteger(sentAt.uptimeNanoseconds, at: target.stampAt)
    targets[next].message.setInteger(target.sequence, at: target.stampAt + 8)
    let id = HTTP2StreamID(nextStream)
    nextStream += 2
    isBusy = true
    connection.send(id, .headers(.init(headers: target.headers)))
    connection.send(id, .data(.init(data: .byteBuffer(targets[next].message), endStream: true)))
    connection.flush()
  }

  func answered(_ id: HTTP2StreamID, ok: Bool) {
    guard isBusy else { return }
    isBusy = false
    rpc.add((NIODeadline.now() - sentAt).nanoseconds)
    updates += 1
    if ok { targets[next].confirmed = targets[next].sequence } else { failures += 1 }
    next = (next + 1) % targets.count
    step()
  }

  func closed() {
    isBusy = false
    failures += 1
    finish()
  }
}
