import ClusterModel
import RegistryKit
import Synchronization

/// One run of a registry, with everything that it told.
final class ObservedRun: Sendable {
  struct State: Sendable {
    var events: [RegistryEvent] = []
    /// How it ended: without an error or with one. Nil while it runs.
    var end: Result<Void, RegistryError>?
  }

  let registry: any Registry
  private let state = Mutex(State())
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// Starts to run `registry`.
  init(_ registry: any Registry) {
    self.registry = registry
    // Unstructured: a registry that doesn't end on cancellation must not keep the checks from ending.
    let run = Task { [weak self] in
      let updates = RegistryUpdates { [weak self] event throws(RegistryError) in
        self?.state.withLock { $0.events.append(event) }
      }
      let end: Result<Void, RegistryError>
      do {
        try await registry.run(updates: updates)
        end = .success(())
      } catch {
        end = .failure(RegistryError(error))
      }
      self?.state.withLock { $0.end = end }
    }
    task.withLock { $0 = run }
  }

  deinit { cancel() }

  func cancel() { task.withLock { $0?.cancel() } }

  var now: State { state.withLock { $0 } }

  var updates: [RegistryUpdate] { now.updates }
}

extension ObservedRun.State {
  var updates: [RegistryUpdate] {
    events.compactMap { if case .update(let update) = $0 { update } else { nil } }
  }

  /// The sources that it named and neither told a snapshot of nor ended.
  var awaited: Set<RegistrySource> {
    var awaited: Set<RegistrySource> = []
    var known: Set<RegistrySource> = []
    for event in events {
      switch event {
      case .sources(let sources): awaited = Set(sources).subtracting(known)
      case .update(.snapshot(_, let source)):
        known.insert(source)
        awaited.remove(source)
      case .update(.sourceGone(let source)):
        known.remove(source)
        awaited.remove(source)
      default: break
      }
    }
    return awaited
  }

  /// Whether the newest word on the registry's state is that something doesn't work.
  var trouble: RegistryError? {
    var trouble: RegistryError?
    for event in events {
      switch event {
      case .degraded(let error): trouble = error
      case .healthy: trouble = nil
      default: break
      }
    }
    if case .failure(let error) = end { trouble = error }
    return trouble
  }

  /// All nodes that are known after these events, by source.
  var nodes: [RegistrySource: Set<NodeIdentity>] {
    var nodes: [RegistrySource: Set<NodeIdentity>] = [:]
    for update in updates {
      switch update {
      case .snapshot(let records, let source): nodes[source] = Set(records.map(\.affiliate.nodeID))
      case .upsert(let record, let source): nodes[source, default: []].insert(record.affiliate.nodeID)
      case .remove(let nodeID, let source): nodes[source]?.remove(nodeID)
      case .sourceGone(let source): nodes[source] = nil
      }
    }
    return nodes
  }
}
