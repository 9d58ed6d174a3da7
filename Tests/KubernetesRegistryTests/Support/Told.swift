import ClusterModel
import Logging
import RegistryKit
import Synchronization
import TestSupport

@testable import KubernetesRegistry

/// What a registry has told so far.
struct Told: Sendable {
  /// nil until the first snapshot.
  var records: [NodeIdentity: AffiliateRecord]?
  /// Why the registry is degraded; nil while it is healthy.
  var trouble: RegistryError?
  var events: [RegistryEvent] = []
  var log: [String] = []

  /// The identities that are told of, sorted; nil before the first snapshot.
  var ids: [String]? { records?.keys.map(\.text).sorted() }

  /// What is told of a node.
  func affiliate(_ id: String) -> Affiliate? { records?.first { $0.key.text == id }?.value.affiliate }

  /// How many snapshots, changes and removals there were.
  var updateCount: Int {
    events.count { if case .update = $0 { true } else { false } }
  }

  mutating func take(_ event: RegistryEvent) {
    events.append(event)
    switch event {
    case .update(.snapshot(let new, _)):
      records = Dictionary(uniqueKeysWithValues: new.map { ($0.affiliate.nodeID, $0) })
    case .update(.upsert(let record, _)): records?[record.affiliate.nodeID] = record
    case .update(.remove(let id, _)): records?[id] = nil
    case .healthy: trouble = nil
    case .degraded(let error): trouble = error
    case .update(.sourceGone), .publicAddress, .sources: break
    }
  }
}

/// Runs a registry and lets a test wait for what it tells.
final class Recorder: Sendable {
  private let told = Mutex(Told())

  var now: Told { told.withLock { $0 } }

  func log(_ line: String) { told.withLock { $0.log.append(line) } }

  /// Runs `registry` while `body` does.
  func run(_ registry: any Registry, _ body: @Sendable @escaping () async throws -> Void) async throws {
    let updates = RegistryUpdates { event in self.told.withLock { $0.take(event) } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await registry.run(updates: updates)
        } catch is CancellationError {
        }
      }
      defer { group.cancelAll() }
      try await body()
    }
  }

  /// Waits until `condition` holds of what has been told.
  @discardableResult
  func wait(
    for what: String, within limit: Duration = .seconds(30), _ condition: (Told) -> Bool
  ) async throws -> Told {
    do {
      try await eventually(what, within: limit) { condition(self.now) }
    } catch {
      let now = self.now
      throw NotInTimeTold(
        description:
          "\(error); told: \(now.events.suffix(6)); trouble: \(now.trouble?.message ?? "none"); log: "
          + "\(now.log.suffix(6))")
    }
    return now
  }
}

struct NotInTimeTold: Error, CustomStringConvertible {
  let description: String
}

/// Keeps log lines for a test.
struct RecordingLog: LogHandler {
  let recorder: Recorder
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  init(_ recorder: Recorder) { self.recorder = recorder }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { recorder.log("\(event.level): \(event.message)") }
}

extension Recorder {
  var logger: Logger { Logger(label: "test") { _ in RecordingLog(self) } }
}
