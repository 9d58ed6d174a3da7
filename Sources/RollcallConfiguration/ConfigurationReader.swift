import AffiliateMerge
import ClusterModel
import Documents
import Lifecycle
import Platform
import Rollcall

/// Reads the file's sections.
struct ConfigurationReader {
  let diagnostics: Diagnostics
  let inProcess: [String]

  private var base: String { FilePaths.folder(of: diagnostics.file) }

  /// - Returns: what could be read, and whether `plugins` could.
  func read(_ document: YAMLNode?) -> (configuration: Configuration, arePluginsKnown: Bool) {
    let root = FieldReader(document, "the file", keys: ConfigurationKeys.file, diagnostics: diagnostics)
    let clusterSection = root.section("cluster", keys: ConfigurationKeys.cluster)
    let cluster = cluster(clusterSection)
    let errorCount = diagnostics.errors.count
    let plugins = plugins(root.section("plugins", keys: ConfigurationKeys.plugins))
    let arePluginsKnown = diagnostics.errors.count == errorCount
    var configuration = Configuration(
      file: diagnostics.file, cluster: cluster, plugins: plugins,
      merge: merge(
        root.section("merge", keys: ConfigurationKeys.merge), registries: cluster.discovery.registries),
      node: node(root.section("node", keys: ConfigurationKeys.node)),
      history: history(root.section("history", keys: ConfigurationKeys.history)),
      http: HTTPReader(section: root.section("http", keys: ConfigurationKeys.http), base: base).read(),
      stateDirectory: root.path("stateDirectory", base: base))
    let kubeSpan = root.section("kubespan", keys: ConfigurationKeys.kubeSpan)
    configuration.kubeSpan = KubeSpanReader(cluster: clusterSection, base: base).read(kubeSpan)
    if configuration.kubeSpan != nil, !configuration.node.publish {
      kubeSpan.warning(
        "enabled", "node.publish is false: no other node is told of this one's key, so none answers it")
    }
    let outputs = OutputsReader(base: base, diagnostics: diagnostics)
    configuration.outputs = outputs.outputs(root.section("outputs", keys: nil))
    configuration.hooks = outputs.hooks(root.section("hooks", keys: nil))
    configuration.warnings = diagnostics.warnings.kept.map(ConfigurationError.init).sorted()
    return (configuration, arePluginsKnown)
  }

  private func cluster(_ section: FieldReader) -> ClusterSettings {
    let id = section.text("id")
    let (secret, secretFile) = SecretReader(section: section, base: base).read()
    let discovery = RegistriesReader(id: id, secret: secret, diagnostics: diagnostics)
      .read(section.section("discovery", keys: ConfigurationKeys.discovery))
    return ClusterSettings(id: id, secret: secret, secretFile: secretFile, discovery: discovery)
  }

  private func plugins(_ section: FieldReader) -> PluginSettings {
    PluginSettings(
      path: section.list("path", of: "folders") { FilePaths.resolve($0, base: base) } ?? [],
      allowUnsafePermissions: section.bool("allowUnsafePermissions") ?? false)
  }

  private func merge(_ section: FieldReader, registries: [RegistrySettings]) -> MergeSettings {
    let known = registries.map(\.name) + inProcess
    var precedence: [String] = []
    for (name, mark) in section.texts("precedence", of: "registries") ?? [] {
      if precedence.contains(name) {
        diagnostics.error(mark, "merge.precedence names \(quoted(name)) twice")
      } else if !known.contains(name) {
        let advice =
          didYouMean(name, among: known) ?? "the registries are \(known.joined(separator: ", "))"
        diagnostics.error(mark, "merge.precedence: there is no registry \(quoted(name)); \(advice)")
      }
      precedence.append(name)
    }
    let match = section.section("match", keys: ConfigurationKeys.mergeMatch)
    let networks = match.list("ignoreAddresses", of: "addresses or networks") { (text) throws(ModelError) in
      try Self.network(text)
    }
    return MergeSettings(
      precedence: precedence,
      ignoredAddresses: IgnoredAddresses(
        networks ?? [], defaultBridges: match.bool("defaultBridges") ?? true))
  }

  /// A network, or an address as the network of that alone.
  private static func network(_ text: String) throws(ModelError) -> IPPrefix {
    if text.contains("/") { return try IPPrefix(text) }
    return IPPrefix(host: try IPAddress(text))
  }

  private func node(_ section: FieldReader) -> NodeSettings {
    let filter = section.section("addressFilter", keys: ConfigurationKeys.addressFilter)
    let controlPlane = section.section("controlPlane", keys: ConfigurationKeys.controlPlane)
    let prefixes = { (section: FieldReader, key: String) in
      section.list(key, of: "prefixes") { (text) throws(ModelError) in try IPPrefix(text) } ?? []
    }
    let addresses = section.list("addresses", of: "addresses") { (text) throws(ModelError) in
      try IPAddress(text)
    }
    for address in addresses ?? [] {
      do throws(ModelError) { _ = try NodeAddress.check(address) } catch {
        section.warning("addresses", error.message)
      }
    }
    return NodeSettings(
      publish: section.bool("publish") ?? true,
      hostname: section.value("hostname", HostName.check),
      nodename: section.value("nodename", HostName.check),
      machineType: section.value("machineType") { (text) throws(ModelError) in try MachineType(text) },
      addresses: addresses,
      includeNetworks: prefixes(filter, "include"), excludeNetworks: prefixes(filter, "exclude"),
      operatingSystem: section.text("operatingSystem"),
      controlPlanePort: controlPlane.port("port"),
      additionalAddresses: prefixes(section, "additionalAddresses"),
      labels: labels(section),
      keepOnExit: section.bool("keepOnExit") ?? false)
  }

  private func labels(_ node: FieldReader) -> NodeLabels {
    let section = node.section("labels", keys: nil)
    var values: [String: String] = [:]
    for pair in section.pairs {
      // A label may be empty, and a number is written as one mostly.
      guard let scalar = pair.value.scalar, !pair.value.isNull else {
        section.error(
          pair.value.mark, "\(section.name(of: pair.key)) \(pair.value.written.mismatch(must: "text"))")
        continue
      }
      values[pair.key] = scalar.text
    }
    do throws(ModelError) { return try NodeLabels(values) } catch {
      node.error("labels", error)
      return NodeLabels()
    }
  }

  private func history(_ section: FieldReader) -> HistoryRetention {
    let usual = HistoryRetention()
    let tombstones = section.section("tombstones", keys: ConfigurationKeys.tombstones)
    return HistoryRetention(
      keep: section.duration("keep") ?? usual.keep,
      maximumCount: section.integer("entries", in: 1...1_000_000) ?? usual.maximumCount,
      tombstones: TombstoneRetention(
        left: tombstones.duration("left") ?? usual.tombstones.left,
        missing: tombstones.duration("missing") ?? usual.tombstones.missing,
        maximumCount: tombstones.integer("max", in: 0...1_000_000) ?? usual.tombstones.maximumCount))
  }
}
