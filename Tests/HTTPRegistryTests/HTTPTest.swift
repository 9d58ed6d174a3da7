import ClusterModel
import Foundation
import HTTPTestSupport
import Logging
import Platform
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport

@testable import HTTPRegistry

/// A registry of the URL that a test names.
func registry(
  environment: [String: String] = [:], base: String = "/", _ configure: (inout HTTPOptions) -> Void
) throws -> HTTPRegistry {
  let options = HTTPOptions {
    $0.interval = .seconds(1)
    $0.jitter = 0
    configure(&$0)
  }
  var registry = try HTTPRegistry(
    options: options,
    context: RegistryContext(
      name: "inventory", baseDirectory: base, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  )
  registry.environment = environment
  return registry
}

/// What a server says now, which a test changes.
final class Script: Sendable {
  typealias Respond = @Sendable (ScriptedServer.Request, ScriptedServer.Answer) async throws -> Void

  private let current: Mutex<Respond>

  init(_ respond: @escaping Respond) { current = Mutex(respond) }

  /// A list that is always the same.
  convenience init(_ body: String, headers: [String: String] = [:]) {
    self.init { _, answer in try await answer.send(body, headers: headers) }
  }

  func become(_ respond: @escaping Respond) { current.withLock { $0 = respond } }

  func become(_ body: String, status: Int = 200, headers: [String: String] = [:]) {
    become { _, answer in try await answer.send(body, status: status, headers: headers) }
  }

  var respond: Respond {
    { request, answer in try await self.current.withLock { $0 }(request, answer) }
  }
}

extension SessionRecord {
  func hostname(_ id: String, _ source: String = "") -> String? { affiliate(id, source)?.hostname }

  /// What is wrong with reading.
  var trouble: String { error(.reading)?.message ?? "" }
  var content: String { error(.content)?.message ?? "" }
}

/// Lets time pass for `clock` until `condition` holds.
func passing(
  _ clock: ManualClock, _ recorder: SessionRecorder, _ what: String, by step: Duration = .seconds(1),
  _ condition: @Sendable (SessionRecord) -> Bool
) async throws -> SessionRecord {
  try await eventually(what, within: .seconds(30)) {
    if condition(recorder.now) { return true }
    if !clock.pending.isEmpty { clock.advance(by: step) }
    return condition(recorder.now)
  }
  return recorder.now
}
