import Logging
import Platform
public import RegistryKit
import RegistryProtocol

/// A plugin that is never loaded into this process: each registry of it is a process of its own, which loads the
/// plugin and speaks the line protocol (Docs/Registry-protocol.md).
///
/// What the plugin does to its process, be it that it ends it, costs its own registry a restart.
public struct IsolatedPlugin: Sendable {
  /// What the plugin says of itself.
  public let descriptor: RegistryDescriptor
  private let launcher: PluginLauncher
  private let name: String

  /// Asks a process what the plugin called `name` is.
  ///
  /// - Throws: why it can't be used, as ``PluginCatalog/plugin(named:)``; also where its process ends.
  public init(named name: String, launcher: PluginLauncher) async throws(PluginError) {
    self.name = name
    self.launcher = launcher
    descriptor = try await launcher.describe(name)
  }

  /// A registry of this plugin, as any other.
  ///
  /// - Parameters:
  ///   - options: a JSON object, valid by the descriptor's schema.
  ///   - context: where the registry runs. The cluster's secret is handed on only where the descriptor asks for it.
  ///   - stopTimeout: how long the process has to end.
  public func registry(
    options: String, context: RegistryContext, stopTimeout: Duration = .seconds(4)
  ) -> any Registry {
    var registry = ProgramRegistry(
      launcher.program(name, ["--owns-group"]), name: "the process of plugin '\(name)'",
      settings: settings(options, context, stopTimeout: stopTimeout))
    registry.writer = .plugin
    registry.publishes = descriptor.publishes
    registry.grace = stopTimeout
    return registry
  }

  /// Makes an instance in a process and puts it away again, without starting it.
  ///
  /// - Throws: what the plugin says against the options, or how its process ended.
  public func check(options: String, context: RegistryContext) async throws {
    try await launcher.check(name, settings(options, context, stopTimeout: .seconds(4)))
  }

  private func settings(
    _ options: String, _ context: RegistryContext, stopTimeout: Duration
  ) -> ProgramSettings {
    var context = context
    if !descriptor.wantsClusterSecret { context.clusterSecret = nil }
    return ProgramSettings(context, options: options, stopTimeout: stopTimeout)
  }
}
