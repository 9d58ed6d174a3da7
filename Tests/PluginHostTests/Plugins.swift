import Foundation
import Logging
import PluginHost
import RegistryKit
import Synchronization
import TestSupport

/// Plugins made of the C files in Tests/HostilePlugins.
enum Plugins {
  static func build(_ name: String, _ flags: String...) async throws -> String {
    try await CLibrary.build("Tests/HostilePlugins/\(name).c", flags: flags)
  }

  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func load(_ file: String) async throws -> LoadedPlugin {
    try await PluginCatalog(directories: PluginDirectories(folders: []), logger: silent).plugin(at: file)
  }

  /// The registry of a plugin with short deadlines.
  static func registry(
    _ file: String, options: String = "{}", logger: Logger = silent, limits: BoundaryLimits = .init(),
    timeout: Duration = .seconds(20), stopTimeout: Duration = .seconds(20)
  ) async throws -> any Registry {
    try await load(file).registry(
      options: options, context: RegistryContext(name: "test", logger: logger), limits: limits,
      callTimeout: timeout, stopTimeout: stopTimeout)
  }
}
