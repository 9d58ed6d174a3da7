import ClusterModel
import ClusterResources
import Dispatch
import Logging
import Platform
import RollcallMetrics
import Synchronization

/// Runs the program of an output or a hook, one at a time.
struct CommandRunner: Sendable {
  /// How long a program has after SIGTERM before it is killed: one that takes too long, and one that has to end as the
  /// daemon does.
  static let termination = ChildProgram.Termination(grace: .seconds(5), graceAtCancellation: .seconds(2))
  /// How much of a program's output is logged.
  static let keptOutput = 16_384
  static let loggedLines = 20

  /// How messages and metrics name it: the output, the hook.
  let name: String
  let command: [String]
  let timeout: Duration
  var environment: [String: String] = [:]
  let time: TimeSource
  let logger: Logger
  let metrics: DaemonMetrics
  private let queue: DispatchQueue

  init(
    name: String, command: [String], timeout: Duration, environment: [String: String], time: TimeSource,
    logger: Logger, metrics: DaemonMetrics
  ) {
    self.name = name
    self.command = command
    self.timeout = timeout
    self.environment = environment
    self.time = time
    self.logger = logger
    self.metrics = metrics
    queue = DispatchQueue(label: "rollcall.command.\(name)")
  }

  /// Runs it to its end, and logs what it prints. A cancelled task waits until it has ended, which is soon.
  ///
  /// - Returns: whether it ended with status 0.
  func run(input: [UInt8]? = nil) async -> Bool {
    guard let path = command.first else { return true }
    var program = ChildProgram(path, Array(command.dropFirst()))
    program.environment = environment
    program.input = input
    program.mergesErrors = true
    let start = time.elapsed
    let end = await run(program)
    let took = time.elapsed - start
    let result: DaemonMetrics.CommandResult
    var metadata: Logger.Metadata = ["command": "\(name)"]
    let failure: String?
    switch end {
    case .failure(.notStarted(let why, _)): (result, failure) = (.failed, "\(quoted(path)): \(why)")
    case .failure: (result, failure) = (.failed, "it can't be started")
    case .success(let end):
      log(end, metadata)
      switch end.interruption {
      case .deadline?:
        (result, failure) = (.timeout, "it took more than \(DurationText.text(of: timeout)) and was ended")
      case .cancelled?: return false
      case _ where end.status == 0: (result, failure) = (.ok, nil)
      case _ where end.status < 0: (result, failure) = (.failed, "it was ended by signal \(-end.status)")
      default: (result, failure) = (.failed, "it ended with status \(end.status)")
      }
    }
    metrics.ended(command: name, result, took: took)
    if let failure {
      metadata["error"] = "\(failure)"
      logger.warning("a command failed", metadata: metadata)
    } else {
      logger.debug("a command has ended", metadata: metadata)
    }
    return failure == nil
  }

  private func run(_ program: ChildProgram) async -> Result<ChildProgram.End, ChildProgram.Failure> {
    let isCancelled = Flag()
    let (timeout, time) = (timeout, time)
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        queue.async {
          let result = Result { () throws(ChildProgram.Failure) in
            try program.run(
              within: timeout, keeping: Self.keptOutput, terminating: Self.termination, time: time,
              isCancelled: { isCancelled.isSet })
          }
          continuation.resume(returning: result)
        }
      }
    } onCancel: {
      isCancelled.set()
    }
  }

  private func log(_ end: ChildProgram.End, _ metadata: Logger.Metadata) {
    let lines = String(decoding: end.output, as: UTF8.self).lines
    for line in lines.prefix(Self.loggedLines) {
      logger.info("\(String(line.unicodeScalars.prefix(1000)).shown)", metadata: metadata)
    }
    if lines.count > Self.loggedLines || end.leftOut > 0 {
      var metadata = metadata
      metadata["lines"] = "\(max(0, lines.count - Self.loggedLines))"
      metadata["bytes"] = "\(end.leftOut)"
      logger.info("more of a command's output isn't logged", metadata: metadata)
    }
  }
}

/// Set once, from anywhere.
private final class Flag: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}
