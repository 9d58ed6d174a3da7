import AffiliateMerge
import ClusterModel
import RegistryKit
import RollcallConfiguration

/// What a ``ClusterStore`` guards. Its methods follow one scheme: they change the state and note what came
/// of it, and ``flush()`` hands that out at the end of the change.
struct StoreState: Sendable {
  /// Whom a change concerns.
  struct Effects: Sendable {
    var readers: [Signal] = []
    var isRevised = false
    var movesDeadlines = false
    var movesPublication = false
  }

  /// The moment of the change, set by the store: civil time, and time since the store was made.
  var now = Timestamp(milliseconds: 0)
  var elapsed = Duration.zero

  private(set) var merge: ClusterMerge
  /// All registries in their declared order.
  private(set) var entries: [RegistryEntry] = []
  private(set) var revision: UInt64 = 0
  private(set) var isFinished = false
  /// What this node tells registries that publish; nil: nothing was ever to be told.
  private(set) var publication: Publication?

  private var readers: [UInt64: ChangeBuffer] = [:]
  private var nextReader: UInt64 = 0

  private var directives: [MergeDirective] = []
  private var notices: [ClusterChange] = []
  var effects = Effects()

  init(policy: MergePolicy) { merge = ClusterMerge(policy: policy) }

  // MARK: Changing

  mutating func merge(_ event: MergeEvent) {
    directives += merge.apply(event, at: now)
  }

  /// Lets `body` change the entry of `key`, if there is one still, and tells readers where its status
  /// became another one. Counts alone aren't told.
  mutating func update(_ key: RegistryKey, _ body: (inout RegistryEntry) -> Void) {
    guard let index = entries.firstIndex(where: { $0.key == key }) else { return }
    let before = entries[index].status
    body(&entries[index])
    var after = entries[index].status
    after.lastUpdate = before.lastUpdate
    guard after != before else { return }
    notices.append(.registry(status(of: entries[index])))
  }

  /// Hands out what came of a change.
  mutating func flush() -> Effects {
    defer {
      effects = Effects()
      directives = []
      notices = []
    }
    guard !directives.isEmpty || !notices.isEmpty || effects.isRevised else { return effects }
    revision += 1
    effects.isRevised = true
    for id in readers.keys {
      if !directives.isEmpty {
        readers[id]?.append(.directives(directives), weight: directives.count)
      }
      for notice in notices { readers[id]?.append(notice, weight: 1) }
    }
    effects.readers = readers.values.map(\.signal)
    return effects
  }

  mutating func finish() {
    isFinished = true
    effects.isRevised = true
  }

  mutating func setPolicy(_ policy: MergePolicy) {
    if policy != merge.policy { merge(.policy(policy)) }
  }

  /// Takes what this node tells of itself into the view, and for registries to publish.
  mutating func setLocal(_ affiliate: Affiliate?, publishes: Bool) {
    merge(.local(affiliate))
    guard publishes else { return }
    let seen = publication?.seenEndpoints ?? [:]
    let next = Publication(local: affiliate, seenEndpoints: affiliate == nil ? [:] : seen)
    guard next != publication, affiliate != nil || publication != nil else { return }
    publication = next
    effects.movesPublication = true
  }

  mutating func setSeenEndpoints(_ endpoints: [NodeIdentity: [IPEndpoint]]) {
    guard publication?.seenEndpoints != endpoints else { return }
    publication = Publication(local: publication?.local, seenEndpoints: endpoints)
    effects.movesPublication = true
  }

  // MARK: Registries

  /// Adds `entry`, or puts it in the place of the one of its name. Its data are kept until it told its own.
  mutating func place(_ entry: RegistryEntry) {
    if let index = entries.firstIndex(where: { $0.key.name == entry.key.name }) {
      entries[index] = entry
    } else {
      entries.append(entry)
    }
    notices.append(.registry(status(of: entry)))
    effects.movesDeadlines = true
    effects.movesPublication = true
  }

  /// Forgets a registry and what it told.
  mutating func remove(_ name: String) {
    guard let index = entries.firstIndex(where: { $0.key.name == name }) else { return }
    entries.remove(at: index)
    merge(.registryGone(name))
    notices.append(.registryRemoved(name))
  }

  /// Puts the registries in the order of `names`.
  mutating func order(_ names: [String]) {
    let rank = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    entries.sort { (rank[$0.key.name] ?? .max) < (rank[$1.key.name] ?? .max) }
    effects.isRevised = true
  }

  func entry(_ key: RegistryKey) -> RegistryEntry? { entries.first { $0.key == key } }
  func entry(named name: String) -> RegistryEntry? { entries.first { $0.key.name == name } }

  // MARK: Reading

  func snapshot() -> ClusterSnapshot {
    ClusterSnapshot(merge: merge, registries: entries.map(status), revision: revision)
  }

  private func status(of entry: RegistryEntry) -> RegistryStatus {
    var status = entry.status
    status.affiliateCount = merge.rawCount(of: status.name)
    return status
  }

  var readerCount: Int { readers.count }

  mutating func subscribe(_ buffer: ChangeBuffer) -> UInt64 {
    nextReader += 1
    readers[nextReader] = buffer
    return nextReader
  }

  mutating func unsubscribe(_ id: UInt64) { readers[id] = nil }

  mutating func take(_ id: UInt64) -> ChangeSubscription.Taken {
    if readers[id]?.needsSnapshot == true {
      readers[id]?.snapshotTaken()
      return .change(.snapshot(snapshot()))
    }
    if let change = readers[id]?.next() { return .change(change) }
    return isFinished ? .ended : .nothing
  }
}
