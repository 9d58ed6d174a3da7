import Platform
public import RegistryKit

extension Configuration {
  /// What is wrong with the options of the registries, in the order of the file: of those that have a name that can't
  /// be one, too, where they say which plugin they are made by.
  ///
  /// Registries that the file disables aren't looked at: see ``checkDisabled(plugins:schemas:)``. One that is disabled
  /// for another reason is, as far as its plugin is there: what keeps it disabled may be a typing error.
  ///
  /// - Parameters:
  ///   - schemas: the schema of the options of the plugin of that name; nil where there is no such plugin.
  ///     What it throws is told at the registry's place.
  ///   - plugins: names of plugins that there are, for suggestions.
  public func check(
    plugins: [String] = [], schemas: (_ plugin: String) throws -> OptionsSchema?
  ) -> [ConfigurationError] {
    let registries = cluster.discovery.registries.filter { registry in
      registry.written?.isDisabled != true && (registry.disabled == nil || registry.written != nil)
    }
    let misnamed = cluster.discovery.misnamed.filter { registry in
      registry.written?.isDisabled != true && registry.written?.pluginMark != nil
    }
    return (registries + misnamed).flatMap { registry in
      problems(of: registry, isOptional: registry.disabled != nil, plugins, schemas)
    }.sorted()
  }

  /// What is wrong with the options of the registries that the file disables, in its order: what would keep them from
  /// running were they enabled, and keeps nobody from running now.
  ///
  /// - Parameters: as ``check(plugins:schemas:)`` has them.
  public func checkDisabled(
    plugins: [String] = [], schemas: (_ plugin: String) throws -> OptionsSchema?
  ) -> [ConfigurationError] {
    cluster.discovery.registries.filter { $0.written?.isDisabled == true }.flatMap { registry in
      problems(of: registry, isOptional: false, plugins, schemas).map { $0.ofDisabled(registry.name) }
    }.sorted()
  }

  /// - Parameter isOptional: whether it is no error that the plugin can't be had.
  private func problems(
    of registry: RegistrySettings, isOptional: Bool, _ plugins: [String],
    _ schemas: (_ plugin: String) throws -> OptionsSchema?
  ) -> [ConfigurationError] {
    if registry.written?.isExempt == true { return [] }
    let file = registry.written?.file ?? self.file ?? "configuration"
    do {
      guard let schema = try schemas(registry.plugin) else {
        return isOptional ? [] : [missingPlugin(of: registry, file, plugins)]
      }
      let path = "cluster.discovery.registries.\(registry.name)"
      return schema.validate(options: registry.written?.options ?? .mapping([]), file: file, path: path)
    } catch {
      if isOptional { return [] }
      return [
        ConfigurationError(
          file: file, mark: registry.written?.nameMark,
          message: "the registry '\(registry.name)' can't have the plugin '\(registry.plugin)': \(error)")
      ]
    }
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

extension ConfigurationError {
  /// The same where it is only to be known, as the registry called `name` is disabled.
  func ofDisabled(_ name: String) -> ConfigurationError {
    ConfigurationError(file: file, mark: mark, message: "\(message) (the registry '\(name)' is disabled)")
  }
}
