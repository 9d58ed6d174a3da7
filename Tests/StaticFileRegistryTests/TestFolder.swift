import ClusterModel
import Foundation
import Logging
import RegistryKit
import RegistryTestSupport
import TestSupport

@testable import StaticFileRegistry

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
      throw NotInTime(description: "can't rename \(from) to \(to): \(errno)")
    }
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

  func link(_ name: String, to target: String) throws {
    guard symlink(target, "\(path)/\(name)") == 0 else {
      throw NotInTime(description: "can't link \(name): \(errno)")
    }
  }

  /// A registry of `paths` in this folder that scans only when it is notified of a change.
  func registry(
    _ paths: String..., pollInterval: Duration = .seconds(3600),
    configure: (inout StaticFileRegistry) -> Void = { _ in }
  ) throws -> StaticFileRegistry {
    let context = RegistryContext(
      name: "rack", baseDirectory: path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let options = StaticFileOptions {
      $0.paths = paths
      $0.pollInterval = pollInterval
      $0.debounce = .milliseconds(10)
    }
    var registry = try StaticFileRegistry(options: options, context: context)
    configure(&registry)
    return registry
  }
}

/// The text of a file with nodes, each with a hostname.
func nodes(_ hostnames: KeyValuePairs<String, String>) -> String {
  "nodes:\n" + hostnames.map { "  - {nodeId: \($0.key), hostname: \($0.value)}\n" }.joined()
}

/// Runs `registry` while `body` does.
func run(
  _ registry: StaticFileRegistry, localNodeID: String? = nil, staleAfter: Duration = .zero,
  _ body: @Sendable @escaping (SessionRecorder) async throws -> Void
) async throws {
  let recorder = SessionRecorder()
  try await recorder.run(registry, localNodeID: localNodeID, staleAfter: staleAfter) {
    try await body(recorder)
  }
}

extension SessionRecord {
  /// The node's hostname.
  func hostname(_ id: String, _ source: String = "") -> String? { affiliate(id, source)?.hostname }

  /// The sources' names, sorted.
  var sources: [String] { contents.keys.map(\.name).sorted() }
}
