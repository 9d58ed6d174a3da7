import ClusterResources
import Rollcall

/// What the reader of a watched list has been shown: what tells, after a snapshot, what is new in it.
struct KnownResources {
  private var shown: [String: Resource] = [:]

  /// What `event` does to what was shown.
  mutating func take(_ event: ClusterEvent, _ view: ResourceView) -> [PrintedResource] {
    switch event {
    case .snapshot(let snapshot): return replace(view.resources(in: snapshot), view)
    case .changes(let changes):
      let events = changes.compactMap { view.event(for: $0) }
      for event in events { remember(event) }
      return events
    case .registry(let status): return registry(status, view)
    case .registryRemoved(let name):
      guard view.type == .registry, let old = shown.removeValue(forKey: name) else { return [] }
      return [PrintedResource(old, event: .destroyed)]
    }
  }

  private mutating func replace(_ resources: [Resource], _ view: ResourceView) -> [PrintedResource] {
    var gone = shown
    shown = [:]
    var events: [PrintedResource] = []
    for resource in resources {
      let id = resource.metadata.id
      guard let old = gone.removeValue(forKey: id) else {
        shown[id] = resource
        events.append(PrintedResource(resource, event: .created))
        continue
      }
      guard view.type == .registry else {
        shown[id] = resource
        if old != resource { events.append(PrintedResource(resource, event: .updated)) }
        continue
      }
      // Registries have no version of their own: it is what was seen here.
      let next = successor(of: old, resource)
      shown[id] = next
      if next != old { events.append(PrintedResource(next, event: .updated)) }
    }
    let destroyed = gone.values.sorted { $0.metadata.id < $1.metadata.id }
    return events + destroyed.map { PrintedResource($0, event: .destroyed) }
  }

  private mutating func registry(_ status: RegistryStatus, _ view: ResourceView) -> [PrintedResource] {
    guard view.type == .registry, view.matches(status.name) else { return [] }
    let resource = view.registry(status, version: 1, created: status.since)
    let next = shown[status.name].map { successor(of: $0, resource) } ?? resource
    let old = shown.updateValue(next, forKey: status.name)
    guard next != old else { return [] }
    return [PrintedResource(next, event: old == nil ? .created : .updated)]
  }

  private func successor(of old: Resource, _ new: Resource) -> Resource {
    var next = new
    next.metadata.created = old.metadata.created
    let isSame = old.spec == new.spec
    next.metadata.version = isSame ? old.metadata.version : old.metadata.version + 1
    next.metadata.updated = isSame ? old.metadata.updated : new.metadata.updated
    return next
  }

  private mutating func remember(_ event: PrintedResource) {
    let id = event.resource.metadata.id
    shown[id] = event.event == .destroyed ? nil : event.resource
  }
}
