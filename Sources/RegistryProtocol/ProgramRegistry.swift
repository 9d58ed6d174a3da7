import ClusterModel
package import Logging
package import Platform
package import RegistryKit
import Synchronization

/// A registry that is a program of its own, which speaks the line protocol as long as it runs.
///
/// One that ends is started again after pauses that grow: until then its records stay, and the aspect `reading` says
/// why. Where that goes on for longer than ``patience`` the run fails, and who runs the registry decides what its
/// records still count for.
package struct ProgramRegistry: Registry {
  /// The program, without its input.
  package var program: ChildProgram
  /// What messages call it: "the program".
  package var name: String
  /// What it is told in its first line.
  package var settings: ProgramSettings
  /// Who writes what it says.
  package var writer = ProgramLineReader.Writer.program
  /// Whether what this node publishes is handed to it; nil: where it asks for that in its first line.
  package var publishes: Bool?
  /// How long it has from its start to its first snapshot; a host of plugins to its first line.
  package var startLimit = Duration.seconds(30)
  /// How long it has to end once it is told to.
  package var grace = Duration.seconds(2)
  /// How long it may fail until the run does.
  package var patience = Duration.seconds(60)
  /// At what level what it prints as errors is logged; nil: not at all.
  package var errorLevel: Logger.Level? = .warning
  /// How long to wait before it is started again.
  package var backoff = Backoff()
  /// How long a program has to have run, and worked, for the next pause to be the first one again.
  package var steadyTime = Duration.seconds(60)

  package init(_ program: ChildProgram, name: String, settings: ProgramSettings) {
    self.program = program
    self.name = name
    self.settings = settings
  }

  package func run(_ session: RegistrySession) async throws {
    let publications = LatestPublication()
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await runAgainAndAgain(session, publications) }
      group.addTask { await publications.follow(session.desired) }
      // That there is nothing to publish is no end: only a program's is, which throws.
      while try await group.next() != nil {}
    }
  }

  private func runAgainAndAgain(_ session: RegistrySession, _ publications: LatestPublication) async throws {
    let time = TimeSource(session.clock)
    var backoff = backoff
    var failingSince: Duration?
    var before: ProgramRun?
    while true {
      try Task.checkCancellation()
      let start = time.elapsed
      let run = try ProgramRun(self, session, publications, after: before)
      before = run
      let error = try await run.untilEnd()
      let now = time.elapsed
      if run.hasSnapshot { failingSince = nil }
      // One that works for a moment only, each time, waits longer all the same.
      if run.hasSnapshot, now - start >= steadyTime { backoff.reset() }
      if let failingSince, now - failingSince >= patience { throw error }
      failingSince = failingSince ?? now
      let pause = backoff.next()
      session.logger.warning(
        "\(name) is started again", metadata: ["error": "\(error)", "again-in": "\(pause)"])
      try session.report(.reading, error)
      try await time.sleep(pause)
    }
  }
}

/// What is to be published now: for programs that are started again, and are to publish it too.
final class LatestPublication: Sendable {
  private struct State {
    var latest: DesiredPublication?
    var send: (@Sendable (DesiredPublication) -> Void)?
  }

  private let state = Mutex(State())
  private let wanted = ChangeSignal()

  /// Reads `desired` once a program wants it.
  func follow(_ desired: DesiredPublications) async {
    await wanted.wait(after: 0)
    guard !Task.isCancelled else { return }
    for await publication in desired {
      let send = state.withLock { state in
        state.latest = publication
        return state.send
      }
      send?(publication)
    }
  }

  /// Hands what is to be published to `send`, now and at each change.
  func hand(to send: @escaping @Sendable (DesiredPublication) -> Void) {
    let latest = state.withLock { state in
      state.send = send
      return state.latest
    }
    if let latest { send(latest) }
    wanted.notify()
  }

  /// Nobody takes it for the moment.
  func pause() { state.withLock { $0.send = nil } }
}
