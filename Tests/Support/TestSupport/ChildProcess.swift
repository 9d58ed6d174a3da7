import Foundation
import Synchronization

/// A program that a test started. What it prints is collected; it is ended with the test.
public final class ChildProcess: Sendable {
  /// What a program left behind.
  public struct Result: Sendable, CustomStringConvertible {
    /// The exit code, or minus the number of the signal that ended it.
    public let status: Int32
    public let output: String
    public let errors: String

    public var description: String { "exit \(status)\n\(output)\n--- stderr\n\(errors)" }
  }

  private let process: Mutex<Process>
  private let output = Collected()
  private let errors = Collected()
  private let exit = Collected()

  /// Starts `executable`, an absolute path or a name that is looked for in PATH.
  ///
  /// - Parameter environment: what is set beside, and instead of, the tests' own environment; an empty value unsets.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
    folder: String? = nil
  ) throws {
    let process = Process()
    let absolute = executable.contains("/")
    process.executableURL = URL(fileURLWithPath: absolute ? executable : "/usr/bin/env")
    process.arguments = absolute ? arguments : [executable] + arguments
    var merged = ProcessInfo.processInfo.environment
    for (name, value) in environment { merged[name] = value.isEmpty ? nil : value }
    process.environment = merged
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output.pipe
    process.standardError = errors.pipe
    let exit = exit
    process.terminationHandler = { _ in exit.finish() }
    try process.run()
    output.collect()
    errors.collect()
    self.process = Mutex(process)
  }

  deinit {
    process.withLock { if $0.isRunning { kill($0.processIdentifier, SIGKILL) } }
  }

  public var processID: Int32 { process.withLock { $0.processIdentifier } }
  /// What it has printed so far.
  public var outputSoFar: String { output.text }
  /// What it has printed to standard error so far.
  public var errorsSoFar: String { errors.text }
  public var isRunning: Bool { process.withLock { $0.isRunning } }

  /// Sends it a signal, unless it has ended.
  public func signal(_ number: Int32) {
    process.withLock { if $0.isRunning { kill($0.processIdentifier, number) } }
  }

  /// Waits for its end; one that outlasts `timeout` is killed, and the wait fails.
  public func result(within timeout: Duration = .seconds(60)) async throws -> Result {
    do {
      try await eventually("the process ends", within: timeout) {
        exit.isFinished && output.isFinished && errors.isFinished
      }
    } catch {
      signal(SIGKILL)
      throw NotInTime(description: "\(error)\nprinted so far: \(outputSoFar)\n--- stderr\n\(errorsSoFar)")
    }
    let status = process.withLock { process in
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
    return Result(status: status, output: output.text, errors: errors.text)
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
}

/// What comes out of one pipe.
private final class Collected: Sendable {
  private let state = Mutex((data: Data(), isFinished: false))
  let pipe = Pipe()

  func collect() {
    pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      self?.state.withLock {
        if data.isEmpty { $0.isFinished = true } else { $0.data.append(data) }
      }
    }
  }

  func finish() { state.withLock { $0.isFinished = true } }
  var isFinished: Bool { state.withLock { $0.isFinished } }
  var text: String { state.withLock { String(decoding: $0.data, as: UTF8.self) } }
}
