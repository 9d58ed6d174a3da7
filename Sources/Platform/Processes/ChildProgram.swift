#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program that is run to its end, in a process group of its own, with its output collected. Blocks.
package struct ChildProgram: Sendable {
  package enum Failure: Error, Hashable {
    /// It couldn't be started, in the system's words.
    case notStarted(String, isMissing: Bool)
    case deadline
    case tooMuchOutput
    case cancelled
  }

  package struct End: Hashable, Sendable {
    /// The exit status, or minus the signal that ended it.
    package var status: Int32
    /// What it printed, as far as it is kept.
    package var output: [UInt8]
    /// The beginning of what it printed as errors.
    package var errors: String
    /// How many bytes it printed that aren't kept.
    package var leftOut = 0
    /// Why it was made to end; nil where it ended by itself.
    package var interruption: Failure?
  }

  /// How a program that takes too long, or is no longer wanted, is made to end.
  package struct Termination: Hashable, Sendable {
    /// How long it has after SIGTERM before it is killed; zero: it is killed at once.
    package var grace: Duration
    /// The same for one that is no longer wanted.
    package var graceAtCancellation: Duration

    /// - Parameter graceAtCancellation: nil: as for one that takes too long.
    package init(grace: Duration, graceAtCancellation: Duration? = nil) {
      self.grace = grace
      self.graceAtCancellation = graceAtCancellation ?? grace
    }

    /// Killed at once.
    package static let kill = Termination(grace: .zero)
  }

  private let command: String
  private let arguments: [String]
  /// Set beside what it has of this process' environment.
  package var environment: [String: String] = [:]
  /// The variables of this process that it has; nil: all.
  package var inherited: Set<String>?
  /// The folder in which it runs; nil: that of this process. A command with a slash is relative to it.
  package var folder: String?
  /// Whether what it leaves running in its group when it ends by itself is killed.
  package var endsGroup = false
  /// What it reads as its standard input; nil: nothing.
  package var input: [UInt8]?
  /// Whether what it prints as errors is a part of its output, in the order in which it prints.
  package var mergesErrors = false

  /// - Parameter command: a path, or a name that is looked for in PATH.
  package init(_ command: String, _ arguments: [String] = []) {
    self.command = command
    self.arguments = arguments
  }

  /// Runs it, and blocks until it has ended. One that takes too long, or prints more than it may, is killed with all
  /// that it started.
  package func run(
    within limit: Duration, maximumOutput: Int, isCancelled: () -> Bool = { false }
  ) throws(Failure) -> End {
    let end = try run(
      within: limit, keeping: maximumOutput, isBounded: true, terminating: .kill, time: TimeSource(),
      isCancelled: isCancelled)
    if let interruption = end.interruption { throw interruption }
    return end
  }

  /// Runs it, and blocks until it has ended by itself or was made to. What it leaves running when it ends by itself
  /// goes on, and isn't waited for.
  ///
  /// - Parameters:
  ///   - limit: how long it may take, by `time`.
  ///   - kept: how many bytes of its output are kept: the first ones.
  ///   - termination: how it is made to end, with all that it started.
  /// - Throws: ``Failure/notStarted(_:isMissing:)`` alone.
  package func run(
    within limit: Duration, keeping kept: Int, terminating termination: Termination, time: TimeSource,
    isCancelled: () -> Bool
  ) throws(Failure) -> End {
    try run(
      within: limit, keeping: kept, isBounded: false, terminating: termination, time: time,
      isCancelled: isCancelled)
  }

  private func run(
    within limit: Duration, keeping kept: Int, isBounded: Bool, terminating termination: Termination,
    time: TimeSource, isCancelled: () -> Bool
  ) throws(Failure) -> End {
    let input = try self.input.map { bytes throws(Failure) in (pipe: try Pipe(isRead: false), bytes: bytes) }
    defer { input?.pipe.close() }
    let output = try Pipe()
    defer { output.close() }
    let errors = try Pipe()
    defer { errors.close() }
    let child = try start(input: input?.pipe, output: output, errors: mergesErrors ? output : errors)
    input?.pipe.closeReading()
    output.closeWriting()
    errors.closeWriting()
    var running = RunningChild(child: child, termination: termination, endsGroup: endsGroup)
    defer { running.end() }
    let deadline = time.elapsed + limit
    var collected = Collected(limit: kept)
    var complaint: [UInt8] = []
    var unwritten = (input?.bytes ?? [])[...]
    if unwritten.isEmpty { input?.pipe.closeWriting() }
    var isOpen = (output: true, errors: true)
    while !running.hasEnded || (running.interruption == nil && isBounded && (isOpen.output || isOpen.errors))
    {
      let now = time.elapsed
      if running.interruption == nil {
        if isCancelled() {
          running.interrupt(.cancelled, at: now)
        } else if now >= deadline {
          running.interrupt(.deadline, at: now)
        } else if isBounded, collected.leftOut > 0 {
          running.interrupt(.tooMuchOutput, at: now)
        }
      }
      running.killWhenDue(at: now)
      Pipe.wait(
        reading: [isOpen.output ? output : nil, isOpen.errors ? errors : nil],
        writing: unwritten.isEmpty ? nil : input?.pipe, milliseconds: 50)
      if isOpen.output { isOpen.output = output.read { collected.append($0) } }
      if isOpen.errors {
        isOpen.errors = errors.read { complaint += $0 }
        complaint.removeLast(max(complaint.count - 4096, 0))
      }
      if !unwritten.isEmpty, let pipe = input?.pipe {
        if !pipe.write(&unwritten) { unwritten = [] }
        if unwritten.isEmpty { pipe.closeWriting() }
      }
      // What it left running may keep its outputs open: nobody waits for that.
      if running.look(), running.interruption == nil, !isOpen.output { break }
    }
    // What was written just before the end: no more than a pipe holds, as others may still write.
    for _ in 0..<64 where isOpen.output { isOpen.output = output.read { collected.append($0) } }
    return End(
      status: running.status, output: collected.bytes, errors: String(decoding: complaint, as: UTF8.self),
      leftOut: collected.leftOut, interruption: running.interruption)
  }

  /// Starts it in a process group of its own, with these ends of the pipes and no other open file of this process.
  func start(input: Pipe?, output: Pipe, errors: Pipe) throws(Failure) -> pid_t {
    try start(
      input: input?.reading, output: output.writing, errors: errors.writing, flag: POSIX_SPAWN_SETPGROUP)
  }

  /// Starts it to go on when this process ends, however that does: in a session of its own, with no open file of this
  /// process, without input.
  ///
  /// - Parameter output: a file's descriptor for what it prints, errors too. A pipe would end it with its reader.
  /// - Returns: its process id. While this process lasts, it has to be waited for.
  package func startApart(output: Int32) throws(Failure) -> Int32 {
    // POSIX_SPAWN_SETSID, which the C library declares only where more than POSIX is asked for.
    try start(input: nil, output: output, errors: output, flag: 0x80)
  }

  private func start(input: Int32?, output: Int32, errors: Int32, flag: Int32) throws(Failure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    _ = SpawnExtensions.addCloseFrom?(&actions, 3)
    if let folder {
      guard let addFolder = SpawnExtensions.addFolder else {
        throw .notStarted("this system can't start a program in another folder", isMissing: false)
      }
      _ = addFolder(&actions, folder)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = flag | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var child = pid_t()
    let code = CStrings.with([command] + arguments) { arguments in
      CStrings.with(wholeEnvironment) { environment in
        posix_spawnp(&child, command, &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else { throw .notStarted(errnoText(code), isMissing: code == ENOENT) }
    return child
  }

  private var wholeEnvironment: [String] {
    var result: [String] = []
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      let name = text.prefix { $0 != "=" }
      let isInherited = inherited?.contains(String(name)) ?? true
      if isInherited, environment[String(name)] == nil { result.append(text) }
      next += 1
    }
    return result + environment.map { "\($0.key)=\($0.value)" }
  }
}

/// The first bytes of what a program prints, and how many more there were.
private struct Collected {
  let limit: Int
  private(set) var bytes: [UInt8] = []
  private(set) var leftOut = 0

  init(limit: Int) { self.limit = limit }

  mutating func append(_ new: ArraySlice<UInt8>) {
    let room = limit - bytes.count
    bytes += new.prefix(room)
    leftOut += max(0, new.count - room)
  }
}

/// A process that was started and is to be waited for.
struct RunningChild {
  let child: pid_t
  let termination: ChildProgram.Termination
  private let endsGroup: Bool
  private(set) var interruption: ChildProgram.Failure?
  /// When it is killed that was told to end.
  private(set) var killAt: Duration?
  private var ended: Int32?

  init(child: pid_t, termination: ChildProgram.Termination, endsGroup: Bool) {
    self.child = child
    self.termination = termination
    self.endsGroup = endsGroup
  }

  var hasEnded: Bool { ended != nil }

  /// The exit status, or minus the signal that ended it.
  var status: Int32 {
    let status = ended ?? 0
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
  }

  /// Makes it end.
  mutating func interrupt(_ why: ChildProgram.Failure, at now: Duration) {
    interruption = why
    let grace = why == .cancelled ? termination.graceAtCancellation : termination.grace
    killAt = now + grace
    // The whole group: a shell script's children do the work, hold the pipes, and may outlive it.
    if grace > .zero { kill(-child, SIGTERM) }
  }

  mutating func killWhenDue(at now: Duration) {
    guard let killAt, now >= killAt else { return }
    self.killAt = nil
    kill(-child, SIGKILL)
  }

  /// Looks whether it has ended.
  mutating func look() -> Bool {
    guard ended == nil else { return true }
    if endsGroup {
      // Looked at before it is put away: until then no other group has its number.
      var info = siginfo_t()
      guard waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == SIGCHLD
      else { return false }
      kill(-child, SIGKILL)
    }
    var status: Int32 = 0
    if waitpid(child, &status, WNOHANG) == child { ended = status }
    return ended != nil
  }

  /// Leaves nothing behind of one that was interrupted or not waited for.
  mutating func end() {
    if interruption != nil || ended == nil { kill(-child, SIGKILL) }
    guard ended == nil else { return }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    ended = status
  }
}

/// Two ends of a pipe, both closed on exec; the one that stays here never blocks.
final class Pipe {
  private(set) var reading: Int32 = -1
  private(set) var writing: Int32 = -1

  /// - Parameter isRead: whether it is the reading end that stays here.
  init(isRead: Bool = true) throws(ChildProgram.Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw .notStarted(errnoText(errno), isMissing: false)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
    _ = fcntl(isRead ? reading : writing, F_SETFL, O_NONBLOCK)
  }

  func closeWriting() { close(&writing) }
  func closeReading() { close(&reading) }

  func close() {
    closeWriting()
    closeReading()
  }

  private func close(_ end: inout Int32) {
    #if canImport(Glibc)
      if end >= 0 { Glibc.close(end) }
    #elseif canImport(Musl)
      if end >= 0 { Musl.close(end) }
    #endif
    end = -1
  }

  /// Waits until something can be read from one of them, or written.
  static func wait(reading: [Pipe?], writing: Pipe?, milliseconds: Int32) {
    var files = reading.compactMap(\.self).map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
    if let writing { files.append(pollfd(fd: writing.writing, events: Int16(POLLOUT), revents: 0)) }
    _ = poll(&files, nfds_t(files.count), milliseconds)
  }

  /// Takes what is there, up to a bound; false at the end.
  func read(_ take: (ArraySlice<UInt8>) -> Void) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let (end, size) = (reading, buffer.count)
    let count = buffer.withUnsafeMutableBytes { systemRead(end, $0.baseAddress, size) }
    if count > 0 { take(buffer[..<count]) }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
  }

  /// Writes as much as there is room for; false where nobody reads any more.
  func write(_ bytes: inout ArraySlice<UInt8>) -> Bool {
    let end = writing
    let (count, code) = WithoutBrokenPipe.run {
      bytes.withUnsafeBytes { systemWrite(end, $0.baseAddress, $0.count) }
    }
    if count > 0 { bytes = bytes.dropFirst(count) }
    return count >= 0 || code == EAGAIN || code == EINTR
  }
}

private func systemRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(file, bytes, count)
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(file, bytes, count)
}

/// Writing to a pipe that nobody reads any more, without the signal that ends a process which doesn't ignore it.
private enum WithoutBrokenPipe {
  static func run(_ write: () -> Int) -> (count: Int, code: Int32) {
    var (broken, before, pending) = (sigset_t(), sigset_t(), sigset_t())
    sigemptyset(&broken)
    sigaddset(&broken, SIGPIPE)
    sigpending(&pending)
    let wasPending = sigismember(&pending, SIGPIPE) == 1
    pthread_sigmask(SIG_BLOCK, &broken, &before)
    let count = write()
    let code = errno
    if count < 0, code == EPIPE, !wasPending {
      // The signal is this thread's own: it is taken before it can be delivered.
      var now = timespec()
      _ = sigtimedwait(&broken, nil, &now)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return (count, code)
  }
}

/// What the C library has beyond POSIX, and declares only where that is asked for.
private enum SpawnExtensions {
  typealias AddFolder =
    @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
  typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

  static let addFolder = dlsym(nil, "posix_spawn_file_actions_addchdir_np").map {
    unsafeBitCast($0, to: AddFolder.self)
  }
  /// Where there is none, a child has what was opened without O_CLOEXEC.
  static let addCloseFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
    unsafeBitCast($0, to: AddCloseFrom.self)
  }
}

/// Arrays of C strings.
private enum CStrings {
  static func with<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    return body(pointers)
  }
}
