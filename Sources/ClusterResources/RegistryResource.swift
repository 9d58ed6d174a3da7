public import ClusterModel

/// What is known of a registry at one moment: a type of our own, as existing clusters don't show theirs.
public struct RegistrySummary: Hashable, Sendable {
  /// The registry's name in the configuration.
  public var name: String
  /// The plugin that makes it; empty for none.
  public var plugin: String
  /// `starting`, `synced`, `degraded`, `failed` or `disabled`.
  public var state: String
  /// Since when it has been in that state.
  public var since: Timestamp
  /// How many raw affiliates it has in the merge.
  public var affiliates: Int
  /// What last went wrong, or why it is disabled; empty where nothing did.
  public var lastError: String

  /// What is shown of a registry.
  public init(
    name: String, plugin: String, state: String, since: Timestamp, affiliates: Int, lastError: String = ""
  ) {
    self.name = name
    self.plugin = plugin
    self.state = state
    self.since = since
    self.affiliates = affiliates
    self.lastError = lastError
  }
}

extension Resource {
  /// A registry and how it is.
  public static func registry(
    _ registry: RegistrySummary, version: UInt64, node: String, created: Timestamp, updated: Timestamp
  ) -> Resource {
    var spec: [ResourceValue.Field] = [
      .init("plugin", .text(registry.plugin)),
      .init("state", .text(registry.state)),
      .init("since", .time(registry.since)),
      .init("affiliates", .integer(Int64(registry.affiliates))),
    ]
    if !registry.lastError.isEmpty { spec.append(.init("lastError", .text(registry.lastError))) }
    return Resource(
      node: node,
      metadata: ResourceMetadata(
        namespace: "rollcall", type: .registry, id: registry.name, version: version, owner: "rollcall",
        created: created, updated: updated),
      spec: .fields(spec),
      cells: [
        registry.plugin.shown, registry.state, registry.since.description, String(registry.affiliates),
        registry.lastError.shown,
      ])
  }
}
