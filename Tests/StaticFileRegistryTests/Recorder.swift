import ClusterModel
import Foundation
import Logging
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import StaticFileRegistry

/// What a registry has told so far.
struct Told: Sendable {
  var contents: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
  /// Why the registry is degraded; nil while it is healthy.
  var trouble: RegistryError?
  var events: [RegistryEvent] = []
  /// The sources that were named and neither told a snapshot nor are gone.
  var awaited: Set<RegistrySource> = []
  /// What had been told when the registry first counted as synced.
  var atSync: [RegistryEvent]?

  /// The identities that are told of under a source's name, sorted.
  func ids(_ source: String = "") -> [String]? {
    contents.first { $0.key.name == source }?.value.keys.map(\.text).sorted()
  }

  /// The node's hostname.
  func hostname(_ id: String, _ source: String = "") -> String? {
    contents.first { $0.key.name == source }?.value.first { $0.key.text == id }?.value.affiliate.hostname
  }

  var sources: [String] { contents.keys.map(\.name).sorted() }

  mutating func take(_ event: RegistryEvent) {
    events.append(event)
    defer { if atSync == nil, awaited.isEmpty, !contents.isEmpty { atSync = events } }
    switch event {
    case .sources(let sources): awaited = Set(sources)
    case .update(.snapshot(let records, let source)):
      contents[source] = Dictionary(uniqueKeysWithValues: records.map { ($0.affiliate.nodeID, $0) })
      awaited.remove(source)
    case .update(.upsert(let record, let source)): contents[source]?[record.affiliate.nodeID] = record
    case .update(.remove(let id, let source)): contents[source]?[id] = nil
    case .update(.sourceGone(let source)):
      contents[source] = nil
      awaited.remove(source)
    case .healthy: trouble = nil
    case .degraded(let error): trouble = error
    case .publicAddress: break
    }
  }
}

/// Runs a registry and lets a test wait for what it tells.
final class Recorder: Sendable {
  struct TimedOut: Error, CustomStringConvertible {
    let description: String
  }

  private let told = Mutex(Told())
  private let changes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  private init() {
    (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  var now: Told { told.withLock { $0 } }

  /// Runs `registry` while `body` does.
  static func run(
    _ registry: any Registry, _ body: @Sendable @escaping (Recorder) async throws -> Void
  ) async throws {
    let recorder = Recorder()
    let updates = RegistryUpdates { event in
      recorder.told.withLock { $0.take(event) }
      recorder.continuation.yield()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await registry.run(updates: updates)
        } catch is CancellationError {
        }
      }
      defer { group.cancelAll() }
      try await body(recorder)
    }
  }

  /// Waits until `condition` holds of what has been told.
  @discardableResult
  func wait(
    for what: String, within deadline: Duration = .seconds(30),
    _ condition: @escaping @Sendable (Told) -> Bool
  ) async throws -> Told {
    try await withThrowingTaskGroup(of: Told?.self) { group in
      group.addTask {
        var iterator = self.changes.makeAsyncIterator()
        while true {
          let told = self.now
          if condition(told) { return told }
          guard await iterator.next(isolation: nil) != nil else { return nil }
        }
      }
      group.addTask {
        try await Task.sleep(for: deadline)
        return nil
      }
      defer { group.cancelAll() }
      guard let told = try await group.next() ?? nil else {
        throw TimedOut(description: "waited in vain for: \(what); told so far: \(now.events.suffix(5))")
      }
      return told
    }
  }
}

/// A folder that lasts as long as a test.
final class TestFolder: Sendable {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  var path: String { folder.path }

  /// Writes in place, as an editor without care does.
  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  /// Writes beside the file and renames.
  func replace(_ name: String, with text: String) throws {
    try write(text, to: ".\(name.replacing("/", with: "_")).new")
    try rename(".\(name.replacing("/", with: "_")).new", to: name)
  }

  func rename(_ from: String, to: String) throws {
    guard Foundation.rename("\(path)/\(from)", "\(path)/\(to)") == 0 else {
      throw Recorder.TimedOut(description: "can't rename \(from) to \(to): \(errno)")
    }
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

  func link(_ name: String, to target: String) throws {
    guard symlink(target, "\(path)/\(name)") == 0 else {
      throw Recorder.TimedOut(description: "can't link \(name): \(errno)")
    }
  }

  /// A registry of `paths` in this folder that looks only when it hears of a change.
  func registry(
    _ paths: String..., localNodeID: String? = nil, pollInterval: String = "1h",
    configure: (inout StaticFileRegistry) -> Void = { _ in }
  ) throws -> StaticFileRegistry {
    let context = RegistryContext(
      name: "rack", localNodeID: try localNodeID.map { try NodeIdentity($0) }, baseDirectory: path,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    var registry = try StaticFileRegistry(
      options: StaticFileOptions(paths: paths, pollInterval: pollInterval, debounce: "10ms"), context: context
    )
    configure(&registry)
    return registry
  }
}

/// The text of a file with nodes, each with a hostname.
func nodes(_ hostnames: KeyValuePairs<String, String>) -> String {
  "nodes:\n" + hostnames.map { "  - {nodeId: \($0.key), hostname: \($0.value)}\n" }.joined()
}
