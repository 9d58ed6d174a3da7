import NIOHPACK

/// Updates the affiliates that are its own, one call after another, each with the time of sending in its data.
final class WriterRole {
  struct Target {
    let cluster: Int
    let affiliate: Int
    let headers: HPACKHeaders
    var message: [UInt8]
    /// Where in the message the data begin, with the time of sending and the sequence.
    let stampAt: Int
    var sequence: UInt32 = 0
    /// The last sequence that the service took.
    var confirmed: UInt32 = 0
  }

  private unowned let connection: LoadConnection
  private let loop: LoadLoop
  private(set) var targets: [Target]
  private var next = 0
  private var nextStream: UInt32 = 1
  private var sentAt: Int64 = 0
  private var plan: () -> Int64? = { nil }
  private(set) var isDone = true
  private var isBusy = false
  var rpc = Latencies()
  var updates = 0
  var failures = 0

  init(connection: LoadConnection, loop: LoadLoop, targets: [Target]) {
    self.connection = connection
    self.loop = loop
    self.targets = targets
  }

  /// Writes until `plan` says nil; otherwise it says at what time of the steady clock the next call is due.
  func run(_ plan: @escaping () -> Int64?) throws {
    self.plan = plan
    isDone = false
    try step()
  }

  func forgetFigures() {
    rpc = Latencies()
    updates = 0
    failures = 0
  }

  private func step() throws {
    guard !targets.isEmpty, !connection.isClosed, let due = plan() else {
      isDone = true
      return
    }
    if due <= steadyNanoseconds() { try sendNext() } else { loop.wake(self, at: due) }
  }

  func sendNext() throws {
    sentAt = steadyNanoseconds()
    targets[next].sequence += 1
    let (stampAt, sequence) = (targets[next].stampAt, targets[next].sequence)
    let sent = sentAt
    targets[next].message.withUnsafeMutableBytes {
      $0.storeBytes(of: sent.bigEndian, toByteOffset: stampAt, as: Int64.self)
      $0.storeBytes(of: sequence.bigEndian, toByteOffset: stampAt + 8, as: UInt32.self)
    }
    isBusy = true
    try connection.call(nextStream, targets[next].headers, targets[next].message)
    nextStream += 2
  }

  func answered(ok: Bool) throws {
    guard isBusy else { return }
    isBusy = false
    rpc.add(steadyNanoseconds() - sentAt)
    updates += 1
    if ok { targets[next].confirmed = targets[next].sequence } else { failures += 1 }
    next = (next + 1) % targets.count
    try step()
  }

  func closed() {
    guard !isDone else { return }
    isBusy = false
    failures += 1
    isDone = true
  }
}
