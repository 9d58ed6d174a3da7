public import RegistryKit

/// Where the plugins that registries name come from: shared libraries, or types of the program's own.
public protocol PluginSource: Sendable {
  /// Finds the plugin called `name`, loading it if need be. May be called again after it failed.
  ///
  /// - Throws: what a person is told: what isn't there, where it was looked for and what would be right.
  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin

  /// The same plugins, each registry of which runs in a process of its own; itself where that can't be.
  var isolated: any PluginSource { get }
}

extension PluginSource {
  public var isolated: any PluginSource { self }
}

/// Where plugins are looked for.
public struct PluginSettings: Hashable, Sendable {
  /// Folders in which plugins are looked for, after those of `ROLLCALL_PLUGIN_PATH`.
  public var path: [String]
  /// Whether plugins that others may write to are loaded all the same.
  public var allowUnsafePermissions: Bool

  /// The standard folders, after those at `path`.
  public init(path: [String] = [], allowUnsafePermissions: Bool = false) {
    self.path = path
    self.allowUnsafePermissions = allowUnsafePermissions
  }
}

/// A plugin that is there to be used.
public struct AvailablePlugin: Sendable {
  /// What the plugin says of itself.
  public let descriptor: RegistryDescriptor
  /// Makes a registry from options, which are a JSON object.
  public let make: @Sendable (_ options: String, RegistryContext) async throws -> any Registry
  /// Throws why no registry can be made from options, and leaves nothing behind.
  public let check: @Sendable (_ options: String, RegistryContext) async throws -> Void

  /// A plugin that makes its registries by `make`.
  ///
  /// - Parameter check: for one whose registries only say when they are run why they can't be made; nil: `make` says
  ///   it.
  public init(
    descriptor: RegistryDescriptor,
    check: (@Sendable (_ options: String, RegistryContext) async throws -> Void)? = nil,
    make: @escaping @Sendable (_ options: String, RegistryContext) async throws -> any Registry
  ) {
    self.descriptor = descriptor
    self.make = make
    self.check = check ?? { _ = try await make($0, $1) }
  }
}
