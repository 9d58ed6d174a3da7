import Foundation
import Glibc
import Synchronization

/// A program that a test started. What it prints is collected; it is ended with the test.
///
/// Started with `posix_spawn` and waited for by threads: Foundation's `Process` now and then misses the end of
/// a program where many are started at once, and lets them inherit each other's pipes.
public final class ChildProcess: Sendable {
  /// What a program left behind.
  public struct Result: Sendable, CustomStringConvertible {
    /// The exit code, or minus the number of the signal that ended it.
    public let status: Int32
    public let output: String
    public let errors: String

    public init(status: Int32, output: String, errors: String) {
      self.status = status
      self.output = output
      self.errors = errors
    }

    public var description: String { "exit \(status)\n\(output)\n--- stderr\n\(errors)" }
  }

  /// One at a time, so that no program inherits the pipes of another that is just being started.
  private static let starting = Mutex(())

  public let processID: Int32
  private let output: Collected
  private let errors: Collected
  private let end: End

  /// Starts `executable`, an absolute path or a name that is looked for in PATH.
  ///
  /// - Parameter environment: what is set beside, and instead of, the tests' own environment; an empty value unsets.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
    folder: String? = nil
  ) throws {
    var merged = ProcessInfo.processInfo.environment
    for (name, value) in environment { merged[name] = value.isEmpty ? nil : value }
    // `env` finds the program and goes to its folder.
    let line = ["env"] + (folder.map { ["-C", $0] } ?? []) + [executable] + arguments
    (output, errors, processID) = try Self.starting.withLock { _ in
      let (output, errors) = (try Collected(), try Collected())
      let processID = try Self.spawn(
        line, merged.map { "\($0)=\($1)" }, output: output.writing, errors: errors.writing)
      return (output, errors, processID)
    }
    end = End()
    output.collect()
    errors.collect()
    end.await(processID)
  }

  deinit { signal(SIGKILL) }

  /// What it has printed so far.
  public var outputSoFar: String { output.text }
  /// What it has printed to standard error so far.
  public var errorsSoFar: String { errors.text }
  public var isRunning: Bool { end.status == nil }

  /// Sends it a signal, unless it has ended.
  public func signal(_ number: Int32) { end.whileRunning { kill(processID, number) } }

  /// Waits for its end; one that outlasts `timeout` is killed, and the wait fails.
  public func result(within timeout: Duration = .seconds(60)) async throws -> Result {
    do {
      try await eventually("the process ends", within: timeout) {
        end.status != nil && output.isFinished && errors.isFinished
      }
    } catch {
      signal(SIGKILL)
      throw NotInTime(description: "\(error)\nprinted so far: \(outputSoFar)\n--- stderr\n\(errorsSoFar)")
    }
    return Result(status: end.status ?? 0, output: output.text, errors: errors.text)
  }

  /// Runs a program to its end.
  public static func run(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
    folder: String? = nil,
    within timeout: Duration = .seconds(60)
  ) async throws -> Result {
    try await ChildProcess(executable, arguments, environment: environment, folder: folder)
      .result(within: timeout)
  }

  private static func spawn(
    _ arguments: [String], _ environment: [String], output: Int32, errors: Int32
  ) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    // Not to hold open what other tests wait to see closed.
    for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A program starts as from a shell: no signal blocked or ignored.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var processID: pid_t = 0
    let code = posix_spawn(&processID, "/usr/bin/env", &actions, &attributes, argv, envp)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return processID
  }
}

/// How a program ended.
private final class End: Sendable {
  private let state = Mutex<Int32?>(nil)

  /// The exit code, or minus the signal's number; nil while it runs.
  var status: Int32? { state.withLock { $0 } }

  /// Calls `body` unless the program has ended and its number may be another one's.
  func whileRunning(_ body: () -> Void) { state.withLock { if $0 == nil { body() } } }

  func await(_ processID: Int32) {
    Thread.detachNewThread {
      // Waited for without being put away, so that its number stays its own until `state` says that it ended.
      var info = siginfo_t()
      while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      self.state.withLock { state in
        var status: Int32 = 0
        waitpid(processID, &status, 0)
        state = status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
      }
    }
  }
}

/// What comes out of one pipe.
private final class Collected: Sendable {
  private let state = Mutex((data: Data(), isFinished: false))
  private let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
  }

  /// Collects until all that write have ended; the test itself writes nothing.
  func collect() {
    close(writing)
    let reading = reading
    Thread.detachNewThread {
      var bytes = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = read(reading, &bytes, bytes.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        self.state.withLock { $0.data.append(contentsOf: bytes[..<count]) }
      }
      close(reading)
      self.state.withLock { $0.isFinished = true }
    }
  }

  var isFinished: Bool { state.withLock { $0.isFinished } }
  var text: String { state.withLock { String(decoding: $0.data, as: UTF8.self) } }
}
