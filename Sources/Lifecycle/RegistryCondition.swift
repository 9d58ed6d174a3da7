public import ClusterModel

/// What a member's life depends on of a registry that is enabled.
public struct RegistryCondition: Hashable, Sendable {
  /// The registry's name in the configuration.
  public var name: String
  /// Whether its records are leases that nodes renew themselves; nil while that isn't known, as before its plugin
  /// is loaded: then what it was before a restart holds.
  public var leases: Bool?
  /// After how long a node that it lists and that no lease and no health is seen of is called missing; nil: never.
  public var expect: Duration?
  /// Whether it can be heard: in this run it had a snapshot of each of its sources, and none is out of reach. One
  /// that is merely degraded is heard.
  public var isHeard: Bool
  /// Whether it has been out of reach for its `staleAfter`: all its records are stale.
  public var isStale: Bool
  /// The sources of it of which alone the records are stale.
  public var staleSources: Set<RegistrySource>
  /// Whether it accepted what this node publishes of itself.
  public var isPublished: Bool

  /// The condition of the registry called `name`; what isn't given is that of one that has just started.
  public init(
    name: String, leases: Bool? = nil, expect: Duration? = nil, isHeard: Bool = false, isStale: Bool = false,
    staleSources: Set<RegistrySource> = [], isPublished: Bool = false
  ) {
    self.name = name
    self.leases = leases
    self.expect = expect
    self.isHeard = isHeard
    self.isStale = isStale
    self.staleSources = staleSources
    self.isPublished = isPublished
  }
}

/// A registry and what has become of it so far.
struct KnownRegistry: Hashable, Sendable {
  fileprivate(set) var condition: RegistryCondition
  /// Whether its records are leases, as far as that is known.
  fileprivate(set) var leases: Bool
  /// Since when it is heard without a break; nil: it isn't.
  fileprivate(set) var heardSince: Duration?
  /// Whether it was heard since the start.
  fileprivate(set) var hasBeenHeard: Bool

  func isStale(_ source: RegistrySource) -> Bool {
    condition.isStale || condition.staleSources.contains(source)
  }

  /// Whether nodes' presence in it, or what follows from that, may be another one.
  fileprivate func differs(from other: KnownRegistry) -> Bool {
    leases != other.leases || condition.expect != other.condition.expect
      || condition.isStale != other.condition.isStale || hasBeenHeard != other.hasBeenHeard
      || condition.staleSources != other.condition.staleSources
  }
}

/// Stands for a ``RecordSource`` in a ``RegistryTable``: nodes have many records, of few sources.
struct SourceNumber: Hashable, Sendable {
  fileprivate let value: UInt32
}

/// What a node's state depends on of where a record is from. Without texts, as each node that is touched asks.
struct SourceFacts: Sendable {
  /// Where its registry is in ``RegistryTable/all``; nil where that isn't enabled.
  fileprivate(set) var position: Int?
  fileprivate(set) var leases = false
  fileprivate(set) var isStale = false
  fileprivate(set) var expect: Duration?
}

/// The registries that are enabled, in the order of the configuration.
struct RegistryTable: Sendable {
  private(set) var all: [KnownRegistry] = []
  /// Since when every lease registry is heard without a break; nil where one isn't, or there is none.
  private(set) var leasesHeardSince: Duration?
  /// Whether registries' records were leases, as it was before a restart.
  private var remembered: [String: Bool] = [:]
  /// Sources of which there are records, or were, by their numbers.
  private var sources: [RecordSource] = []
  private var facts: [SourceFacts] = []

  subscript(name: String) -> KnownRegistry? { all.first { $0.condition.name == name } }

  mutating func remember(_ leases: [String: Bool]) {
    remembered.merge(leases) { _, new in new }
    for index in all.indices where all[index].condition.leases == nil {
      all[index].leases = remembered[all[index].condition.name] ?? false
    }
    settle()
  }

  /// What taking new conditions touched.
  struct Difference {
    /// Registries that are gone.
    var removed: [String] = []
    /// Whether presence may be another one anywhere.
    var touchesAll = false
    /// Whether the time that expected nodes are given may end at another moment.
    var touchesExpected = false
    /// Whether this node's own presence may be another one.
    var touchesLocal = false
  }

  /// Takes the conditions of all registries.
  mutating func take(_ conditions: [RegistryCondition], at now: Duration) -> Difference {
    var difference = Difference()
    let names = Set(conditions.map(\.name))
    difference.removed = all.map(\.condition.name).filter { !names.contains($0) }
    difference.touchesAll = !difference.removed.isEmpty
    let before = leasesHeardSince
    all = conditions.map { condition in
      let old = self[condition.name]
      let leases = condition.leases ?? remembered[condition.name] ?? old?.leases ?? false
      let new = KnownRegistry(
        condition: condition, leases: leases, heardSince: condition.isHeard ? old?.heardSince ?? now : nil,
        hasBeenHeard: condition.isHeard || old?.hasBeenHeard == true)
      if condition.leases != nil { remembered[condition.name] = leases }
      if old.map(new.differs) ?? true { difference.touchesAll = true }
      if old?.condition.isPublished != condition.isPublished { difference.touchesLocal = true }
      return new
    }
    settle()
    difference.touchesExpected = leasesHeardSince != before
    return difference
  }

  private mutating func settle() {
    facts = sources.map(facts(of:))
    leasesHeardSince = nil
    for registry in all where registry.leases {
      guard let since = registry.heardSince else {
        leasesHeardSince = nil
        return
      }
      leasesHeardSince = max(leasesHeardSince ?? since, since)
    }
  }

  /// Whether both have the same registries in the same order.
  func hasNames(of other: RegistryTable) -> Bool {
    all.elementsEqual(other.all) { $0.condition.name == $1.condition.name }
  }

  // MARK: Sources

  /// The number of a source that has one.
  func number(of source: RecordSource) -> SourceNumber? {
    sources.firstIndex(of: source).map { SourceNumber(value: UInt32($0)) }
  }

  /// Numbers a source that has none.
  mutating func add(_ source: RecordSource) -> SourceNumber {
    sources.append(source)
    facts.append(facts(of: source))
    return SourceNumber(value: UInt32(sources.count - 1))
  }

  /// The source of that number.
  func source(_ number: SourceNumber) -> RecordSource { sources[Int(number.value)] }

  subscript(number: SourceNumber) -> SourceFacts { facts[Int(number.value)] }

  private func facts(of source: RecordSource) -> SourceFacts {
    guard let position = all.firstIndex(where: { $0.condition.name == source.registry }) else {
      return SourceFacts()
    }
    let registry = all[position]
    return SourceFacts(
      position: position, leases: registry.leases, isStale: registry.isStale(source.source),
      expect: registry.condition.expect)
  }
}

/// A ``RegistryTable`` that is never changed, so that all that is shown by it shares it.
final class SharedRegistries: Sendable {
  let table: RegistryTable

  init(_ table: RegistryTable) { self.table = table }
}
