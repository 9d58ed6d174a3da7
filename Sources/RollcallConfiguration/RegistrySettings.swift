public import ClusterModel
public import Documents
public import Rollcall

/// `cluster.discovery.registries.<name>:`
///
/// Equal and hashed by what it asks for, wherever in whichever file that is written.
public struct RegistrySettings: Sendable {
  /// The registry's own name.
  public var name: String
  /// The plugin that it is made by: its name unless `plugin:` says otherwise.
  public var plugin: String
  /// Why it isn't run; nil where it is.
  public var disabled: String?
  /// What is written beside the reserved keys, as a JSON object with its keys in order of their text.
  public var options: String
  /// What becomes of its records when it fails.
  public var retention: RetentionPolicy
  /// Whether its records are leases that nodes renew; nil: what the plugin says.
  public var leases: Bool?
  /// `match:`, by what its records without an identity are joined to nodes; nil: what the plugin says.
  public var match: [MatchKey]?
  /// `alone:`, what a machine is that nobody else knows; nil: what the plugin says.
  public var alone: StandaloneRole?
  /// Whether it runs in a process of its own.
  public var isIsolated: Bool
  /// Where the person wrote it: `file:line:column`.
  public var position: String?
  /// The registry as it was written; nil where no file names it.
  public var written: WrittenRegistry?

  /// The settings of the registry called `name`; the plugin is that of its name where none is given.
  public init(
    name: String, plugin: String? = nil, disabled: String? = nil, options: String = "{}",
    retention: RetentionPolicy = RetentionPolicy(), leases: Bool? = nil, isIsolated: Bool = false,
    position: String? = nil
  ) {
    self.name = name
    self.plugin = plugin ?? name
    self.disabled = disabled
    self.options = options
    self.retention = retention
    self.leases = leases
    self.isIsolated = isIsolated
    self.position = position
  }
}

extension RegistrySettings: Hashable {
  private struct Meaning: Hashable {
    let name: String
    let plugin: String
    let disabled: String?
    let options: String
    let retention: RetentionPolicy
    let leases: Bool?
    let match: [MatchKey]?
    let alone: StandaloneRole?
    let isIsolated: Bool
  }

  private var meaning: Meaning {
    Meaning(
      name: name, plugin: plugin, disabled: disabled, options: options, retention: retention,
      leases: leases, match: match, alone: alone, isIsolated: isIsolated)
  }

  public static func == (left: RegistrySettings, right: RegistrySettings) -> Bool {
    left.meaning == right.meaning
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(meaning) }
}

extension RegistrySettings {
  /// Where its plugin comes from, of `plugins`: one that is isolated is never loaded into this process.
  func source(_ plugins: any PluginSource) -> any PluginSource { isIsolated ? plugins.isolated : plugins }
}

/// A registry's section as a person wrote it, so that what is wrong can be told at its place.
public struct WrittenRegistry: Hashable, Sendable {
  /// The file as the person named it.
  public var file: String
  /// The place of the registry's name.
  public var nameMark: YAMLMark
  /// The place of what `plugin:` says; nil where it isn't there.
  public var pluginMark: YAMLMark?
  /// Whether the options aren't looked at, as what is wrong with the section is told already.
  public var isExempt: Bool
  /// Whether the person disabled the registry: what is wrong with its options keeps nobody from running.
  public var isDisabled: Bool
  /// What is written beside the reserved keys, as a mapping.
  public var options: YAMLNode

  /// A section as it was written.
  public init(
    file: String, nameMark: YAMLMark, pluginMark: YAMLMark? = nil, isExempt: Bool = false,
    isDisabled: Bool = false, options: YAMLNode
  ) {
    self.file = file
    self.nameMark = nameMark
    self.pluginMark = pluginMark
    self.isExempt = isExempt
    self.isDisabled = isDisabled
    self.options = options
  }
}
