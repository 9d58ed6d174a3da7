public import RegistryKit
public import RollcallConfiguration

/// Where the plugins that a configuration names come from: shared libraries, or types of the program's own.
public protocol PluginSource: Sendable {
  /// Finds the plugin called `name`, loading it if need be. May be called again after it failed.
  ///
  /// - Throws: what a person is told: what isn't there, where it was looked for and what would be right.
  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin
}

/// A plugin that is there to be used.
public struct AvailablePlugin: Sendable {
  public let descriptor: RegistryDescriptor
  /// Makes a registry from options, which are a JSON object.
  public let make: @Sendable (_ options: String, RegistryContext) async throws -> any Registry

  public init(
    descriptor: RegistryDescriptor,
    make: @escaping @Sendable (_ options: String, RegistryContext) async throws -> any Registry
  ) {
    self.descriptor = descriptor
    self.make = make
  }
}
