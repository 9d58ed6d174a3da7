import NIOCore

/// What an open watch has beside its call: its place among its cluster's watches on this loop, and how far it has
/// been told.
final class CallWatch {
  /// What comes next for a watch that was kept waiting.
  enum Next {
    case message(ByteBuffer)
    case nothing
  }

  let group: WatchGroup
  /// Its place in the group once it gets changes; the group's own.
  var place: Int?
  private unowned let call: ServerCall
  /// The last change that it has been told of, where it is behind.
  private(set) var position: UInt64?
  /// The number under which the store's state will come.
  private var opening: UInt64?
  /// The state could not be sent when it came: it is asked for anew when there is room.
  private var owesState = false
  private var isOpen = true

  init(call: ServerCall, group: WatchGroup) {
    self.call = call
    self.group = group
    group.retain()
  }

  /// Whether it has something to be sent.
  var hasMore: Bool { owesState || position != nil }

  /// The state comes through the group, in its place among the changes.
  func askForState() {
    let opening = group.loop.expect(self)
    self.opening = opening
    group.askForState(opening)
  }

  /// The state is there: sends it and joins those who get every change.
  func opened(_ state: EncodedMessage) {
    guard isOpen else { return }
    opening = nil
    call.open()
    group.join(self)
    if call.sendOrHold(state) {
      group.context.metrics[.watch].sent.add()
    } else {
      // Rather than keep this state, a newer one is asked for when there is room.
      group.leave(self)
      owesState = true
    }
    call.settle()
  }

  /// The state can't be had.
  func failed(_ error: ServiceError) { if isOpen { call.end(error) } }

  /// A change for everybody; says whether it was sent. One that wasn't waits in the group's backlog.
  func deliver(_ bytes: ByteBuffer) -> Bool { position == nil && !call.isBlocked && call.send(bytes) }

  /// It could not be sent what comes after `position` in the backlog.
  func fallBehind(_ position: UInt64) {
    if self.position == nil { self.position = position }
    call.settle()
  }

  /// What fits the windows of what it has missed.
  func catchUp() { call.pump() }

  /// What comes next, as much as `room` takes, or one message.
  ///
  /// - Parameter book: Asked before a message is handed over that `room` doesn't take at once.
  func next(room: Int, book: (Int) -> Bool) -> Next {
    if owesState {
      owesState = false
      askForState()
      return .nothing
    }
    guard let position else { return .nothing }
    let (bytes, reached) = group.backlog(after: position, room: room, book)
    self.position = reached
    return bytes.map { .message($0) } ?? .nothing
  }

  /// It can't be told all that it has missed.
  func lose() {
    call.end(
      .exhausted("too many changes came while the client took none in; watch again", reason: "backlog"))
  }

  /// It gets no changes any more, as its call is about to end.
  func leave() {
    owesState = false
    group.leave(self)
    guard position != nil else { return }
    position = nil
    group.leftBehind()
  }

  /// Its call is over.
  func close() {
    guard isOpen else { return }
    isOpen = false
    leave()
    if let opening { _ = group.loop.take(opening) }
    opening = nil
    group.context.ledger.give(1, .watches, for: call.client)
    group.release()
  }
}
