public import RegistryKit
public import RollcallConfiguration

/// A registry that an aggregator runs: a Swift value, or what a plugin makes.
///
/// ```swift
/// RegistryDefinition(name: "rack", registry: Rack())
/// ```
public struct RegistryDefinition: Sendable {
  /// The registry's name: 1 to 64 of a-z, 0-9 and '-', a letter first. Unique within an aggregator.
  public var name: String
  /// What raw affiliate ids start with, unique within an aggregator. Nil: the plugin's prefix where the
  /// registry bears the plugin's name, else the registry's own name.
  public var prefix: String?
  /// Why it isn't run; nil where it is.
  public var disabled: String?
  /// What becomes of its data when it fails.
  public var onFailure: RegistrySettings.FailureAction
  /// How long after a failure its data count as good; nil: 5 minutes for `keep`, at once for `drop`.
  public var staleAfter: Duration?
  /// Tells what the plugin is, loading it if need be; nil where there is no plugin.
  var describe: (@Sendable () async throws -> RegistryDescriptor)?
  /// Makes the registry anew for each run.
  var make: @Sendable (RegistryContext) async throws -> any Registry
  /// What it was made of, to tell at a reload whether it changed; nil for what a program gave itself.
  var origin: Origin?

  /// A registry that is a Swift value, run again after each failure.
  public init(
    name: String, prefix: String? = nil, onFailure: RegistrySettings.FailureAction = .keep,
    staleAfter: Duration? = nil, registry: any Registry
  ) {
    self.init(name: name, prefix: prefix, onFailure: onFailure, staleAfter: staleAfter) { _ in registry }
  }

  /// A registry that is made anew for each run; what `make` throws is the run's failure.
  public init(
    name: String, prefix: String? = nil, onFailure: RegistrySettings.FailureAction = .keep,
    staleAfter: Duration? = nil, make: @escaping @Sendable (RegistryContext) async throws -> any Registry
  ) {
    self.name = name
    self.prefix = prefix
    self.onFailure = onFailure
    self.staleAfter = staleAfter
    self.make = make
  }

  /// What decides whether a registry that a configuration names has to be made anew.
  struct Origin: Hashable, Sendable {
    var plugin: String
    var options: String
    /// Where plugins are looked for: only of account while the plugin hasn't been found.
    var plugins: PluginSettings
    var clusterID: String?
    var clusterSecret: Secret?
    var baseDirectory: String
    var stateDirectory: String?
  }

  /// How long after a failure the data count as good.
  var effectiveStaleAfter: Duration {
    staleAfter ?? (onFailure == .keep ? .seconds(300) : .zero)
  }

  /// What raw ids start with, as `descriptor`, the plugin's, has it.
  func rawPrefix(_ descriptor: RegistryDescriptor?) -> String {
    if let prefix { return prefix }
    return descriptor.flatMap { $0.name == name ? $0.prefix : nil } ?? name
  }
}
