import PluginHost
public import RegistryKit
public import Rollcall

/// The schemas of the options of the plugins that a configuration names: each plugin is asked once.
public struct OptionsSchemas: Sendable {
  /// By the plugin's name; what kept a plugin from being used, where it is there and can't be.
  private var found: [String: Result<OptionsSchema, any Error>] = [:]

  /// By the plugin's name, why a process that loads it said nothing of it: that may be over when it is run.
  private var silent: [String: PluginError] = [:]

  /// The schemas of those that can be used, by the plugin's name.
  public var usable: [String: OptionsSchema] { found.compactMapValues { try? $0.get() } }

  /// Asks the plugins of all registries of `configuration` that run or that the file names.
  public init(of configuration: Configuration, from plugins: any PluginSource) async {
    let discovery = configuration.cluster.discovery
    let registries = discovery.registries + discovery.misnamed.filter { $0.written?.pluginMark != nil }
    let asked = registries.filter { $0.disabled == nil || $0.written != nil }
    // A plugin that one registry isolates isn't loaded here for another one's sake, unless that does it anyway.
    let loaded = Set(asked.filter { !$0.isIsolated && $0.disabled == nil }.map(\.plugin))
    let isolated = Set(asked.filter(\.isIsolated).map(\.plugin)).subtracting(loaded)
    // Asked all at once, so that one that is slow makes nobody else late; their answers are kept for a moment.
    await withTaskGroup(of: Void.self) { group in
      for name in isolated {
        group.addTask { _ = try? await plugins.isolated.plugin(named: name, settings: configuration.plugins) }
      }
    }
    for name in Set(asked.map(\.plugin)) {
      do {
        let source = isolated.contains(name) ? plugins.isolated : plugins
        let plugin = try await source.plugin(named: name, settings: configuration.plugins)
        found[name] = Result { try OptionsSchema(json: plugin.descriptor.optionsSchema) }
      } catch {
        if isolated.contains(name), let error = error as? PluginError, error.code == .loadFailed {
          silent[name] = error
        } else if (error as? PluginError)?.code != .notFound {
          found[name] = .failure(error)
        }
      }
    }
  }

  /// What is wrong with the options of the registries in `configuration`.
  ///
  /// - Parameter ignoresMissing: whether a plugin that isn't there is no error, as its registry will report it when
  ///   it is run.
  public func problems(
    of configuration: Configuration, ignoresMissing: Bool = false
  ) -> [ConfigurationError] {
    var checked = configuration
    checked.cluster.discovery.registries.removeAll { silent[$0.plugin] != nil }
    checked.cluster.discovery.misnamed.removeAll { silent[$0.plugin] != nil }
    if ignoresMissing {
      checked.cluster.discovery.registries.removeAll { found[$0.plugin] == nil }
      checked.cluster.discovery.misnamed.removeAll { found[$0.plugin] == nil }
    }
    return checked.check(plugins: usable.keys.sorted()) { try found[$0]?.get() }
  }
}

extension OptionsSchemas {
  /// The names of the registries, disabled ones too, whose plugins can't be had or whose options their schemas don't
  /// take.
  public func faulty(in configuration: Configuration) -> Set<String> {
    var alone = configuration
    alone.cluster.discovery.misnamed = []
    return Set(
      configuration.cluster.discovery.registries.filter { registry in
        alone.cluster.discovery.registries = [registry]
        return !problems(of: alone).isEmpty || !warnings(of: alone).isEmpty
      }.map(\.name))
  }

  /// What is wrong with registries that the file disables, as far as the file and the schemas say: what would keep them
  /// from running were they enabled.
  public func warnings(of configuration: Configuration) -> [ConfigurationError] {
    let unsaid = configuration.cluster.discovery.registries.compactMap { registry in
      silent[registry.plugin].map { error in
        ConfigurationError(
          file: registry.written?.file ?? configuration.file ?? "configuration",
          mark: registry.written?.pluginMark ?? registry.written?.nameMark,
          message: "the registry '\(registry.name)' can't be run now: \(error)")
      }
    }
    return unsaid + configuration.checkDisabled(plugins: usable.keys.sorted()) { try found[$0]?.get() }
  }
}
