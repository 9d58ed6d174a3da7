import ArgumentParser
import ClusterModel
import Platform
import Rollcall
import RollcallConfiguration
import StateFile
import UnixSignals

/// `rollcall record`
struct RecordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Write what registries say, and when, to a file that replay reads.",
    discussion: """
      Runs the registries of the configuration as a mere observer, beside a daemon too, until --for is over, SIGINT or \
      SIGTERM, or the file is full. The file has what each registry said of which node, when it began, failed and \
      stopped, and what of the configuration decides what becomes of that. Options and secrets of registries aren't \
      in it; who is in the cluster is. Its owner alone may read it, and an existing file isn't overwritten.

        rollcall record night.rec --for 8h
        rollcall replay night.rec
      """)

  @Argument(help: "The file, which mustn't exist yet.", completion: .file())
  var file: String

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long; without it until it is stopped.", valueName: "duration"),
    transform: DurationOption.interval)
  var length: DurationOption?

  @Option(
    help: ArgumentHelp("The most bytes that the file may have.", valueName: "size"),
    transform: ByteCount.parse)
  var maxSize = ByteCount(256 << 20)

  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    // Listened for from the beginning: a signal during the start isn't lost.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let loaded = try await ConfigurationLookup.load(configuration)
    if loaded.isEmpty { throw CommandError(ConfigurationLookup.advice) }
    if let reasons = loaded.configuration.reasonsForBeingOff {
      throw CommandError("there is nothing to record: discovery is off: \(reasons)")
    }
    let recording = try begin(loaded.configuration)
    let session: ClusterSession
    do {
      session = try await ClusterSession(loaded, observing: { recording.take($0.input, at: $0.moment) })
    } catch {
      // Nothing happened that anybody would want to see again.
      recording.discard()
      throw error
    }
    let ending = Ending(recording: recording, signals: signals, length: length?.duration)
    try await session.run { _ in await ending.wait() }
    try finish(recording)
  }

  private func begin(_ configuration: Configuration) throws -> RecordingWriter {
    do throws(FileError) {
      return try RecordingWriter(
        file, limit: maxSize.bytes, RecordingStart(history: configuration.history, time: .now()))
    } catch {
      if error.alreadyExists {
        throw CommandError(
          "\(quoted(file, limit: 4096)) exists already, and a recording overwrites nothing: name another file"
        )
      }
      throw CommandError(error.description)
    }
  }

  private func finish(_ recording: RecordingWriter) throws {
    let (end, size): (RecordingEnd, Int)
    do throws(FileError) {
      (end, size) = try recording.finish()
    } catch {
      throw CommandError(error.description)
    }
    Terminal.note("\(end.commits) changes recorded in \(quoted(file, limit: 4096)), \(size) bytes")
    guard end.isFull else { return }
    throw CommandError(
      lines: ["the recording ended early, as it may have \(maxSize); --max-size allows more"],
      exitCode: CommandError.partial)
  }
}

/// What ends a recording.
private struct Ending: Sendable {
  let recording: RecordingWriter
  let signals: UnixSignalsSequence
  let length: Duration?

  /// Waits until its time is over, a signal comes, or nothing more can be recorded.
  func wait() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await recording.waitUntilOver() }
      group.addTask { for await _ in signals { return } }
      if let length { group.addTask { try? await ContinuousClock().sleep(for: length) } }
      await group.next()
      group.cancelAll()
    }
  }
}
