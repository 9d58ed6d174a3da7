import ClusterModel
import Documents
import Platform
import RegistryKit
import Rollcall

/// Reads `cluster.discovery`.
struct RegistriesReader {
  let id: String?
  let secret: Secret?
  let diagnostics: Diagnostics

  func read(_ section: FieldReader) -> DiscoverySettings {
    let isEnabled = section.bool("enabled") ?? true
    let registries = section.section("registries", keys: nil)
    var settings: [RegistrySettings] = []
    var misnamed: [RegistrySettings] = []
    for pair in registries.pairs {
      do throws(ModelError) {
        try checkName(pair.key)
      } catch {
        diagnostics.error(pair.keyMark, "\(registries.path): \(error)")
        misnamed.append(registry(pair, registries.section(pair.key, keys: nil)))
        continue
      }
      settings.append(registry(pair, registries.section(pair.key, keys: nil)))
    }
    for implied in ImpliedRegistry.all where !settings.contains(where: { $0.name == implied.name }) {
      let missing = implied.needsCluster ? DisabledReason.missing(id: id, secret: secret) : nil
      settings.append(
        RegistrySettings(
          name: implied.name, disabled: implied.isDisabled ? DisabledReason.byDefault : missing))
    }
    if !isEnabled {
      for index in settings.indices { settings[index].disabled = DisabledReason.discoveryOff }
    }
    var discovery = DiscoverySettings(isEnabled: isEnabled, registries: settings)
    discovery.misnamed = misnamed
    return discovery
  }

  private func registry(_ pair: YAMLPair, _ section: FieldReader) -> RegistrySettings {
    let disabled = section.bool("disabled")
    let isDisabledByDefault = ImpliedRegistry.all.contains { $0.name == pair.key && $0.isDisabled }
    let plugin = section.value("plugin") { (text) throws(ModelError) in
      try checkName(text)
      return text
    }
    let onFailure = section.value("onFailure") { (text) throws(ModelError) in
      guard let action = RetentionPolicy.FailureAction(rawValue: text) else {
        throw ModelError("\(quoted(text)) isn't keep or drop")
      }
      return action
    }
    let match = MatchListReader(section: section).read()
    let alone = section.value("alone") { (text) throws(ModelError) in
      guard let role = StandaloneRole(rawValue: text) else {
        throw ModelError("\(quoted(text)) isn't member or affiliate")
      }
      return role
    }
    let options = YAMLNode(
      .mapping(section.pairs.filter { !ConfigurationKeys.registry.contains($0.key) }), mark: section.mark)
    var settings = RegistrySettings(
      name: pair.key, plugin: plugin,
      disabled: disabled == true
        ? DisabledReason.configured : disabled == nil && isDisabledByDefault ? DisabledReason.byDefault : nil,
      options: YAML.json(of: options.sorted),
      retention: RetentionPolicy(
        onFailure: onFailure ?? .keep, staleAfter: section.duration("staleAfter"),
        missingGrace: section.duration("missingGrace"),
        expect: section.duration("expect", in: .seconds(1)...DurationText.longest)),
      leases: section.bool("lease"), isIsolated: section.bool("isolate") ?? false,
      position: "\(diagnostics.file):\(pair.keyMark.line):\(pair.keyMark.column)")
    settings.match = match
    settings.alone = alone
    settings.written = WrittenRegistry(
      file: diagnostics.file, nameMark: pair.keyMark, pluginMark: section.node?["plugin"]?.mark,
      isExempt: isExempt(section, pair.value, disabled: disabled, plugin: plugin),
      isDisabled: disabled == true, options: options)
    return settings
  }

  private func isExempt(_ section: FieldReader, _ value: YAMLNode, disabled: Bool?, plugin: String?) -> Bool {
    guard let node = section.node else { return !value.isNull }
    return disabled == nil && node["disabled"] != nil || plugin == nil && node["plugin"] != nil
  }

  private func checkName(_ name: String) throws(ModelError) {
    guard RegistryName.isWellFormed(name) else {
      throw ModelError("\(quoted(name)) isn't a name: \(RegistryName.rule)")
    }
  }
}
