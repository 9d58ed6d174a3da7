public import ClusterModel
import Exposition
public import KubeSpan
import Lifecycle
import RegistryKit
public import Rollcall

/// A page of metrics, ready to be sent.
public struct MetricsPage: Hashable, Sendable {
  /// The HTTP header `Content-Type`.
  public let contentType: String
  /// The page.
  public let text: String
}

extension DaemonMetrics {
  /// All families as they are now.
  ///
  /// - Parameters:
  ///   - mesh: how the WireGuard mesh is; nil: there is none.
  ///   - now: the civil time, for ages.
  ///   - accept: the reader's HTTP header `Accept`: OpenMetrics is given to who asks for it.
  public func page(
    _ snapshot: ClusterSnapshot, mesh: MeshReport? = nil, at now: Timestamp, accept: String? = nil
  ) -> MetricsPage {
    let format = ExpositionFormat(accept: accept)
    var writer = FamilyWriter(ExpositionText(format))
    writer.single(
      .buildInfo, [("version", RollcallVersion.current), ("swift", Self.compiler)], "1")
    writeRegistries(snapshot, tally(of: snapshot), to: &writer)
    writePublications(snapshot, to: &writer)
    writeMembers(snapshot, tally(of: snapshot), to: &writer)
    writeReaders(to: &writer)
    writer.single(.tableRevision, [], "\(snapshot.revision)")
    writeCache(tally(of: snapshot), at: now, to: &writer)
    writeOutputs(to: &writer)
    let reload = reload.withLock { $0 }
    writer.single(.reloadSuccessful, [], reload.isSuccessful ? "1" : "0")
    writer.start(.reloadTime)
    if let time = reload.successAt { writer.sample([], time.metricSeconds) }
    writer.counts(.droppedLines, ["registry"], droppedLines)
    writeMesh(mesh, to: &writer)
    return MetricsPage(contentType: format.contentType, text: writer.page.text)
  }

  private static var compiler: String {
    #if compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  private func tally(of snapshot: ClusterSnapshot) -> ClusterTally {
    if let known = tally.withLock({ $0 }), known.revision == snapshot.revision { return known }
    let new = ClusterTally(snapshot)
    tally.withLock { $0 = new }
    return new
  }

  // MARK: Registries

  private func writeRegistries(
    _ snapshot: ClusterSnapshot, _ tally: ClusterTally, to writer: inout FamilyWriter
  ) {
    let registries = snapshot.registries
    let enabled = registries.filter { $0.state != .disabled }
    writer.start(.registryState)
    for registry in registries {
      for state in RegistryStatus.State.allCases {
        writer.sample(
          [
            ("registry", registry.name), ("plugin", registry.plugin ?? ""), ("state", state.rawValue),
          ], registry.state == state ? "1" : "0")
      }
    }
    writer.start(.aspectHealthy)
    for registry in enabled {
      for aspect in HealthAspect.allCases where aspect != .publishing || registry.publishes {
        let isBroken = registry.problems.contains { $0.aspect == aspect && $0.error != nil }
        writer.sample([("registry", registry.name), ("aspect", aspect.rawValue)], isBroken ? "0" : "1")
      }
    }
    writer.start(.records)
    for registry in enabled {
      let stale = min(tally.stale[registry.name] ?? 0, registry.affiliateCount)
      writer.sample(
        [("registry", registry.name), ("presence", "fresh")], "\(registry.affiliateCount - stale)")
      writer.sample([("registry", registry.name), ("presence", "stale")], "\(stale)")
    }
    writer.start(.absentMembers)
    for registry in enabled {
      writer.sample([("registry", registry.name)], "\(tally.absent[registry.name] ?? 0)")
    }
    writer.start(.updates)
    for registry in enabled {
      let counts = registry.updates
      for (kind, count) in [
        ("snapshot", counts.snapshots), ("upsert", counts.upserts), ("remove", counts.removals),
      ] {
        writer.sample([("registry", registry.name), ("kind", kind)], "\(count)")
      }
    }
    writer.counts(.registryErrors, ["registry", "aspect", "code"], registryErrors)
    writer.start(.restarts)
    for registry in enabled { writer.sample([("registry", registry.name)], "\(registry.restarts)") }
    writer.start(.lastSuccess)
    for registry in enabled {
      if let time = registry.lastSuccess { writer.sample([("registry", registry.name)], time.metricSeconds) }
    }
    writer.histograms(.pollDuration, "registry", pollDurations)
    writer.histograms(.mergeDelay, "registry", mergeDelays)
  }

  private func writePublications(_ snapshot: ClusterSnapshot, to writer: inout FamilyWriter) {
    writer.counts(.publications, ["registry", "result"], publications)
    let published = snapshot.registries.compactMap { registry in
      registry.publication.map { (registry.name, $0) }
    }
    writer.start(.publicationAccepted)
    for (name, publication) in published {
      writer.sample([("registry", name)], publication.state == .accepted ? "1" : "0")
    }
    writer.start(.publicationTime)
    for (name, publication) in published {
      if let time = publication.acceptedAt { writer.sample([("registry", name)], time.metricSeconds) }
    }
  }

  // MARK: Members

  private func writeMembers(
    _ snapshot: ClusterSnapshot, _ tally: ClusterTally, to writer: inout FamilyWriter
  ) {
    writer.start(.members)
    for state in NodeState.allCases {
      writer.sample([("state", state.rawValue)], "\(tally.members[state] ?? 0)")
    }
    writer.start(.tombstones)
    for state in [NodeState.left, .missing] {
      writer.sample([("state", state.rawValue)], "\(tally.tombstones[state] ?? 0)")
    }
    writer.start(.missingSince)
    for missing in tally.missing {
      writer.sample([("member", missing.name), ("reason", missing.reason)], missing.since.metricSeconds)
    }
    writer.counts(.transitions, ["state", "reason"], transitions)
    writer.single(.flapping, [], "\(tally.flapping)")
    writer.start(.nodesBySources)
    for (count, nodes) in tally.sources.sorted(by: { $0.key < $1.key }) {
      writer.sample([("sources", "\(count)")], "\(nodes)")
    }
    writer.start(.conflicts)
    let conflicts = tally.conflicts.sorted { ($0.key.kind, $0.key.severity) < ($1.key.kind, $1.key.severity) }
    for (kind, count) in conflicts {
      writer.sample([("kind", kind.kind), ("severity", kind.severity)], "\(count)")
    }
  }

  // MARK: The daemon itself

  private func writeReaders(to writer: inout FamilyWriter) {
    writer.counts(.watchers, ["listener"], watchers)
    writer.counts(.resyncs, ["reason"], resyncs)
    writer.counts(.requests, ["handler", "code", "listener"], requests)
    writer.histograms(.requestDuration, "handler", requestDurations)
  }

  private func writeCache(_ tally: ClusterTally, at now: Timestamp, to writer: inout FamilyWriter) {
    let cache = cache.withLock { $0 }
    writer.start(.cacheAge)
    if let time = cache.currentAt {
      writer.sample([], "\(Double(max(0, now.milliseconds - time.milliseconds)) / 1000)")
    }
    writer.single(.cacheRecords, [], "\(tally.cached)")
    writer.single(.cacheErrors, [], "\(cache.writeErrors)")
    writer.single(.cacheDamaged, [], cache.isDamaged ? "1" : "0")
  }

  private func writeOutputs(to writer: inout FamilyWriter) {
    let outputs = outputs.withLock { $0 }.sorted { $0.key < $1.key }
    writer.start(.outputWrites)
    for (name, output) in outputs {
      for result in OutputResult.allCases {
        writer.sample(
          [("output", name), ("result", result.rawValue)], "\(output.results[result] ?? 0)")
      }
    }
    writer.start(.outputHeld)
    for (name, output) in outputs {
      for reason in HoldReason.allCases {
        writer.sample([("output", name), ("reason", reason.rawValue)], output.hold == reason ? "1" : "0")
      }
    }
    writer.start(.outputTime)
    for (name, output) in outputs {
      if let time = output.currentAt { writer.sample([("output", name)], time.metricSeconds) }
    }
    writer.counts(.commandRuns, ["command", "result"], commandRuns)
    writer.histograms(.commandDuration, "command", commandDurations)
  }
}
