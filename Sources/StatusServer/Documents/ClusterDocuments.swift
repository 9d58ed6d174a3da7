public import AffiliateMerge
public import ClusterModel
public import ClusterResources
public import KubeSpan
public import Lifecycle
public import Rollcall

/// Makes the documents of the API from a snapshot: for the daemon, and for a run without one.
public struct ClusterDocuments: Sendable {
  /// What they are made from.
  public let snapshot: ClusterSnapshot
  /// What ages are shown for.
  public let now: Moment

  /// How the mesh is; nil where there is none.
  public let mesh: MeshReport?

  /// Makes documents of `snapshot` and of what a mesh reports, with ages as of `now`.
  public init(_ snapshot: ClusterSnapshot, at now: Moment, mesh: MeshReport? = nil) {
    self.snapshot = snapshot
    self.now = now
    self.mesh = mesh
  }

  var life: LifecycleView { snapshot.life }

  // MARK: Members

  /// The member `status` is of; nil where nothing is known of it any more.
  ///
  /// - Parameters:
  ///   - isDetailed: whether ready ones too say when they were last seen, which moves without a revision.
  public func member(_ status: NodeStatus, resourceVersion: String? = nil, isDetailed: Bool = false)
    -> ResourceValue?
  {
    guard let affiliate = snapshot.merge.affiliate(status.node) else { return nil }
    var metadata = ResourceMetadata(
      namespace: "cluster", type: .member, id: status.name, version: affiliate.version, owner: "rollcall",
      created: affiliate.created, updated: affiliate.updated)
    if let member = snapshot.merge.member(status.name), member.value.nodeID == status.node {
      (metadata.version, metadata.created, metadata.updated) = (
        member.version, member.created, member.updated
      )
    }
    metadata.resourceVersion = resourceVersion
    metadata.labels = snapshot.merge.labels(of: status.node)
    let spec = Member(affiliate.value).map { ResourceValue.member($0) } ?? .unknownMember(status.node)
    let lastSeen: LastSeen =
      !isDetailed && status.state == .ready
      ? .omitted : lastSeen(of: status.node, marked: status.lastSeen).map { .at($0) } ?? .never
    return .document(
      metadata, spec: spec,
      status: .memberStatus(
        status, lastSeen: lastSeen,
        message: status.message(at: now, replaced: status.isListed ? life.replaced(by: status) : []),
        origins: origins(of: status.node)))
  }

  /// The sentence of `status` where there are ages in it.
  func agingMessage(of status: NodeStatus) -> AgingMessage? {
    let replaced = status.isListed ? life.replaced(by: status) : []
    let hasNoAge = replaced.isEmpty && (status.state == .ready || status.state == .notready)
    return hasNoAge ? nil : .member(status, replaced: replaced)
  }

  /// A member that is gone.
  ///
  /// - Parameter last: the metadata that it last had, where they are still known.
  public func tombstone(
    _ tombstone: Tombstone, resourceVersion: String? = nil, last: ResourceMetadata? = nil
  ) -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "cluster", type: .member, id: tombstone.name, version: last?.version ?? 1,
      owner: "rollcall", created: last?.created ?? tombstone.since.wall,
      updated: last?.updated ?? tombstone.since.wall)
    metadata.phase = "tombstone"
    metadata.resourceVersion = resourceVersion
    metadata.labels = last?.labels ?? NodeLabels()
    let sources = life.sources(of: tombstone.node)
    let lastSeen = sources.compactMap(\.lastSeen).max()
    return .document(
      metadata,
      spec: tombstone.affiliate.flatMap { Member($0) }.map { .member($0) } ?? .unknownMember(tombstone.node),
      status: .tombstoneStatus(
        tombstone, lastSeen: lastSeen.map { .at($0) } ?? .never,
        message: tombstone.message(at: now, sources: sources), sources: sources))
  }

  /// All members in the order of their names.
  ///
  /// - Parameter all: whether who merely claims a name, and tombstones, are among them: after a name's holder.
  public func members(all: Bool = false) -> [ResourceValue] {
    let statuses = life.statuses(unlisted: all)
    let listed = statuses.compactMap { status in
      member(status).map { (name: status.name, rank: status.isListed ? 0 : 1, node: status.node, $0) }
    }
    let gone = all ? life.tombstones.map { (name: $0.name, rank: 1, node: $0.node, tombstone($0)) } : []
    return (listed + gone).sorted {
      $0.name != $1.name ? $0.name < $1.name : $0.rank != $1.rank ? $0.rank < $1.rank : $0.node < $1.node
    }.map(\.3)
  }

  /// When a lease or a health report last confirmed the node.
  private func lastSeen(of node: NodeIdentity, marked: Timestamp?) -> Timestamp? {
    let living = Set(life.sources(of: node).filter { $0.leases || $0.health != nil }.map(\.registry))
    guard !living.isEmpty else { return marked }
    let claims = snapshot.provenance(of: node)?.flatMap(\.claims) ?? []
    let confirmed = claims.filter { claim in claim.origin.map { living.contains($0.registry) } ?? false }
    return (confirmed.map(\.at) + (marked.map { [$0] } ?? [])).max()
  }

  /// The origins of each registry that has several of them.
  private func origins(of node: NodeIdentity) -> [String: [String]] {
    var origins: [String: [String]] = [:]
    for (id, _) in snapshot.merge.rawAffiliates(of: node) where !id.origin.source.isEmpty {
      origins[id.origin.registry, default: []].append(id.origin.source)
    }
    return origins
  }

  // MARK: Affiliates and identities

  /// What is known of a node, merged.
  public func affiliate(_ affiliate: Versioned<Affiliate>, resourceVersion: String? = nil) -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "cluster", type: .affiliate, id: affiliate.value.nodeID.text, version: affiliate.version,
      owner: "rollcall", created: affiliate.created, updated: affiliate.updated)
    metadata.resourceVersion = resourceVersion
    metadata.labels = snapshot.merge.labels(of: affiliate.value.nodeID)
    return .document(metadata, spec: .affiliate(affiliate.value))
  }

  /// What one registry says of a node.
  public func raw(
    _ id: RawID, _ record: Versioned<AffiliateRecord>, resourceVersion: String? = nil
  ) -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "cluster-raw", type: .affiliate, id: id.description, version: record.version,
      owner: id.origin.registry, created: record.created, updated: record.updated)
    metadata.resourceVersion = resourceVersion
    metadata.labels = record.value.labels
    let (health, healthReason): (String?, String?) =
      switch record.value.health {
      case .ready: ("ready", nil)
      case .notReady(let reason): ("notready", reason)
      case nil: (nil, nil)
      }
    return .document(
      metadata, spec: .affiliate(record.value.affiliate),
      status: .present([
        ("stale", .bool(record.value.isStale)), ("localId", record.value.isLocalID ? .bool(true) : nil),
        ("health", health.map { .text($0) }), ("healthReason", healthReason.map { .text($0) }),
      ]))
  }

  /// What this node says of itself, as others have it; nil for a mere observer.
  public var ownRaw: ResourceValue? {
    guard let id = snapshot.localID, let affiliate = snapshot.merge.affiliate(id) else { return nil }
    var metadata = ResourceMetadata(
      namespace: "cluster-raw", type: .affiliate, id: "local/\(id)", version: affiliate.version,
      owner: "rollcall", created: affiliate.created, updated: affiliate.updated)
    metadata.labels = snapshot.merge.labels(of: id)
    return .document(metadata, spec: .affiliate(affiliate.value), status: ["stale": .bool(false)])
  }

  /// This node's identity; empty for a mere observer.
  public var identities: [ResourceValue] {
    guard let id = snapshot.localID else { return [] }
    let created = snapshot.merge.affiliate(id)?.created ?? now.wall
    let metadata = ResourceMetadata(
      namespace: "cluster", type: .identity, id: "local", version: 1, owner: "rollcall", created: created,
      updated: created)
    return [.document(metadata, spec: ["nodeId": .text(id.text)])]
  }

  // MARK: Registries

  /// A registry.
  ///
  /// - Parameter coverage: what it has of the members, as ``coverage()`` has it.
  public func registry(_ status: RegistryStatus, _ coverage: RegistryCoverage? = nil) -> RegistryDocument {
    var document = RegistryDocument(name: status.name, state: status.state.rawValue, since: status.since)
    document.plugin = status.plugin
    document.pluginVersion = status.pluginVersion
    document.prefix = status.prefix
    document.leases = status.leases
    document.onFailure = status.retention.onFailure.rawValue
    document.staleAfter = status.retention.staleAfter
    document.missingGrace = status.retention.missingGrace
    document.expect = status.retention.expect
    document.disabledReason = status.disabledReason
    document.records = status.affiliateCount
    document.staleRecords = status.isStale ? status.affiliateCount : coverage?.staleCount ?? 0
    document.lacks = status.state == .disabled ? nil : coverage?.lacks
    document.updates = UInt64(status.updates.total)
    document.restarts = status.restarts
    document.lastSuccess = status.lastSuccess
    // All that is wrong now comes before the last thing that was.
    document.lastError = (status.error ?? status.lastFailure?.error).map {
      .init(
        at: status.lastFailure?.at ?? status.since, code: $0.code.description, message: $0.message)
    }
    document.publication = status.publication.map {
      .init(
        state: $0.state.rawValue, revision: $0.revision == 0 ? nil : $0.revision, accepted: $0.acceptedAt,
        publicAddress: status.publicAddress?.description)
    }
    document.aspects = aspects(of: status)
    return document
  }

  private func aspects(of status: RegistryStatus) -> [RegistryDocument.Aspect] {
    guard status.state != .disabled else { return [] }
    var aspects = status.problems.map { problem in
      RegistryDocument.Aspect(
        aspect: problem.aspect.rawValue, source: problem.source.name,
        error: problem.error.map { .init(code: $0.code.description, message: $0.message) })
    }
    func isMissing(_ aspect: String) -> Bool { !aspects.contains { $0.aspect == aspect } }
    if isMissing("reading"), status.hasSynced || status.state == .failed {
      let failure = status.state == .failed ? status.error : nil
      aspects.insert(
        RegistryDocument.Aspect(
          aspect: "reading",
          error: failure.map { .init(at: status.since, code: $0.code.description, message: $0.message) }),
        at: 0)
    }
    if isMissing("publishing"), status.publication?.state == .accepted {
      aspects.append(RegistryDocument.Aspect(aspect: "publishing"))
    }
    return aspects
  }

  /// What each enabled registry has of the members, by its name.
  public func coverage() -> [String: RegistryCoverage] {
    var coverage: [String: RegistryCoverage] = [:]
    // Registries don't give this node's own record back: whether they have it is known of those that publish it.
    let publishers = Set(snapshot.registries.filter { $0.publication != nil }.map(\.name))
    for status in snapshot.registries where status.state != .disabled {
      coverage[status.name] = RegistryCoverage()
    }
    for status in life.statuses() {
      var holders: Set<String> = []
      for source in status.sources {
        switch source.presence {
        case .fresh, .published: holders.insert(source.registry)
        case .stale:
          holders.insert(source.registry)
          coverage[source.registry]?.staleCount += 1
        case .gone, .unknown: break
        }
      }
      for name in coverage.keys where !holders.contains(name) {
        if status.node == snapshot.localID, !publishers.contains(name) { continue }
        coverage[name]?.lacks.append(status.name)
      }
    }
    return coverage
  }

  /// The enabled registries that were never heard since the start, or have failed: what is shown is only a part.
  public var partial: [String] {
    snapshot.registries.filter { $0.state != .disabled && ($0.state == .failed || !$0.hasSynced) }.map(\.name)
  }
}

/// What a registry has of the members.
public struct RegistryCoverage: Hashable, Sendable {
  /// The listed members that it has no record of.
  public var lacks: [String] = []
  /// How many members it has a stale record of.
  public var staleCount = 0

  /// Nothing that isn't as it should be.
  public init() {}
}
