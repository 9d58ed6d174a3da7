import ClusterModel
public import RegistryKit

/// What was seen of a registry while it was checked: of its first run, shortly after its first snapshot, or where it
/// had none, at the end of the wait for it.
public struct RegistryObservation: Hashable, Sendable {
  /// What one source knows.
  public struct Source: Hashable, Sendable {
    /// Its name, empty where it is the registry's only one.
    public let name: String
    /// The identities of its nodes, or what it calls them by, sorted.
    public let nodes: [String]
  }

  /// The sources that had a snapshot, by name.
  public let sources: [Source]
  /// The newest report of each aspect of each source: in the order of the aspects, then by source.
  public let health: [HealthReport]
  /// What it logged, each line as `level: message`, from `info` on; the first thousand lines.
  public let log: [String]

  init(sources: [Source] = [], health: [HealthReport] = [], log: [String] = []) {
    self.sources = sources
    self.health = health
    self.log = log
  }
}

extension ObservedRun.State {
  func observation(log: [String]) -> RegistryObservation {
    let aspects = HealthAspect.allCases
    let health = reports.sorted {
      let (left, right) = (aspects.firstIndex(of: $0.aspect) ?? 0, aspects.firstIndex(of: $1.aspect) ?? 0)
      return (left, $0.source.name) < (right, $1.source.name)
    }
    return RegistryObservation(
      sources: nodes.map { .init(name: $0.key.name, nodes: $0.value.map(\.text).sorted()) }
        .sorted { $0.name < $1.name },
      health: health, log: log)
  }
}
