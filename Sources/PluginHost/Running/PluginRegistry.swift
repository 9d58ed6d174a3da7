public import RegistryKit

extension LoadedPlugin {
  /// A registry of this plugin, as any other. It reads what is to be published where the plugin publishes.
  ///
  /// Each run makes an instance of its own, on a thread of its own, and puts it away again. A plugin that
  /// breaks a rule, or doesn't answer in time, makes the run throw; nothing else is touched. What the plugin logs goes
  /// to the session's logger.
  ///
  /// - Parameters:
  ///   - options: a JSON object, valid by the descriptor's schema.
  ///   - context: where the registry runs. The cluster's secret is handed on only where the descriptor asks for it.
  ///   - limits: how much the registry may have.
  ///   - callTimeout: how long the plugin may take to create, to start and to publish.
  ///   - stopTimeout: how long it may take to stop, and then to destroy.
  public func registry(
    options: String = "{}", context: RegistryContext, limits: BoundaryLimits = .init(),
    callTimeout: Duration = .seconds(5), stopTimeout: Duration = .seconds(5),
    clock: any Clock<Duration> = ContinuousClock()
  ) -> any Registry {
    PluginRegistry(
      settings: PluginRegistrySettings(
        plugin: self, options: options, context: context, limits: limits, callTimeout: callTimeout,
        stopTimeout: stopTimeout, clock: clock))
  }
}

extension LoadedPlugin {
  /// Makes an instance and puts it away again, without starting it.
  ///
  /// - Parameters: as those of ``registry(options:context:limits:callTimeout:stopTimeout:clock:)``.
  /// - Throws: what the plugin says against the options, or which rule it breaks.
  public func check(
    options: String = "{}", context: RegistryContext, callTimeout: Duration = .seconds(5),
    clock: any Clock<Duration> = ContinuousClock()
  ) async throws {
    let settings = PluginRegistrySettings(
      plugin: self, options: options, context: context, limits: BoundaryLimits(), callTimeout: callTimeout,
      stopTimeout: callTimeout, clock: clock)
    try await PluginInstance(settings, session: RegistrySession(context: context, clock: clock) { _ in })
      .check()
  }
}

/// A plugin as a registry.
struct PluginRegistry: FencedRegistry {
  let settings: PluginRegistrySettings

  var runsThatCalledLate: Int { settings.lateCalls.count }

  func run(_ session: RegistrySession) async throws {
    let instance = try PluginInstance(settings, session: session)
    try await instance.run(desired: settings.plugin.descriptor.publishes ? session.desired : nil)
    try Task.checkCancellation()
  }
}
