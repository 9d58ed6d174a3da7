public import ClusterModel

/// What of members' lives must survive a restart, as plain values in civil time. How it is written is the file's
/// business; what the merge and registries need beside it too.
public struct LifecycleState: Hashable, Sendable {
  /// Whether registries' records were leases, by the registry's name.
  public var leases: [String: Bool]
  /// All nodes of which anything is known, in order.
  public var nodes: [Node]

  /// A state of these nodes.
  public init(leases: [String: Bool] = [:], nodes: [Node] = []) {
    self.leases = leases
    self.nodes = nodes
  }

  /// What is kept of one node.
  public struct Node: Hashable, Sendable {
    /// The node's identity.
    public var id: NodeIdentity
    /// What the merge last made of its records.
    public var affiliate: Affiliate?
    /// What registries have of it.
    public var records: [Record] = []
    /// Where it isn't listed any more.
    public var marks: [Mark] = []
    /// When its identity first came; nil where it was there nobody knows since when.
    public var arrival: Timestamp?
    /// How it is shown; nil where it is no member.
    public var status: Status?
    /// How it was before a restart after which its registries haven't spoken yet; nil where there was none.
    public var prior: Prior?
    /// Whether it was called missing as nothing was ever seen of it.
    public var isNeverSeen = false
    /// When it came back lately; empty where it didn't.
    public var returns: [Timestamp] = []
    /// When it last went from one state to another one; only kept beside ``returns``.
    public var lastChange: Timestamp?
    /// Whether it is flapping.
    public var isFlapping = false
    /// Its own tombstone, and those of nodenames that it had before.
    public var tombstones: [Grave] = []

    /// A node of which nothing is known yet.
    public init(id: NodeIdentity) { self.id = id }
  }

  /// Makes records with local ids be of the nodes that they are of now: what told them may not be there any more.
  ///
  /// - Parameter node: the node that a source's record is of, by its id; nil where it isn't known.
  package mutating func relocate(_ node: (RecordSource, NodeIdentity) -> NodeIdentity?) {
    var moved: [(node: NodeIdentity, record: Record)] = []
    for index in nodes.indices {
      let id = nodes[index].id
      nodes[index].records.removeAll { record in
        guard record.record.isLocalID, let target = node(record.source, record.record.affiliate.nodeID),
          target != id
        else { return false }
        moved.append((target, record))
        return true
      }
    }
    if moved.isEmpty { return }
    var positions = Dictionary(uniqueKeysWithValues: nodes.indices.map { (nodes[$0].id, $0) })
    for (id, record) in moved {
      if let position = positions[id] {
        nodes[position].records.append(record)
      } else {
        positions[id] = nodes.count
        nodes.append(Node(id: id))
        nodes[nodes.count - 1].records = [record]
      }
    }
  }

  /// A registry's record.
  public struct Record: Hashable, Sendable {
    /// Where it is from.
    public var source: RecordSource
    /// What it says.
    public var record: AffiliateRecord
    /// Since when it is listed there.
    public var listedAt: Timestamp

    /// The record as it was when it was last reported.
    public init(source: RecordSource, record: AffiliateRecord, listedAt: Timestamp) {
      self.source = source
      self.record = record
      self.listedAt = listedAt
    }
  }

  /// A registry's source that no longer lists the node.
  public struct Mark: Hashable, Sendable {
    /// Which.
    public var source: RecordSource
    /// Why.
    public var reason: DepartureReason
    /// Since when.
    public var at: Timestamp
    /// When whom the registry asks last confirmed the record; nil where that isn't known.
    public var lastSeen: Timestamp?

    /// The mark of a record that went `at` that moment.
    public init(source: RecordSource, reason: DepartureReason, at: Timestamp, lastSeen: Timestamp? = nil) {
      self.source = source
      self.reason = reason
      self.at = at
      self.lastSeen = lastSeen
    }
  }

  /// How a member was shown.
  public struct Status: Hashable, Sendable {
    /// The nodename.
    public var name: String
    /// How it was.
    public var state: NodeState
    /// Why.
    public var reason: StatusReason
    /// Since when.
    public var since: Timestamp

    /// A member of that name.
    public init(name: String, state: NodeState, reason: StatusReason, since: Timestamp) {
      self.name = name
      self.state = state
      self.reason = reason
      self.since = since
    }
  }

  /// How a member was before a restart.
  public struct Prior: Hashable, Sendable {
    /// How it was.
    public var state: NodeState
    /// Since when.
    public var since: Timestamp

    /// A member that was so.
    public init(state: NodeState, since: Timestamp) {
      self.state = state
      self.since = since
    }
  }

  /// A tombstone.
  public struct Grave: Hashable, Sendable {
    /// How the member was last shown, and why it is gone.
    public var status: Status
    /// When the tombstone ends.
    public var until: Timestamp
    /// What was last known of the node.
    public var affiliate: Affiliate?

    /// The tombstone of a member that was so.
    public init(status: Status, until: Timestamp, affiliate: Affiliate? = nil) {
      self.status = status
      self.until = until
      self.affiliate = affiliate
    }
  }
}

// MARK: - To and from what is known of a node

extension LifecycleState.Node {
  init(_ life: NodeLife, _ registries: RegistryTable) {
    self.init(id: life.id)
    affiliate = life.affiliate
    records = life.records.map {
      LifecycleState.Record(
        source: registries.source($0.source), record: $0.record, listedAt: $0.listedAt.wall)
    }
    marks = life.marks.map {
      LifecycleState.Mark(source: $0.source, reason: $0.reason, at: $0.at.wall, lastSeen: $0.lastSeen)
    }
    arrival = life.arrival?.wall
    status = life.row.map {
      LifecycleState.Status(name: $0.name, state: $0.state, reason: $0.reason, since: $0.since.wall)
    }
    prior = life.prior.map { LifecycleState.Prior(state: $0.state, since: $0.since.wall) }
    isNeverSeen = life.isNeverSeen
    if let flaps = life.flaps, let row = life.row?.since ?? life.grave?.since {
      returns = flaps.returns.map { row.moved(to: $0).wall }
      lastChange = row.moved(to: flaps.lastChange).wall
      isFlapping = flaps.isFlapping
    }
    tombstones = life.tombstones.map {
      LifecycleState.Grave(
        status: LifecycleState.Status(
          name: $0.name, state: $0.state, reason: $0.reason, since: $0.since.wall),
        until: $0.until.wall, affiliate: $0.affiliate)
    }
  }

  /// What is known of the node at the start; all of it from before.
  ///
  /// - Parameter number: that of a record's source.
  func life(
    at now: Moment, retention: TombstoneRetention, _ number: (RecordSource) -> SourceNumber
  ) -> NodeLife {
    var life = NodeLife(id)
    life.affiliate = affiliate
    for record in records {
      life.restore(
        LifeRecord(
          source: number(record.source), record: record.record,
          listedAt: Moment(wall: record.listedAt, before: now),
          isCached: true))
    }
    for mark in marks {
      life.restore(
        DepartureMark(
          source: mark.source, reason: mark.reason, at: Moment(wall: mark.at, before: now),
          lastSeen: mark.lastSeen))
    }
    life.arrival = arrival.map { Moment(wall: $0, before: now) }
    life.hasArrived = true
    life.isNeverSeen = isNeverSeen
    if let status {
      life.row = NodeRow(
        name: status.name, state: status.state, reason: status.reason,
        since: Moment(wall: status.since, before: now))
      life.prior = PriorStatus(
        state: prior?.state ?? status.state, since: Moment(wall: prior?.since ?? status.since, before: now))
    }
    if let lastChange, !returns.isEmpty {
      life.flaps = FlapDetector(
        returns: returns.map { Moment(wall: $0, before: now).elapsed },
        lastChange: Moment(wall: lastChange, before: now).elapsed, isFlapping: isFlapping)
    }
    life.tombstones = tombstones.map { grave in
      // Never longer than it would be kept by now, whatever the civil clock did.
      let rest = min(grave.until.duration(since: now.wall), retention.duration(grave.status.state))
      return Tombstone(
        name: grave.status.name, node: id, state: grave.status.state, reason: grave.status.reason,
        since: Moment(wall: grave.status.since, before: now), until: now.advanced(by: rest),
        affiliate: grave.affiliate)
    }
    return life
  }
}
