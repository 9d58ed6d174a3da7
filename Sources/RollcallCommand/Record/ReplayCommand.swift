import ArgumentParser
import ClusterResources
import Lifecycle
import Platform
import Rollcall
import StateFile

/// `rollcall replay`
struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Show what became of what a recording has.",
    discussion: """
      Puts what was recorded through the merge again, by the clock of the recording, and prints what changed: a line of \
      JSON for each member, status, tombstone, conflict, registry and entry of history that came, changed or went. \
      The same file gives the same bytes each time and everywhere. No configuration, plugin or network is needed.

        rollcall replay night.rec
        rollcall replay night.rec | grep '"type":"history"'
      """)

  @Argument(help: "The file that record wrote.", completion: .file())
  var file: String

  func run() async throws {
    do {
      try replay()
    } catch let failure as RecordingReader.Failure {
      throw CommandError(failure.description)
    }
  }

  private func replay() throws {
    let reader = try RecordingReader(file)
    let start = reader.start
    let replay = ClusterReplay(history: start.history, start: start.time)
    try Terminal.write(ReplayLines.first(start))
    while let (input, moment) = try reader.next() {
      let lines = ReplayLines(replay.take(input, at: moment)).text
      if !lines.isEmpty { try Terminal.write(lines) }
    }
    if reader.end?.isFull == true {
      Terminal.note("the recording ended early, as its file was full")
    }
  }
}
