import Glibc
import Platform

/// A program that is run to its end, with its output collected.
struct ChildProgram {
  enum Failure: Error, Hashable {
    /// It couldn't be started, in the system's words.
    case notStarted(String, isMissing: Bool)
    case deadline
    case tooMuchOutput
    case cancelled
  }

  struct End: Hashable {
    /// The exit status, or minus the signal that ended it.
    var status: Int32
    var output: [UInt8]
    /// The beginning of what it printed as errors.
    var errors: String
  }

  private let command: String
  private let arguments: [String]
  /// Set beside what this process has in its environment.
  var environment: [String: String] = [:]

  /// - Parameter command: a path, or a name that is looked for in PATH.
  init(_ command: String, _ arguments: [String] = []) {
    self.command = command
    self.arguments = arguments
  }

  /// Runs it, and blocks until it has ended. One that takes too long is killed with all that it started.
  func run(
    within limit: Duration, maximumOutput: Int, isCancelled: () -> Bool = { false }
  ) throws(Failure) -> End {
    let output = try Pipe()
    defer { output.close() }
    let errors = try Pipe()
    defer { errors.close() }
    let child = try start(output: output, errors: errors)
    output.closeWriting()
    errors.closeWriting()
    var isReaped = false
    var hasSucceeded = false
    defer {
      // The whole group: a shell script's children hold the pipes as well, and may outlive it.
      if !hasSucceeded { kill(-child, SIGKILL) }
      var status: Int32 = 0
      if !isReaped { while waitpid(child, &status, 0) < 0, errno == EINTR {} }
    }
    let deadline = ContinuousClock.now + limit
    var collected: [UInt8] = []
    var complaint: [UInt8] = []
    var isOpen = (output: true, errors: true)
    var ended: Int32?
    while isOpen.output || isOpen.errors || ended == nil {
      guard ContinuousClock.now < deadline else { throw .deadline }
      guard !isCancelled() else { throw .cancelled }
      Pipe.wait(isOpen.output ? output : nil, isOpen.errors ? errors : nil, milliseconds: 50)
      if isOpen.output { isOpen.output = output.read(into: &collected) }
      guard collected.count <= maximumOutput else { throw .tooMuchOutput }
      if isOpen.errors {
        isOpen.errors = errors.read(into: &complaint)
        complaint.removeLast(max(complaint.count - 4096, 0))
      }
      if ended == nil {
        var status: Int32 = 0
        if waitpid(child, &status, WNOHANG) == child {
          ended = status
          isReaped = true
        }
      } else if !isOpen.output {
        // What it left running may keep its standard error open: nobody waits for that.
        break
      }
    }
    hasSucceeded = true
    let status = ended ?? 0
    let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    return End(status: code, output: collected, errors: String(decoding: complaint, as: UTF8.self))
  }

  private func start(output: Pipe, errors: Pipe) throws(Failure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
    posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
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
      if environment[String(name)] == nil { result.append(text) }
      next += 1
    }
    return result + environment.map { "\($0.key)=\($0.value)" }
  }
}

/// Two ends of a pipe, both closed on exec.
private final class Pipe {
  private(set) var reading: Int32 = -1
  private(set) var writing: Int32 = -1

  init() throws(ChildProgram.Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw .notStarted(errnoText(errno), isMissing: false)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
    _ = fcntl(reading, F_SETFL, O_NONBLOCK)
  }

  func closeWriting() {
    if writing >= 0 { Glibc.close(writing) }
    writing = -1
  }

  func close() {
    closeWriting()
    if reading >= 0 { Glibc.close(reading) }
    reading = -1
  }

  /// Waits until something can be read from one of them.
  static func wait(_ first: Pipe?, _ second: Pipe?, milliseconds: Int32) {
    var files = [first, second].compactMap(\.self).map {
      pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&files, nfds_t(files.count), milliseconds)
  }

  /// Takes what is there; false at the end.
  func read(into bytes: inout [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = Glibc.read(reading, &buffer, buffer.count)
    if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
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
