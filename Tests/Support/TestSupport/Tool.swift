import Foundation

/// Runs a tool of the toolchain to its end, by the system's own calls: dozens are run at once, and Foundation's
/// `Process` now and then doesn't notice that one of many has ended.
public enum Tool {
  /// What a tool left behind: its status as `waitpid` gives it, 0 where all went well, and all that it printed.
  public struct Result: Sendable, CustomStringConvertible {
    public let status: Int32
    public let output: String

    public var description: String { "status \(status)\n\(output)" }
  }

  /// Runs `program`, a path or a name that is looked for in PATH, in the folder `folder`.
  public static func run(
    _ program: String, _ arguments: [String], folder: String? = nil
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      // A thread of its own, as it blocks.
      Thread.detachNewThread {
        continuation.resume(with: Swift.Result { try runNow(program, arguments, folder: folder) })
      }
    }
  }

  private static func runNow(_ program: String, _ arguments: [String], folder: String?) throws -> Result {
    let log = FileManager.default.temporaryDirectory.appendingPathComponent(
      "rollcall-\(UUID().uuidString).log")
    defer { try? FileManager.default.removeItem(at: log) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Not to hold open what other tests wait to see closed.
    for descriptor in Int32(3)..<256 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    let command = folder.map { ["env", "-C", $0, program] } ?? ["env", program]
    var words: [UnsafeMutablePointer<CChar>?] = (command + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let failure = posix_spawn(&process, "/usr/bin/env", &actions, nil, &words, environ)
    guard failure == 0 else {
      throw CLibrary.Failure(description: "\(program): \(String(cString: strerror(failure)))")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else {
        throw CLibrary.Failure(description: "\(program): \(String(cString: strerror(errno)))")
      }
    }
    let output = (try? Data(contentsOf: log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return Result(status: status, output: output)
  }
}
