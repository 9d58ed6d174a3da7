public import ClusterModel
public import Lifecycle

/// What is known of when somebody last confirmed that a node lives.
public enum LastSeen: Hashable, Sendable {
  /// It isn't said here.
  case omitted
  /// Nobody ever did, or nobody knows.
  case never
  /// Then.
  case at(Timestamp)

  var value: ResourceValue? {
    switch self {
    case .omitted: nil
    case .never: .null
    case .at(let time): .time(time)
    }
  }
}

extension ResourceValue {
  /// A document of the API: `{metadata, spec, status}`, without a status where there is none.
  public static func document(
    _ metadata: ResourceMetadata, spec: ResourceValue, status: ResourceValue? = nil
  ) -> ResourceValue {
    .present([("metadata", metadata.value), ("spec", spec), ("status", status)])
  }

  /// The `status` of a member.
  ///
  /// - Parameters:
  ///   - lastSeen: when a lease or a health report last confirmed it.
  ///   - message: one sentence for people.
  ///   - origins: the origins of each registry that has several of them, by its name.
  public static func memberStatus(
    _ status: NodeStatus, lastSeen: LastSeen, message: String, origins: [String: [String]] = [:]
  ) -> ResourceValue {
    .present([
      ("state", .text(status.state.rawValue)), ("reason", .text(status.reason.text)),
      ("since", .time(status.since.wall)), ("lastSeen", lastSeen.value), ("message", .text(message)),
      ("flags", .texts(status.flags.names)),
      ("conflicts", status.disputes.isEmpty ? nil : .integer(Int64(status.disputes.count))),
      ("heldBy", status.heldBy.map { .text($0.text) }),
      ("sources", .list(status.sources.map { source($0, origins: origins[$0.registry] ?? []) })),
    ])
  }

  /// The `status` of a member that is gone.
  public static func tombstoneStatus(
    _ tombstone: Tombstone, lastSeen: LastSeen, message: String, sources: [SourcePresence]
  ) -> ResourceValue {
    .present([
      ("state", .text(tombstone.state.rawValue)), ("reason", .text(tombstone.reason.text)),
      ("since", .time(tombstone.since.wall)), ("lastSeen", lastSeen.value),
      ("until", .time(tombstone.until.wall)), ("message", .text(message)), ("flags", []),
      ("sources", .list(sources.map { source($0) })),
    ])
  }

  /// The `spec` of a member of which nothing more is known than who it was.
  public static func unknownMember(_ node: NodeIdentity) -> ResourceValue {
    [
      "nodeId": .text(node.text), "addresses": [], "hostname": "", "machineType": "unknown",
      "operatingSystem": "",
    ]
  }

  /// What one registry has of a node.
  public static func source(_ source: SourcePresence, origins: [String] = []) -> ResourceValue {
    let (presence, reason): (String, String?) =
      switch source.presence {
      case .fresh: ("fresh", nil)
      case .stale(let reason): ("stale", reason.rawValue)
      case .gone(let reason): ("gone", reason.rawValue)
      case .unknown: ("unknown", nil)
      case .published: ("published", nil)
      }
    let (health, healthReason): (String?, String?) =
      switch source.health {
      case .ready: ("ready", nil)
      case .notReady(let reason): ("notready", reason)
      case nil: (nil, nil)
      }
    return .present([
      ("registry", .text(source.registry)), ("presence", .text(presence)),
      ("reason", reason.map { .text($0) }), ("since", source.since.map { .time($0.wall) }),
      ("lastSeen", source.leases ? source.lastSeen.map { .time($0) } : nil),
      ("lease", source.leases ? .bool(true) : nil), ("health", health.map { .text($0) }),
      ("healthReason", healthReason.map { .text($0) }),
      ("origins", origins.isEmpty ? nil : .texts(origins)),
    ])
  }
}
