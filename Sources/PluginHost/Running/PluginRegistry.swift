import Logging
public import RegistryKit

extension LoadedPlugin {
  /// A registry of this plugin, as any other: a ``PublishingRegistry`` too where the plugin publishes.
  ///
  /// Each run makes an instance of its own, on a thread of its own, and puts it away again. A plugin that
  /// breaks a rule, or doesn't answer in time, makes the run throw; nothing else is touched.
  ///
  /// - Parameters:
  ///   - options: a JSON object, valid by the descriptor's schema.
  ///   - context: what the registry is told of where it runs. The cluster's secret is handed on only where the
  ///     descriptor asks for it. What the plugin logs goes to its logger.
  ///   - limits: how much the registry may tell.
  ///   - callTimeout: how long the plugin may take to create, to start and to publish.
  ///   - stopTimeout: how long it may take to stop, and then to destroy.
  public func registry(
    options: String = "{}", context: RegistryContext, limits: BoundaryLimits = .init(),
    callTimeout: Duration = .seconds(5), stopTimeout: Duration = .seconds(5),
    clock: any Clock<Duration> = ContinuousClock()
  ) -> any Registry {
    var context = context
    context.logger[metadataKey: "registry"] = "\(context.name)"
    let registry = PluginRegistry(
      settings: PluginRegistrySettings(
        plugin: self, options: options, context: context, limits: limits, callTimeout: callTimeout,
        stopTimeout: stopTimeout, clock: clock))
    return descriptor.publishes ? PublishingPluginRegistry(plugin: registry) : registry
  }
}

/// A plugin as a registry.
struct PluginRegistry: FencedRegistry {
  let settings: PluginRegistrySettings
  let current = CurrentInstance()

  var runsThatSpokeOn: Int { settings.speechAfterEnd.count }

  func run(updates: RegistryUpdates) async throws {
    let instance = try PluginInstance(settings, updates: updates)
    defer { current.set(nil) }
    try await instance.run { current.set(instance) }
    try Task.checkCancellation()
  }
}

/// A plugin that publishes as a registry.
struct PublishingPluginRegistry: PublishingRegistry, FencedRegistry {
  let plugin: PluginRegistry

  var runsThatSpokeOn: Int { plugin.runsThatSpokeOn }

  func run(updates: RegistryUpdates) async throws { try await plugin.run(updates: updates) }

  func publish(_ publication: Publication) async throws {
    try await plugin.current.instance().publish(publication)
  }
}
