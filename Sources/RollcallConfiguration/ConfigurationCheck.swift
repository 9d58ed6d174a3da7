import Platform
public import RegistryKit

extension Configuration {
  /// What is wrong with the options of the enabled registries, in the order of the file.
  ///
  /// Registries that the file disables aren't looked at. One that is disabled for another reason is, as far
  /// as its plugin is there: what keeps it disabled may be a typing error.
  ///
  /// - Parameters:
  ///   - schemas: the schema of the options of the plugin of that name; nil where there is no such plugin.
  ///     What it throws is told at the registry's place.
  ///   - plugins: names of plugins that there are, for suggestions.
  public func check(
    plugins: [String] = [], schemas: (_ plugin: String) throws -> OptionsSchema?
  ) -> [ConfigurationError] {
    cluster.discovery.registries.flatMap { registry -> [ConfigurationError] in
      if registry.written?.isExempt == true || registry.disabled != nil && registry.written == nil {
        return []
      }
      let file = registry.written?.file ?? self.file ?? "configuration"
      do {
        guard let schema = try schemas(registry.plugin) else {
          return registry.disabled == nil ? [missingPlugin(of: registry, file, plugins)] : []
        }
        let path = "cluster.discovery.registries.\(registry.name)"
        return schema.validate(options: registry.written?.options ?? .mapping([]), file: file, path: path)
      } catch {
        if registry.disabled != nil { return [] }
        return [
          ConfigurationError(
            file: file, mark: registry.written?.nameMark,
            message: "the registry '\(registry.name)' can't have the plugin '\(registry.plugin)': \(error)")
        ]
      }
    }.sorted()
  }

  private func missingPlugin(
    of registry: RegistrySettings, _ file: String, _ plugins: [String]
  ) -> ConfigurationError {
    let path = "cluster.discovery.registries.\(registry.name)"
    let advice =
      switch (didYouMean(registry.plugin, among: plugins), registry.written) {
      case (_, nil): "it is on by default; put the plugin into plugins.path, or set \(path).disabled to true"
      case (let advice?, _): advice
      case (nil, let written?) where written.pluginMark == nil:
        "name one with 'plugin:', or put it into plugins.path"
      default: "put it into plugins.path"
      }
    return ConfigurationError(
      file: file, mark: registry.written?.pluginMark ?? registry.written?.nameMark,
      message: "there is no plugin '\(registry.plugin)' for the registry '\(registry.name)'; \(advice)")
  }
}
