import ClusterResources
import Rollcall

/// What somebody who watches a list is shown of each event.
struct WatchedResources {
  /// Registries have no version of their own: it is what was seen here.
  private var registries: [String: Resource] = [:]

  /// What `event` does to what was shown; `snapshot` gives the cluster as it is now.
  mutating func take(
    _ event: ClusterEvent, _ view: ResourceView, _ snapshot: () -> ClusterSnapshot
  ) -> [PrintedResource] {
    switch event {
    case .snapshot(let snapshot):
      let resources = view.resources(in: snapshot)
      if view.type == .registry { for resource in resources { registries[resource.metadata.id] = resource } }
      return resources.map { PrintedResource($0, event: .created) }
    case .changes(let changes):
      // Who says what of a conflict is known to the cluster as a whole only.
      let now = view.type == .conflict ? snapshot() : nil
      return changes.compactMap { view.event(for: $0, in: now) }
    case .life, .history: return []
    case .registry(let status): return registry(status, view)
    case .registryRemoved(let name):
      guard view.type == .registry, let old = registries.removeValue(forKey: name) else { return [] }
      return [PrintedResource(old, event: .destroyed)]
    }
  }

  private mutating func registry(_ status: RegistryStatus, _ view: ResourceView) -> [PrintedResource] {
    guard view.type == .registry, view.matches(status.name) else { return [] }
    let resource = view.registry(status, version: 1, created: status.since)
    let next = registries[status.name].map { Self.successor(of: $0, resource) } ?? resource
    let old = registries.updateValue(next, forKey: status.name)
    guard next != old else { return [] }
    return [PrintedResource(next, event: old == nil ? .created : .updated)]
  }

  private static func successor(of old: Resource, _ new: Resource) -> Resource {
    var next = new
    next.metadata.created = old.metadata.created
    let isSame = old.spec == new.spec
    next.metadata.version = isSame ? old.metadata.version : old.metadata.version + 1
    next.metadata.updated = isSame ? old.metadata.updated : new.metadata.updated
    return next
  }
}
