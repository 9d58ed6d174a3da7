import ClusterModel
import Foundation
import Logging
import RegistryKit
import RegistryTestSupport
import TestSupport

@testable import ExecRegistry

/// A folder with a program of a test's own, and registries of it.
struct ProgramFolder {
  let folder: TemporaryFolder

  init(_ script: String = "", name: String = "nodes") throws {
    folder = try TemporaryFolder()
    if !script.isEmpty { try write(script, to: name) }
  }

  /// Writes a program for a shell.
  func write(_ script: String, to name: String) throws {
    let path = try folder.write("#!/bin/sh\n" + script, to: name)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// A registry that runs `./nodes`.
  func registry(
    log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clusterSecret: String? = nil,
    _ set: (inout ExecOptions) -> Void = { _ in }
  ) throws -> ExecRegistry {
    var options = ExecOptions()
    options.command = ["./nodes"]
    options.interval = .milliseconds(100)
    options.grace = .milliseconds(200)
    set(&options)
    return try ExecRegistry(
      options: options,
      context: RegistryContext(
        name: "rack", localNodeID: nil, clusterID: "c", clusterSecret: clusterSecret,
        baseDirectory: folder.path,
        logger: log))
  }
}

/// The names of the records that the only source has.
func names(_ record: SessionRecord, source: RegistrySource = .only) -> [String] {
  (record.contents[source] ?? [:]).keys.map(\.text).sorted()
}
