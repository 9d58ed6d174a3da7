import AffiliateMerge
import ClusterModel
import RegistryKit

/// What happens to a registry, and what that means for its data.
extension StoreState {
  /// A run starts.
  mutating func began(_ key: RegistryKey, isRestart: Bool) {
    update(key) { entry in
      entry.began()
      if isRestart { entry.status.restarts += 1 }
    }
    effects.movesDeadlines = true
  }

  /// The registry has been made: what it is, and what its raw ids start with from now on.
  ///
  /// - Returns: why it can't be run: another registry's raw ids start with the same.
  mutating func made(
    _ key: RegistryKey, prefix: String, descriptor: RegistryDescriptor?, publishes: Bool
  ) -> RegistryError? {
    let other = entries.first {
      $0.key.name != key.name && $0.status.state != .disabled && $0.status.prefix == prefix
    }
    if let other {
      return RegistryError(
        .invalidArgument,
        "its raw ids would start with '\(prefix)/' as those of registry '\(other.key.name)' do")
    }
    if let entry = entry(key), entry.status.prefix != prefix, !entry.sources.isEmpty {
      merge(.registryGone(key.name))
      update(key) { $0.forgetSources() }
    }
    update(key) { entry in
      entry.status.prefix = prefix
      entry.status.plugin = descriptor?.name
      entry.status.pluginVersion = descriptor?.version
      entry.status.publishes = publishes
    }
    return nil
  }

  /// Takes in a piece of what a source told.
  ///
  /// - Returns: how many records there are of the registry now.
  mutating func apply(
    base: SourceBatch.Base, changes: ArraySlice<SourceBatch.NodeChange>, of source: RegistrySource,
    from key: RegistryKey
  ) -> Int {
    guard let entry = entry(key) else { return 0 }
    let origin = entry.origin(source)
    switch base {
    case .unchanged: break
    case .snapshot(let records): merge(.snapshot(records, from: origin))
    case .gone: merge(.originGone(origin))
    }
    for change in changes {
      switch change {
      case .upsert(let record): merge(.upsert(record, from: origin))
      case .remove(let nodeID): merge(.remove(nodeID, from: origin))
      }
    }
    if case .snapshot = base {
      if entry.status.isStale { merge(.registryStale(key.name, false)) }
      if entry.staleSources.contains(source) { merge(.originStale(origin, false)) }
    }
    let (now, elapsed) = (now, elapsed)
    update(key) { entry in
      entry.status.lastUpdate = now
      switch base {
      case .unchanged: break
      case .gone:
        entry.sources.remove(source)
        entry.confirmed.remove(source)
        entry.staleSources.remove(source)
      case .snapshot:
        entry.sources.insert(source)
        entry.confirmed.insert(source)
        entry.staleSources.remove(source)
        entry.spoke(at: elapsed)
      }
    }
    effects.isRevised = true
    if base != .unchanged { effects.movesDeadlines = true }
    return merge.rawCount(of: key.name)
  }

  /// Takes in what a registry told of itself.
  mutating func apply(stateOf batch: Batch, from key: RegistryKey) {
    let (now, elapsed) = (now, elapsed)
    update(key) { entry in
      if let publicAddress = batch.publicAddress { entry.status.publicAddress = publicAddress }
      if batch.completesSync { entry.synced(at: elapsed) }
      if let health = batch.health { entry.heard(health, at: now) }
      if batch.completesSync { entry.settle(at: now) }
    }
    if batch.completesSync { effects.movesDeadlines = true }
  }

  /// A run ended, or the registry couldn't be made. Its data stay until ``expire()`` says otherwise.
  mutating func failed(_ key: RegistryKey, _ error: RegistryError) {
    let (now, elapsed) = (now, elapsed)
    update(key) { entry in
      entry.ended()
      if entry.staleAt == nil, !entry.status.isStale { entry.staleAt = elapsed + entry.staleAfter }
      entry.sweepAt = nil
      entry.failed(error, at: now)
    }
    effects.movesDeadlines = true
    expire()
  }

  /// A registry was stopped.
  mutating func stopped(_ key: RegistryKey) {
    update(key) { $0.ended() }
    effects.isRevised = true
  }

  /// When ``expire()`` has something to do next.
  var nextDeadline: Duration? {
    entries.lazy.flatMap { [$0.staleAt, $0.sweepAt] }.compactMap { $0 }.min()
  }

  /// Does what is due: data that were kept long enough become stale or are dropped.
  mutating func expire() {
    for entry in entries {
      if let staleAt = entry.staleAt, staleAt <= elapsed { wentStale(entry) }
      if let sweepAt = entry.sweepAt, sweepAt <= elapsed { waitedEnough(entry) }
    }
  }

  private mutating func wentStale(_ entry: RegistryEntry) {
    switch entry.onFailure {
    case .keep:
      merge(.registryStale(entry.key.name, true))
      update(entry.key) { entry in
        entry.staleAt = nil
        entry.status.isStale = true
      }
    case .drop:
      merge(.registryGone(entry.key.name))
      update(entry.key) { entry in
        entry.staleAt = nil
        entry.forgetSources()
      }
    }
    effects.movesDeadlines = true
  }

  /// Sources that this run hasn't told of. If it told of all that it has, it has no such sources; if not they
  /// may be out of reach, and their last word is better than none.
  private mutating func waitedEnough(_ entry: RegistryEntry) {
    guard entry.onFailure == .keep, entry.syncedAt == nil else { return sweep(entry) }
    let silent = entry.sources.subtracting(entry.confirmed)
    for source in silent.sorted() { merge(.originStale(entry.origin(source), true)) }
    update(entry.key) { entry in
      entry.staleSources.formUnion(silent)
      entry.sweepAt = nil
    }
    effects.movesDeadlines = true
  }

  /// Drops the sources that this run hasn't told of, though it isn't time yet.
  ///
  /// - Returns: how many records there are of the registry now.
  mutating func sweep(_ key: RegistryKey) -> Int {
    if let entry = entry(key) { sweep(entry) }
    return merge.rawCount(of: key.name)
  }

  private mutating func sweep(_ entry: RegistryEntry) {
    let gone = entry.sources.subtracting(entry.confirmed)
    for source in gone.sorted() { merge(.originGone(entry.origin(source))) }
    update(entry.key) { entry in
      entry.sources.subtract(gone)
      entry.staleSources.subtract(gone)
      entry.sweepAt = nil
    }
    effects.movesDeadlines = true
  }

  // MARK: Publishing

  /// What the registry is to publish; nil where it never had anything to.
  func publication(for key: RegistryKey) -> Publication? {
    guard let entry = entry(key) else { return nil }
    if entry.isLeaving { return entry.hasPublished ? Publication(local: nil) : nil }
    // Without a local affiliate there is something to say only to whom something was said before.
    guard let publication, publication.local != nil || entry.hasPublished else { return nil }
    return publication
  }

  /// What is to be handed to the registry now: from here on others may know of this node through it. Nil
  /// where there is nothing but what it `accepted`.
  mutating func publish(_ key: RegistryKey, unless accepted: Publication?) -> Publication? {
    guard let publication = publication(for: key), publication != accepted else { return nil }
    update(key) { $0.hasPublished = true }
    return publication
  }

  /// How handing it over went.
  mutating func published(_ key: RegistryKey, _ publication: Publication, _ error: RegistryError?) {
    let now = now
    update(key) { entry in
      if error == nil, publication.local == nil { entry.hasPublished = false }
      entry.publishEnded(error, at: now)
    }
    effects.isRevised = true
  }

  /// Lets the registries of `names` withdraw what they published.
  mutating func leave(_ keys: Set<RegistryKey>) {
    for key in keys { update(key) { $0.isLeaving = true } }
    effects.movesPublication = true
  }

  /// Those of `keys` that haven't withdrawn yet what they published.
  func withdrawing(_ keys: Set<RegistryKey>) -> [RegistryKey] {
    entries.filter {
      keys.contains($0.key) && $0.isRunning && $0.status.publishes && $0.hasPublished
    }.map(\.key)
  }
}
