import Dispatch
import Logging
import Platform
import RegistryConformance
import RegistryKit
import RegistryProtocol
import Synchronization

/// Checks a program that speaks the line protocol.
struct ProgramCheck {
  let command: [String]
  /// A JSON object.
  let options: String
  let stateDirectory: String

  /// What the program is, and what the checks found.
  func report() async throws -> (about: String, ConformanceReport) {
    let look = try await ProgramLook.at(program, settings)
    let make: @Sendable (Logger) throws -> any Registry = { [self] _ in
      registry(runsForGood: look.runsForGood)
    }
    let report = await RegistryConformance.check(make)
    let name = "each line is of the protocol, and nothing of it has to be left out"
    let check: ConformanceCheck =
      if look.lines == 0 {
        ConformanceCheck(name, .skipped("it printed nothing"))
      } else if look.problems.isEmpty {
        ConformanceCheck(name, .passed)
      } else {
        ConformanceCheck(name, .failed(look.problems.prefix(5).joined(separator: "; ")))
      }
    let how = look.runsForGood ? "runs for good (stream: true)" : "is run each interval"
    return ("\(command.joined(separator: " ")), a program that \(how)", report.adding(check))
  }

  private var program: ChildProgram { ChildProgram(command[0], Array(command.dropFirst())) }

  private var settings: ProgramSettings {
    var settings = ProgramSettings(
      RegistryContext(name: "check", stateDirectory: stateDirectory, logger: .silent), options: options,
      stopTimeout: .seconds(2))
    settings.baseDirectory = "."
    return settings
  }

  private func registry(runsForGood: Bool) -> any Registry {
    var program = program
    program.environment = ["ROLLCALL_OPTIONS": options]
    if runsForGood {
      var registry = ProgramRegistry(program, name: "the program", settings: settings)
      registry.errorLevel = .info
      return registry
    }
    var registry = PolledProgram(program, name: "the program", settings: settings)
    registry.interval = .milliseconds(500)
    registry.errorLevel = .info
    return registry
  }
}

/// What one run of a program shows of it.
private struct ProgramLook: Sendable {
  var runsForGood = false
  var lines = 0
  var problems: [String] = []

  /// How long a program may take until something is seen of it.
  private static let limit = Duration.seconds(10)
  /// After which time without a line its input is ended: it may want to read it whole.
  private static let silence = Duration.seconds(2)
  /// How long after its first line a program that is run once has ended.
  private static let rest = Duration.seconds(1)

  static func at(_ program: ChildProgram, _ settings: ProgramSettings) async throws -> ProgramLook {
    let stream: ChildStream
    do throws(ChildProgram.Failure) { stream = try ChildStream(program, grace: .seconds(1)) } catch {
      throw CommandError(ProgramEnd.error(error, of: "the program").message)
    }
    stream.send(HostLineWriter.settings(settings))
    let end = SeenProgram()
    DispatchQueue(label: "rollcall.check").async {
      do throws(ChildProgram.Failure) {
        let ended = try stream.run({ bytes in end.take(bytes) }, errors: { _ in })
        end.finish(.success(ended))
      } catch {
        end.finish(.failure(error))
      }
    }
    let time = TimeSource()
    var firstLine: Duration?
    while end.result == nil, time.elapsed < limit {
      if firstLine == nil, end.hasLine { firstLine = time.elapsed }
      if let firstLine, time.elapsed - firstLine >= rest { break }
      if firstLine == nil, time.elapsed >= silence { stream.endInput() }
      try await time.sleep(.milliseconds(20))
    }
    let ended = end.result
    stream.stop()
    if case .failure(let error)? = ended {
      throw CommandError(ProgramEnd.error(error, of: "the program").message)
    }
    return look(end.output, runsForGood: ended == nil)
  }

  private static func look(_ output: [UInt8], runsForGood: Bool) -> ProgramLook {
    var look = ProgramLook(runsForGood: runsForGood)
    guard runsForGood else {
      guard !output.isEmpty else { return look }
      look.lines = 1
      do throws(RegistryError) { look.problems = try ProgramDocument.read(output).problems } catch {
        look.problems = [error.message]
      }
      return look
    }
    var splitter = ProtocolLines()
    let reader = ProgramLineReader(.program)
    splitter.take(output[...]) { line in
      look.lines += 1
      let number = look.lines
      do throws(RegistryError) {
        guard case .whole(let bytes) = line else { throw RegistryError(.limitExceeded, "it is too long") }
        look.problems += try reader.read(bytes).problems.map { "line \(number): \($0)" }
      } catch {
        look.problems.append("line \(number): \(error.message)")
      }
    }
    return look
  }
}

/// What a thread sees of a program.
private final class SeenProgram: Sendable {
  private struct State {
    var output: [UInt8] = []
    var result: Result<ChildProgram.End, ChildProgram.Failure>?
  }

  private let state = Mutex(State())

  var output: [UInt8] { state.withLock { $0.output } }
  var hasLine: Bool { state.withLock { $0.output.contains(0x0A) } }
  var result: Result<ChildProgram.End, ChildProgram.Failure>? { state.withLock { $0.result } }

  func take(_ bytes: ArraySlice<UInt8>) {
    state.withLock { if $0.output.count < ProtocolLimits.lineBytes { $0.output += bytes } }
  }

  func finish(_ result: Result<ChildProgram.End, ChildProgram.Failure>) {
    state.withLock { $0.result = result }
  }
}
