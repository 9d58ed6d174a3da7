import AffiliateMerge
import ClusterModel
import ClusterResources
import Platform
import Rollcall

/// Which resources of a cluster are looked at, and how they are made of what the aggregator knows.
struct ResourceView: Sendable {
  let type: ResourceType
  let namespace: String
  /// What the NODE column says: who knows all this.
  let node: String
  /// The ids of those that are looked at; none for all.
  var ids: [String] = []

  private var isRaw: Bool { namespace == "cluster-raw" }

  /// The resources in `snapshot`, by id.
  func resources(in snapshot: ClusterSnapshot) -> [Resource] {
    let all: [Resource] =
      switch type {
      case .identity: identity(of: snapshot).map { [$0] } ?? []
      case .member: snapshot.members.map { member($0) }
      case .affiliate where isRaw: snapshot.rawAffiliates.map { raw($0.id, $0.record) }
      case .affiliate: snapshot.affiliates.map { affiliate($0) }
      case .conflict: conflicts(in: snapshot)
      default: snapshot.registries.map { registry($0, version: 1, created: $0.since) }
      }
    return ids.isEmpty ? all : all.filter { matches($0.metadata.id) }
  }

  /// What `change` does to the resources that are looked at; nil where it is about others.
  ///
  /// - Parameter snapshot: the cluster as it is now, where conflicts are looked at.
  func event(for change: ClusterChange, in snapshot: ClusterSnapshot? = nil) -> PrintedResource? {
    switch (change, type) {
    case (.conflict(let change), .conflict):
      snapshot.flatMap { snapshot in event(change) { conflict($0, in: snapshot) } }
    case (.member(let change), .member): event(change) { member($0) }
    case (.affiliate(let change), .affiliate) where !isRaw: event(change) { affiliate($0) }
    case (.raw(let change, _), .affiliate) where isRaw: event(change) { raw(change.key, $0) }
    default: nil
    }
  }

  private func event<Key, Value>(
    _ change: Change<Key, Value>, _ make: (Versioned<Value>) -> Resource
  ) -> PrintedResource? {
    guard let subject = change.new ?? change.old else { return nil }
    let resource = make(subject)
    guard matches(resource.metadata.id) else { return nil }
    let event: ResourceEvent =
      switch change.kind {
      case .created: .created
      case .updated: .updated
      case .removed: .destroyed
      }
    return PrintedResource(resource, event: event)
  }

  /// Whether the resource called `resourceID` is looked at: a raw affiliate also by its node's identity.
  func matches(_ resourceID: String) -> Bool {
    ids.isEmpty || ids.contains { resourceID == $0 || isRaw && resourceID.hasSuffix("/" + $0) }
  }

  /// Fails where one was asked for that isn't there.
  func checkFound(_ resources: [Resource], in snapshot: ClusterSnapshot) throws {
    let found = resources.map(\.metadata.id)
    let missing = ids.first { id in
      !found.contains { $0 == id || isRaw && $0.hasSuffix("/" + id) }
    }
    guard let missing else { return }
    var everything = self
    everything.ids = []
    let known = everything.resources(in: snapshot).lazy.map(\.metadata.id)
    let advice = didYouMean(missing, among: Array(known.prefix(10_000)))
    throw CommandError(
      "there is no \(type.kind.lowercased()) '\(missing)' in namespace '\(namespace)'"
        + (advice.map { ": \($0)" } ?? ""))
  }

  // MARK: One resource

  func identity(of snapshot: ClusterSnapshot) -> Resource? {
    guard let identity = snapshot.localID else { return nil }
    let created = snapshot.merge.affiliate(identity)?.created ?? .now()
    return .identity(identity, node: node, created: created)
  }

  private func affiliate(_ affiliate: Versioned<Affiliate>) -> Resource {
    .affiliate(
      affiliate.value, version: affiliate.version, node: node, created: affiliate.created,
      updated: affiliate.updated)
  }

  private func raw(_ id: RawID, _ record: Versioned<AffiliateRecord>) -> Resource {
    .affiliate(
      record.value.affiliate, rawID: id.description, owner: id.origin.registry, version: record.version,
      node: node, created: record.created, updated: record.updated)
  }

  private func member(_ member: Versioned<Member>) -> Resource {
    .member(
      member.value, version: member.version, node: node, created: member.created, updated: member.updated)
  }

  /// The conflicts in `snapshot`, those first that somebody should look at.
  private func conflicts(in snapshot: ClusterSnapshot) -> [Resource] {
    let conflicts = snapshot.conflicts
    return (conflicts.filter { $0.value.isWarning } + conflicts.filter { !$0.value.isWarning }).map {
      conflict($0, in: snapshot)
    }
  }

  func conflict(_ conflict: Versioned<Conflict>, in snapshot: ClusterSnapshot) -> Resource {
    .conflict(
      ConflictSummary(conflict, in: snapshot), version: conflict.version, node: node,
      updated: conflict.updated)
  }

  func registry(_ status: RegistryStatus, version: UInt64, created: Timestamp) -> Resource {
    .registry(
      RegistrySummary(status), version: version, node: node, created: created, updated: status.since)
  }
}

extension RegistrySummary {
  /// What a person is told of a registry: what is wrong now, else what last was, or why it isn't run.
  init(_ status: RegistryStatus) {
    self.init(
      name: status.name, plugin: status.plugin ?? "", state: status.state.rawValue, since: status.since,
      affiliates: status.affiliateCount,
      lastError: status.disabledReason ?? status.error?.message ?? status.lastFailure?.error.message ?? "")
  }
}
