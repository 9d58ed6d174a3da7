public import Foundation
import Glibc
import Synchronization
import TestSupport

/// A headless Chromium, driven over its DevTools protocol. It ends with the process that started it.
///
/// Requests and answers go through a pair of pipes, a JSON object and a zero byte each: no port is listened on.
public final class Browser: Sendable {
  /// Why the browser can't do what it is asked.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
  }

  /// Whether there is one on this machine.
  public static var isThere: Bool { Program.isThere("chromium") }

  private static let started = Mutex<Browser?>(nil)

  /// The one that all tests share, each with pages of its own.
  public static func shared() throws -> Browser {
    try started.withLock { browser in
      if let browser { return browser }
      let new = try Browser()
      browser = new
      return new
    }
  }

  private struct State {
    var nextID = 1
    var answers: [Int: Data] = [:]
    var events: [String: [Data]] = [:]
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let writing: Int32
  private let reading: Int32
  private let folder: TemporaryFolder

  private init() throws {
    folder = try TemporaryFolder()
    var (requests, answers): ([Int32], [Int32]) = ([0, 0], [0, 0])
    guard pipe(&requests) == 0, pipe(&answers) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    // Out of the way of the numbers under which the browser looks for its ends.
    func moved(_ descriptor: Int32) -> Int32 {
      defer { close(descriptor) }
      return fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
    }
    let (theirInput, ourOutput) = (moved(requests[0]), moved(requests[1]))
    let (ourInput, theirOutput) = (moved(answers[0]), moved(answers[1]))
    defer {
      close(theirInput)
      close(theirOutput)
    }
    (writing, reading) = (ourOutput, ourInput)
    try Self.spawn(
      [
        "chromium", "--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
        "--hide-scrollbars", "--force-device-scale-factor=1", "--user-data-dir=\(folder.path)",
      ] + (geteuid() == 0 ? ["--no-sandbox"] : []) + ["about:blank"],
      input: theirInput, output: theirOutput, log: folder.path("log"))
    // A thread of its own, as it blocks; it ends with the browser.
    Thread.detachNewThread { self.read() }
  }

  private static func spawn(_ arguments: [String], input: Int32, output: Int32, log: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    posix_spawn_file_actions_adddup2(&actions, input, 3)
    posix_spawn_file_actions_adddup2(&actions, output, 4)
    // Not to hold open what other tests wait to see closed.
    for descriptor in Int32(5)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var words: [UnsafeMutablePointer<CChar>?] = (["env"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/usr/bin/env", &actions, nil, &words, environ)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    // Nobody else waits for it: not to leave a dead process while the tests go on.
    let started = process
    Thread.detachNewThread {
      var status: Int32 = 0
      while waitpid(started, &status, 0) < 0, errno == EINTR {}
    }
  }

  // MARK: Messages

  private func read() {
    var (rest, buffer) = (Data(), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = Glibc.read(reading, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      rest.append(contentsOf: buffer[..<count])
      while let end = rest.firstIndex(of: 0) {
        take(Data(rest[rest.startIndex..<end]))
        rest = Data(rest[rest.index(after: end)...])
      }
    }
    state.withLock { $0.hasEnded = true }
  }

  private func take(_ message: Data) {
    guard let object = (try? JSONSerialization.jsonObject(with: message)) as? [String: Any] else { return }
    state.withLock { state in
      if let id = object["id"] as? Int {
        state.answers[id] = message
      } else {
        state.events[object["sessionId"] as? String ?? "", default: []].append(message)
      }
    }
  }

  /// Sends a command and waits for what comes of it.
  ///
  /// - Returns: the answer's `result`, as JSON.
  @discardableResult
  public func send(
    _ method: String, _ parameters: [String: Any] = [:], session: String? = nil
  ) async throws -> Data {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
    var message: [String: Any] = ["id": id, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    try write(try JSONSerialization.data(withJSONObject: message) + [0])
    var answer: Data?
    try await eventually("the browser answers \(method)") {
      let (found, hasEnded) = state.withLock { ($0.answers.removeValue(forKey: id), $0.hasEnded) }
      answer = found
      if found == nil, hasEnded {
        let log = try? String(contentsOfFile: folder.path("log"), encoding: .utf8)
        throw Failure(description: "the browser has ended: \(log ?? "")")
      }
      return found != nil
    }
    let object = try answer.map { try JSONSerialization.jsonObject(with: $0) } as? [String: Any] ?? [:]
    if let error = object["error"] as? [String: Any] {
      throw Failure(description: "\(method): \(error["message"] ?? error)")
    }
    return try JSONSerialization.data(withJSONObject: object["result"] ?? [:])
  }

  private func write(_ data: Data) throws {
    try state.withLock { _ in
      var rest = data
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(writing, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// What came of a session by itself so far.
  func events(of session: String) -> [Data] { state.withLock { $0.events[session] ?? [] } }

  /// Forgets what came of a session.
  func forget(_ session: String) { state.withLock { $0.events[session] = nil } }
}
