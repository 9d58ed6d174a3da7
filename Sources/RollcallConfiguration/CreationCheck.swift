import Logging
import RegistryKit
public import Rollcall

extension Configuration {
  /// What only shows when the enabled registries are made, though not run: what their plugins say themselves of options
  /// that their schemas take. Each at the place of the registry's name.
  ///
  /// - Parameters:
  ///   - plugins: where the plugins come from. Those that aren't there are left out: see
  ///     ``check(plugins:schemas:)``.
  ///   - running: a configuration of which every registry that is the same here has been made already; nil: none.
  ///   - known: names of registries of which it is known already that they can't be made; they are left out.
  public func creationProblems(
    plugins: any PluginSource, after running: Configuration? = nil, but known: Set<String> = []
  ) async -> [ConfigurationError] {
    let registries = cluster.discovery.registries.filter { registry in
      cluster.discovery.isEnabled && registry.disabled == nil && !known.contains(registry.name)
        && running?.makes(registry, as: self) != true
    }
    return await creationProblems(of: registries, plugins: plugins)
  }

  /// The same of registries that the file names and that aren't run, as they are disabled: what would keep them from
  /// running were they enabled.
  ///
  /// - Parameters: as ``creationProblems(plugins:after:but:)`` has them.
  public func creationWarnings(
    plugins: any PluginSource, but known: Set<String> = []
  ) async -> [ConfigurationError] {
    var warnings: [ConfigurationError] = []
    for registry in cluster.discovery.registries {
      let runs = cluster.discovery.isEnabled && registry.disabled == nil
      guard !runs, let written = registry.written, !written.isExempt, !known.contains(registry.name) else {
        continue
      }
      // One that waits for the cluster's id and secret can't be judged before they are there.
      if cluster.id == nil || cluster.secret == nil,
        let plugin = try? await registry.source(plugins).plugin(
          named: registry.plugin, settings: self.plugins),
        plugin.descriptor.wantsClusterSecret
      {
        continue
      }
      warnings += await creationProblems(of: [registry], plugins: plugins)
        .map { $0.ofDisabled(registry.name) }
    }
    return warnings.sorted()
  }

  private func creationProblems(
    of registries: [RegistrySettings], plugins: any PluginSource
  ) async -> [ConfigurationError] {
    var problems: [ConfigurationError] = []
    for registry in registries {
      guard
        let plugin = try? await registry.source(plugins).plugin(
          named: registry.plugin, settings: self.plugins)
      else { continue }
      do {
        try await plugin.check(registry.options, context(of: registry, for: plugin.descriptor))
      } catch {
        problems.append(
          ConfigurationError(
            file: registry.written?.file ?? file ?? "configuration", mark: registry.written?.nameMark,
            message: "the registry '\(registry.name)' can't be made: \(RegistryError(error).message)"))
      }
    }
    return problems.sorted()
  }

  /// Whether `registry` of `other` is made here in the same way.
  private func makes(_ registry: RegistrySettings, as other: Configuration) -> Bool {
    cluster.discovery.isEnabled && cluster.discovery.registries.contains(registry)
      && cluster.id == other.cluster.id && cluster.secret == other.cluster.secret
      && plugins == other.plugins && baseDirectory == other.baseDirectory
  }

  /// Where the registry is made. It has no folder of its own: a check leaves nothing behind.
  private func context(of registry: RegistrySettings, for descriptor: RegistryDescriptor) -> RegistryContext {
    RegistryContext(
      name: registry.name, clusterID: cluster.id,
      clusterSecret: descriptor.wantsClusterSecret ? cluster.secret?.revealed : nil,
      baseDirectory: baseDirectory, staleAfter: registry.retention.staleAfter,
      logger: Logger(label: "rollcall") { _ in SwiftLogNoOpLogHandler() })
  }
}
