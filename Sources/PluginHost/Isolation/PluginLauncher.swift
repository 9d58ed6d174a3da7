import FoundationEssentials
import Platform
import RegistryKit
import RegistryProtocol
import Synchronization

/// Starts the processes that load one plugin each: `rollcall plugins run NAME`.
public struct PluginLauncher: Sendable {
  /// The program and its first arguments; `plugins run` follows.
  public let command: [String]
  private let directories: PluginDirectories
  private let allowUnsafePermissions: Bool

  /// - Parameters:
  ///   - command: a program that is `rollcall`; nil: this one where it is called so, else the one in PATH.
  ///   - directories: where the plugin is looked for.
  ///   - allowUnsafePermissions: load also what others may write to.
  public init(
    command: [String]? = nil, directories: PluginDirectories, allowUnsafePermissions: Bool = false
  ) {
    self.command = command ?? Self.standardCommand
    self.directories = directories
    self.allowUnsafePermissions = allowUnsafePermissions
  }

  /// This very file also where another one has taken its place.
  private static var standardCommand: [String] {
    let link = "/proc/self/exe"
    let file = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? ""
    let name = file.replacing(" (deleted)", with: "").split(separator: "/").last
    return name == "rollcall" ? [link] : ["rollcall"]
  }

  /// What such a process ends with where there is no plugin of that name.
  public static let notFoundStatus: Int32 = 66

  /// How long a process has to load a plugin and say what it is.
  private static let limit = Duration.seconds(10)

  func program(_ name: String, _ flags: [String] = []) -> ChildProgram {
    var arguments = Array(command.dropFirst()) + ["plugins", "run", name] + flags
    if allowUnsafePermissions { arguments.append("--allow-unsafe-permissions") }
    var program = ChildProgram(command.first ?? "rollcall", arguments)
    // Only these folders are searched: the process reads no configuration.
    program.environment = [
      PluginDirectories.environmentVariable: directories.folders.filter { !$0.onlyOwnNames }.map(\.path)
        .joined(separator: ":"),
      // A crash is told in a line; what memory held isn't for the log.
      "SWIFT_BACKTRACE": "enable=no",
    ]
    return program
  }

  /// What the plugin called `name` is, as a process says that loads it: one is started for all that ask at about the
  /// same time, as a configuration is read, checked and run.
  func describe(_ name: String) async throws(PluginError) -> RegistryDescriptor {
    let key = Question(
      command: command, name: name, directories: directories, allowUnsafePermissions: allowUnsafePermissions)
    let now = ContinuousClock.now
    let task = Self.answers.withLock { answers in
      answers = answers.filter { $0.value.asked.duration(to: now) < Self.answerTime }
      if let known = answers[key] { return known.task }
      // Unstructured, as others wait for it too.
      let task = Task { () -> Result<RegistryDescriptor, PluginError> in
        do throws(PluginError) { return .success(try await ask(name)) } catch { return .failure(error) }
      }
      answers[key] = (task, now)
      return task
    }
    return try await task.value.get()
  }

  private struct Question: Hashable {
    let command: [String]
    let name: String
    let directories: PluginDirectories
    let allowUnsafePermissions: Bool
  }

  /// For how long what a process said counts: a plugin may be replaced.
  private static let answerTime = Duration.seconds(15)
  private static let answers = Mutex<
    [Question: (task: Task<Result<RegistryDescriptor, PluginError>, Never>, asked: ContinuousClock.Instant)]
  >([:])

  private func ask(_ name: String) async throws(PluginError) -> RegistryDescriptor {
    let (end, lines) = try await run(name, program(name))
    if let error = lines.compactMap(\.failed).first {
      throw PluginError(end.status == Self.notFoundStatus ? .notFound : .loadFailed, error.message)
    }
    guard let descriptor = lines.compactMap(\.hello?.plugin).first else {
      throw PluginError(.loadFailed, "plugin '\(name)': \(Self.text(end))")
    }
    let check = PluginDescriptorCheck(file: "plugin '\(name)'")
    _ = try check.optionsSchema(of: descriptor)
    return descriptor
  }

  /// Has a process make an instance of the plugin called `name` and put it away.
  func check(_ name: String, _ settings: ProgramSettings) async throws {
    var program = program(name, ["--check"])
    program.input = HostLineWriter.settings(settings)
    let (end, lines) = try await run(name, program)
    if let error = lines.compactMap(\.failed).first { throw error }
    guard end.status == 0 else { throw RegistryError(.failed, "plugin '\(name)': \(Self.text(end))") }
  }

  private static func text(_ end: ChildProgram.End) -> String {
    let words = end.errors.lines.last { !$0.isEmpty }.map { ": \($0.prefix(300))" } ?? ""
    return "its process \(ProgramEnd.text(end.status))\(words)"
  }

  /// Runs `program` to its end.
  private func run(
    _ name: String, _ program: ChildProgram
  ) async throws(PluginError) -> (ChildProgram.End, [ProgramLine]) {
    var program = program
    program.endsGroup = true
    let result: Result<ChildProgram.End, ChildProgram.Failure>
    do {
      let constant = program
      result = try await BlockingQueue("rollcall.plugins").run { isCancelled in
        do throws(ChildProgram.Failure) {
          return .success(
            try constant.run(
              within: Self.limit, maximumOutput: ProtocolLimits.lineBytes, isCancelled: isCancelled))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw PluginError(.deadlineExceeded, "plugin '\(name)': it isn't waited for any more", cause: error)
    }
    switch result {
    case .failure(let failure):
      let error = ProgramEnd.error(failure, of: "its process (\(command.joined(separator: " ")) plugins run)")
      throw PluginError(.loadFailed, "plugin '\(name)': \(error.message)", cause: error)
    case .success(let end):
      var lines: [ProgramLine] = []
      var splitter = ProtocolLines()
      splitter.take(end.output[...]) { line in
        if case .whole(let bytes) = line, let read = try? ProgramLineReader(.plugin).read(bytes) {
          lines.append(read)
        }
      }
      return (end, lines)
    }
  }
}
