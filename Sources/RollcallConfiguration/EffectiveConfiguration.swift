import ClusterModel
public import Documents
import Platform
public import RegistryKit
import Rollcall

extension Configuration {
  /// The effective configuration: every default filled in, what is found out at run time left out, and
  /// secrets as `<redacted>`.
  ///
  /// - Parameter schemas: the schemas of options by the name of their plugin, where they are at hand: they
  ///   say what is secret and what the defaults are. Without one, options that are called like secrets are
  ///   hidden.
  public func redacted(schemas: [String: OptionsSchema] = [:]) -> YAMLNode {
    var root: [(key: String, value: YAMLNode)] = [
      ("cluster", clusterNode(schemas)),
      (
        "plugins",
        .mapping([
          ("path", .texts(plugins.path)), ("allowUnsafePermissions", .bool(plugins.allowUnsafePermissions)),
        ])
      ),
      ("merge", mergeNode),
      ("node", nodeNode), ("history", historyNode),
    ]
    if let http { root.append(("http", Self.node(of: http))) }
    if let kubeSpan { root.append(("kubespan", kubeSpan.node)) }
    if let stateDirectory { root.append(("stateDirectory", .text(stateDirectory))) }
    if !outputs.isEmpty { root.append(("outputs", .mapping(outputs.map { ($0.name, $0.node) }))) }
    if !hooks.isEmpty { root.append(("hooks", .mapping(hooks.map { ($0.name, $0.node) }))) }
    return .mapping(root)
  }

  /// ``redacted(schemas:)`` as YAML text, with the reason beside every registry that is disabled without
  /// the file saying so.
  public func redactedText(schemas: [String: OptionsSchema] = [:]) -> String {
    let lines = YAML.text(of: [redacted(schemas: schemas)]).split(
      separator: "\n", omittingEmptySubsequences: false)
    var registries = cluster.discovery.registries.makeIterator()
    // Only a registry's own keys are indented by 16, and every registry has this one.
    return lines.map { line in
      guard line.hasPrefix(String(repeating: " ", count: 16) + "disabled: "),
        let reason = registries.next()?.disabled, reason != DisabledReason.configured
      else { return String(line) }
      return "\(line)  # \(reason)"
    }.joined(separator: "\n")
  }

  private static func node(of http: HTTPSettings) -> YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = [
      ("listen", .text(http.listen.description)), ("hosts", .texts(http.hosts)),
    ]
    if let tls = http.tls {
      var files: [(key: String, value: YAMLNode)] = [
        ("certFile", .text(tls.certFile)), ("keyFile", .text(tls.keyFile)),
      ]
      if let file = tls.clientCAFile { files.append(("clientCAFile", .text(file))) }
      pairs.append(("tls", .mapping(files)))
    }
    if let file = http.tokensFile { pairs.append(("tokensFile", .text(file))) }
    pairs.append(("page", .bool(http.page)))
    return .mapping(pairs)
  }

  private func clusterNode(_ schemas: [String: OptionsSchema]) -> YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = []
    if let id = cluster.id { pairs.append(("id", .text(id))) }
    if let file = cluster.secretFile {
      pairs.append(("secretFile", .text(file)))
    } else if cluster.secret != nil {
      pairs.append(("secret", .text(Secret.redacted)))
    }
    let registries = cluster.discovery.registries.map { ($0.name, $0.redacted(schemas[$0.plugin])) }
    pairs.append(
      (
        "discovery",
        .mapping([("enabled", .bool(cluster.discovery.isEnabled)), ("registries", .mapping(registries))])
      ))
    return .mapping(pairs)
  }

  private var mergeNode: YAMLNode {
    let ignored = merge.ignoredAddresses
    return .mapping([
      ("precedence", .texts(merge.precedence)),
      (
        "match",
        .mapping([
          ("ignoreAddresses", .texts(ignored.networks)), ("defaultBridges", .bool(ignored.defaultBridges)),
        ])
      ),
    ])
  }

  private var historyNode: YAMLNode {
    .mapping([
      ("keep", .text(DurationText.text(of: history.keep))), ("entries", .integer(history.maximumCount)),
      (
        "tombstones",
        .mapping([
          ("left", .text(DurationText.text(of: history.tombstones.left))),
          ("missing", .text(DurationText.text(of: history.tombstones.missing))),
          ("max", .integer(history.tombstones.maximumCount)),
        ])
      ),
    ])
  }

  private var nodeNode: YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = [("publish", .bool(node.publish))]
    if let hostname = node.hostname { pairs.append(("hostname", .text(hostname))) }
    if let nodename = node.nodename { pairs.append(("nodename", .text(nodename))) }
    if let type = node.machineType { pairs.append(("machineType", .text(type.rawValue))) }
    if let addresses = node.addresses { pairs.append(("addresses", .texts(addresses))) }
    pairs.append(
      (
        "addressFilter",
        .mapping([("include", .texts(node.includeNetworks)), ("exclude", .texts(node.excludeNetworks))])
      ))
    if let system = node.operatingSystem { pairs.append(("operatingSystem", .text(system))) }
    if let port = node.controlPlanePort {
      pairs.append(("controlPlane", .mapping([("port", .integer(port))])))
    }
    pairs.append(("additionalAddresses", .texts(node.additionalAddresses)))
    if !node.labels.isEmpty {
      pairs.append(("labels", .mapping(node.labels.map { ($0.key, .text($0.value)) })))
    }
    pairs.append(("keepOnExit", .bool(node.keepOnExit)))
    return .mapping(pairs)
  }
}

extension RegistrySettings {
  fileprivate func redacted(_ schema: OptionsSchema?) -> YAMLNode {
    let options = written?.options ?? Self.node(ofJSON: options)
    let filled = schema.map { $0.fillingDefaults(in: JSONValue(options)).node } ?? options
    let shown = Redaction().redact(filled, schema: schema?.root, name: "")
    var pairs: [(key: String, value: YAMLNode)] = [
      ("plugin", .text(plugin)), ("disabled", .bool(disabled != nil)),
      ("onFailure", .text(retention.onFailure.rawValue)),
      ("staleAfter", .text(DurationText.text(of: retention.staleAfter))),
      ("missingGrace", .text(DurationText.text(of: retention.missingGrace))),
    ]
    if let expect = retention.expect { pairs.append(("expect", .text(DurationText.text(of: expect)))) }
    if let leases { pairs.append(("lease", .bool(leases))) }
    if let match { pairs.append(("match", .list(match.map(Self.node(of:))))) }
    if let alone { pairs.append(("alone", .text(alone.rawValue))) }
    if isIsolated { pairs.append(("isolate", .bool(true))) }
    for pair in shown.pairs ?? [] { pairs.append((pair.key, pair.value)) }
    return .mapping(pairs)
  }

  private static func node(of key: MatchKey) -> YAMLNode {
    key.isShort ? .mapping([("\(key.field)", .text("short"))]) : .text("\(key)")
  }

  /// The options of a registry that no file names.
  private static func node(ofJSON json: String) -> YAMLNode {
    (try? YAML.parse(json.utf8, file: "options"))?.documents.first ?? .mapping([])
  }
}

extension YAMLNode {
  static func texts(_ values: [some CustomStringConvertible]) -> YAMLNode {
    .list(values.map { .text($0.description) })
  }
}
