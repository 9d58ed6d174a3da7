import ArgumentParser
import ClusterResources
import Rollcall
import StatusClient

/// Lets a verb ask: the daemon, or, where none runs and none was asked for, the registries directly.
struct DaemonAccess: Sendable {
  let daemon: SocketOptions
  /// Whose registries are asked in place of a daemon.
  let configuration: ConfigurationOptions
  /// Whether a daemon isn't asked at all.
  var isDirect = false
  var timeout = Duration.seconds(10)
  /// Whether it is an error that there is nothing to show a cluster by.
  var needsConfiguration = true

  /// What there is to be asked.
  struct Source: Sendable {
    let client: StatusClient
    /// How far the registries got, and what they know; nil where a daemon is asked, who says that itself.
    let direct: (sync: Sync, snapshot: ClusterSnapshot)?
  }

  /// Calls `body` with who answers.
  ///
  /// - Throws: ``CommandError`` where nobody does, and what `body` throws.
  func run(_ body: @escaping @Sendable (Source) async throws -> Void) async throws {
    guard try asksDaemon() else { return try await direct(body) }
    let client = try daemon.client(timeout: timeout)
    do {
      try await body(Source(client: client, direct: nil))
    } catch let error as StatusError where error.isWithoutDaemon {
      guard daemon.chosen == nil else {
        throw CommandError("\(error.message) (--direct asks the registries without it)")
      }
      Terminal.note(
        error.code == .denied
          ? "\(error.message); asking the registries directly"
          : "no daemon answers at \(client.sockets.joined(separator: " or ")); asking the registries directly"
      )
      try await direct(body)
    } catch let error as StatusError {
      throw error.commandError
    }
  }

  /// Whether a daemon is asked: a configuration that is named is another cluster perhaps.
  private func asksDaemon() throws -> Bool {
    if isDirect, daemon.socket != nil {
      throw CommandError.usage("--direct and --socket exclude each other")
    }
    if daemon.socket != nil { return true }
    return !isDirect && !SocketOptions.isNoneInEnvironment && configuration.config == nil
      && configuration.state == nil
  }

  private func direct(_ body: @escaping @Sendable (Source) async throws -> Void) async throws {
    do {
      try await DirectDaemon.run(
        configuration, timeout: timeout, needsConfiguration: needsConfiguration
      ) { client, sync, snapshot in
        try await body(Source(client: client, direct: (sync, snapshot)))
      }
    } catch let error as StatusError {
      throw error.commandError
    }
  }
}

extension SocketOptions {
  /// Asks a daemon what only one that runs knows.
  ///
  /// - Throws: ``CommandError`` where none answers, and what `body` throws.
  func ask<Answer: Sendable>(
    timeout: Duration = .seconds(10), _ body: @Sendable (StatusClient) async throws -> Answer
  ) async throws -> Answer {
    do {
      return try await body(try client(timeout: timeout))
    } catch let error as StatusError {
      throw error.commandError
    }
  }
}
