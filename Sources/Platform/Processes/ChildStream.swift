import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program that runs until it ends by itself or is told to, and with which lines are exchanged meanwhile.
///
/// ``run(_:errors:)`` blocks a thread for all that time; everything else may be called from anywhere. It is told to end
/// by the end of its input and by SIGTERM, and after a grace killed with all that it started. Runs once.
package final class ChildStream: Sendable {
  private struct State {
    /// What is to be written to it.
    var input: [[UInt8]] = []
    /// How many bytes that is.
    var pending = 0
    var isInputEnded = false
    var isStopped = false
    var hasRun = false
  }

  private let program: ChildProgram
  private let grace: Duration
  private let maximumPending: Int
  private let time: TimeSource
  private let state = Mutex(State())
  private let wake: WakePipe

  /// - Parameters:
  ///   - grace: how long it has to end once it is told to.
  ///   - maximumPending: how many bytes that it doesn't read are kept.
  package init(
    _ program: ChildProgram, grace: Duration, maximumPending: Int = 64 << 20, time: TimeSource = TimeSource()
  ) throws(ChildProgram.Failure) {
    var program = program
    program.endsGroup = true
    self.program = program
    self.grace = grace
    self.maximumPending = maximumPending
    self.time = time
    wake = try WakePipe()
  }

  /// Writes `bytes` to its input after what was given before; false where it has left too much unread, or the input
  /// is at its end.
  @discardableResult
  package func send(_ bytes: [UInt8]) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isInputEnded, state.pending + bytes.count <= maximumPending else { return false }
      state.input.append(bytes)
      state.pending += bytes.count
      return true
    }
    if isTaken { wake.notify() }
    return isTaken
  }

  /// Ends its input after what was given before.
  package func endInput() {
    state.withLock { $0.isInputEnded = true }
    wake.notify()
  }

  /// Makes it end. May be called before it runs: then it doesn't.
  package func stop() {
    state.withLock { state in
      state.isStopped = true
      state.isInputEnded = true
    }
    wake.notify()
  }

  /// Runs it, and blocks until it has ended, with all that it started.
  ///
  /// - Parameters:
  ///   - output: is given what it prints, as it comes.
  ///   - errors: is given what it prints as errors, as it comes.
  /// - Returns: how it ended. Its output isn't kept, its errors neither.
  package func run(
    _ output: (ArraySlice<UInt8>) -> Void, errors: (ArraySlice<UInt8>) -> Void
  ) throws(ChildProgram.Failure) -> ChildProgram.End {
    let isFirst = state.withLock { state in
      defer { state.hasRun = true }
      return !state.hasRun
    }
    guard isFirst, !state.withLock({ $0.isStopped }) else { throw .cancelled }
    let input = try Pipe(isRead: false)
    defer { input.close() }
    let outputPipe = try Pipe()
    defer { outputPipe.close() }
    let errorsPipe = try Pipe()
    defer { errorsPipe.close() }
    let child = try program.start(input: input, output: outputPipe, errors: errorsPipe)
    input.closeReading()
    outputPipe.closeWriting()
    errorsPipe.closeWriting()
    var running = RunningChild(child: child, termination: .init(grace: grace), endsGroup: true)
    defer { running.end() }
    follow(&running, input, outputPipe, errorsPipe, output, errors)
    return ChildProgram.End(
      status: running.status, output: [], errors: "", interruption: running.interruption)
  }

  /// How long it may go on once it has closed its output.
  private static let closedTime = Duration.seconds(1)

  private func follow(
    _ running: inout RunningChild, _ input: Pipe, _ outputPipe: Pipe, _ errorsPipe: Pipe,
    _ output: (ArraySlice<UInt8>) -> Void, _ errors: (ArraySlice<UInt8>) -> Void
  ) {
    var isOpen = (input: true, output: true, errors: true)
    var unwritten: ArraySlice<UInt8> = []
    var closedAt: Duration?
    while true {
      let now = time.elapsed
      if isOpen.input { isOpen.input = write(&unwritten, to: input) }
      if running.interruption == nil, state.withLock({ $0.isStopped }) {
        running.interrupt(.cancelled, at: now)
      }
      // Who has closed its output has nothing more to say, and most often is about to end.
      if !isOpen.output, closedAt == nil { closedAt = now }
      if let closedAt, running.interruption == nil, now >= closedAt + Self.closedTime {
        running.interrupt(.deadline, at: now)
      }
      running.killWhenDue(at: now)
      if running.look() { break }
      wake.wait(
        reading: [isOpen.output ? outputPipe : nil, isOpen.errors ? errorsPipe : nil],
        writing: isOpen.input && !unwritten.isEmpty ? input : nil,
        // The end itself wakes nobody where others hold its outputs open.
        milliseconds: running.interruption != nil || closedAt != nil ? 20 : 500)
      if isOpen.output { isOpen.output = outputPipe.read(output) }
      if isOpen.errors { isOpen.errors = errorsPipe.read(errors) }
    }
    // What was written just before the end: no more than a pipe holds.
    for _ in 0..<64 where isOpen.output { isOpen.output = outputPipe.read(output) }
    for _ in 0..<64 where isOpen.errors { isOpen.errors = errorsPipe.read(errors) }
  }

  /// Writes what there is room for; false when the input is closed.
  private func write(_ unwritten: inout ArraySlice<UInt8>, to input: Pipe) -> Bool {
    while true {
      if unwritten.isEmpty {
        let (next, isEnded) = state.withLock { state in
          let next = state.input.isEmpty ? nil : state.input.removeFirst()
          state.pending -= next?.count ?? 0
          return (next, state.isInputEnded)
        }
        guard let next else {
          if isEnded { input.closeWriting() }
          return !isEnded
        }
        unwritten = next[...]
      }
      let count = unwritten.count
      guard input.write(&unwritten) else {
        input.closeWriting()
        return false
      }
      if unwritten.count == count { return true }
    }
  }
}

/// Wakes the thread that waits for a child.
private final class WakePipe: Sendable {
  private let reading: Int32
  private let writing: Int32

  init() throws(ChildProgram.Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .notStarted(errnoText(errno), isMissing: false) }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    close(reading)
    close(writing)
  }

  func notify() {
    var byte: UInt8 = 1
    // A pipe that is full wakes as well.
    _ = write(writing, &byte, 1)
  }

  /// Waits until something can be read from one of the pipes, or written, or until ``notify()``.
  func wait(reading pipes: [Pipe?], writing pipe: Pipe?, milliseconds: Int32) {
    var files = pipes.compactMap(\.self).map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
    if let pipe { files.append(pollfd(fd: pipe.writing, events: Int16(POLLOUT), revents: 0)) }
    files.append(pollfd(fd: reading, events: Int16(POLLIN), revents: 0))
    _ = poll(&files, nfds_t(files.count), milliseconds)
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(reading, &bytes, bytes.count) > 0 {}
  }
}
