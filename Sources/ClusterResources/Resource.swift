public import ClusterModel

/// What a resource is called and how it came about: the `metadata` of its YAML form.
public struct ResourceMetadata: Hashable, Sendable {
  /// The namespace: `cluster` or `cluster-raw`.
  public var namespace: String
  /// What kind of resource it is.
  public var type: ResourceType
  /// Its name within its type and namespace.
  public var id: String
  /// 1 when it appeared, one more at each real change.
  public var version: UInt64
  /// What made it: `rollcall` or, for a raw affiliate, the registry's name.
  public var owner: String
  /// When it appeared.
  public var created: Timestamp
  /// When its content last changed.
  public var updated: Timestamp
  /// `running`, or `tombstone` for what is no longer there.
  public var phase = "running"
  /// The revision of the last change of spec or status; nil where nobody counts, as without a daemon.
  public var resourceVersion: String?
  /// The node's labels, where it is a node's.
  public var labels = NodeLabels()

  /// Metadata as they are shown; phase, revision and labels are set afterwards.
  public init(
    namespace: String, type: ResourceType, id: String, version: UInt64, owner: String, created: Timestamp,
    updated: Timestamp
  ) {
    self.namespace = namespace
    self.type = type
    self.id = id
    self.version = version
    self.owner = owner
    self.created = created
    self.updated = updated
  }

  /// The `metadata` of a document.
  public var value: ResourceValue {
    var fields: [ResourceValue.Field] = [
      .init("namespace", .text(namespace)), .init("type", .text(type.name)), .init("id", .text(id)),
      .init("version", .integer(Int64(clamping: version))), .init("owner", .text(owner)),
      .init("phase", .text(phase)), .init("created", .time(created)), .init("updated", .time(updated)),
    ]
    if let resourceVersion { fields.append(.init("resourceVersion", .text(resourceVersion))) }
    if !labels.isEmpty {
      fields.append(.init("labels", .fields(labels.map { .init($0.key, .text($0.value)) })))
    }
    return .fields(fields)
  }
}

/// One thing that `rollcall get` shows.
public struct Resource: Hashable, Sendable {
  /// What the node that knows it is called: its first address or its name.
  public var node: String
  /// What identifies the resource, and its history.
  public var metadata: ResourceMetadata
  /// Its content, as programs see it.
  public var spec: ResourceValue
  /// The cells of the type's own columns, in the order of ``ResourceType/columns``.
  public var cells: [String]

  /// A resource; `cells` are what a table has in its own columns.
  public init(node: String, metadata: ResourceMetadata, spec: ResourceValue, cells: [String]) {
    self.node = node
    self.metadata = metadata
    self.spec = spec
    self.cells = cells
  }

  /// The whole resource, as YAML, JSON and JSONPath see it.
  ///
  /// - Parameter event: what happened to it, where changes are watched.
  public func value(event: ResourceEvent? = nil) -> ResourceValue {
    var fields: [ResourceValue.Field] = [.init("node", .text(node))]
    if let event { fields.append(.init("event", .text(event.rawValue))) }
    fields.append(.init("metadata", metadata.value))
    fields.append(.init("spec", spec))
    return .fields(fields)
  }
}

/// What happened to a resource.
public enum ResourceEvent: String, Hashable, Sendable {
  case created, updated, destroyed

  /// The sign in the first column of a watched table.
  public var sign: String {
    switch self {
    case .created: "+"
    case .updated: ""
    case .destroyed: "-"
    }
  }
}
