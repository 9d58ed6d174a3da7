import CEpoll
import Glibc

/// Waits for what the connections have to say, and for the time that a writer's next call is due.
final class LoadLoop {
  private let epoll: Int32
  private var connections: [LoadConnection] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
  /// Writers that wait for their next call, and until when.
  private var timers: [(due: Int64, writer: WriterRole)] = []

  init() throws {
    epoll = epoll_create1(0)
    guard epoll >= 0 else { throw SystemError("epoll") }
  }

  deinit {
    buffer.deallocate()
    close(epoll)
  }

  func add(_ connection: LoadConnection) throws {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.u64 = UInt64(connections.count)
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, connection.socket.descriptor, &event) == 0 else {
      throw SystemError("epoll")
    }
    connections.append(connection)
  }

  func wake(_ writer: WriterRole, at due: Int64) { timers.append((due, writer)) }

  /// Runs until `isDone` or until the steady clock's `end`; `isDone` is asked after each turn.
  func run(until end: Int64 = .max, _ isDone: () -> Bool) throws {
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    var unsent: [LoadConnection] = []
    while !isDone() {
      let now = steadyNanoseconds()
      guard now < end else { return }
      var next = end
      for timer in timers { next = min(next, timer.due) }
      // Milliseconds, rounded down: a call may be a little late, never a whole millisecond.
      let wait = unsent.isEmpty ? max(0, min((next - now) / 1_000_000, 20)) : 1
      let count = epoll_wait(epoll, &events, Int32(events.count), Int32(wait))
      for event in events.prefix(Int(max(count, 0))) {
        let connection = connections[Int(event.data.u64)]
        try connection.readable(buffer)
        if connection.isClosed { epoll_ctl(epoll, EPOLL_CTL_DEL, connection.socket.descriptor, nil) }
        if connection.socket.hasUnsent { unsent.append(connection) }
      }
      for connection in unsent { connection.socket.flush() }
      unsent.removeAll { !$0.socket.hasUnsent || $0.isClosed }
      try fire()
    }
  }

  private func fire() throws {
    guard !timers.isEmpty else { return }
    let now = steadyNanoseconds()
    let due = timers.filter { $0.due <= now }
    timers.removeAll { $0.due <= now }
    for timer in due { try timer.writer.sendNext() }
  }
}
