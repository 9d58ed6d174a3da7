import ClusterModel

/// Joins records without an identity to nodes, by the ordered lists of what their registries are matched by.
///
/// Joining goes from a record to a node and never between nodes, so that no chain can make two identities one. A record
/// sees all records with an identity, and the records without one of origins that are matched before its own. A value
/// that several nodes have tells nothing, and who is told by nothing stands alone.
///
/// Changes are collected and settled together. Only records are looked at again that might come out otherwise: who asks
/// for a value of a changed record, or of any record on its node, and would come as far in its own list.
struct RecordMatcher: Sendable {
  private var index: MatchIndex
  private var lastSerial: UInt64 = 0

  /// What changed since it was last settled: what records say now; nil for those that are gone.
  private var pending: [RecordNumber: MatchRecord?] = [:]
  /// The numbers of records that are new since then.
  private var arrivals: [RecordKey: RecordNumber] = [:]
  /// The records that are to be looked at again, by the layers of their origins.
  private var dirty: [Int: Set<RecordNumber>] = [:]
  private var outcome = MatchOutcome()

  /// A matcher that knows no records; nil where no registry's records are matched.
  init?(_ policy: MergePolicy) {
    guard policy.matching.values.contains(where: { !$0.keys.isEmpty }) else { return nil }
    index = MatchIndex(policy)
  }

  // MARK: Reading

  /// The node of a record with a local id; nil where it isn't known or not settled.
  func node(of id: NodeIdentity, _ origin: Origin) -> NodeIdentity? {
    guard let position = index.position(of: origin.name),
      let number = index.locals[RecordKey(origin: position, id: id, isLocalID: true)]
    else { return nil }
    return index.records[number]?.place?.node
  }

  // MARK: Changes

  /// Takes what an origin says.
  ///
  /// - Parameter isStale: whether the origin is stale as a whole.
  mutating func put(_ record: AffiliateRecord, of origin: Origin, isStale: Bool) {
    let position = index.register(origin, isStale: isStale)
    let id = record.affiliate.nodeID
    let new = MatchRecord(
      id: id, values: index.columns.values(record.affiliate, record), isStale: record.isStale,
      createdAt: record.createdAt)
    let key = RecordKey(origin: position, id: id, isLocalID: record.isLocalID)
    if let number = number(key) {
      if let old = current(number), old.isSame(as: new) { return }
      pending.updateValue(new, forKey: number)
      return
    }
    lastSerial += 1
    let number = RecordNumber(origin: position, isLocalID: record.isLocalID, serial: lastSerial)
    arrivals[key] = number
    index.count(1, at: position)
    pending.updateValue(new, forKey: number)
  }

  /// Takes that an origin no longer has a record.
  mutating func remove(_ id: NodeIdentity, isLocalID: Bool, of origin: RecordOrigin) {
    guard let position = index.position(of: origin),
      let number = number(RecordKey(origin: position, id: id, isLocalID: isLocalID))
    else { return }
    pending.updateValue(nil, forKey: number)
  }

  /// Takes what this node says of itself.
  mutating func setOwn(_ own: AffiliateRecord?) {
    let number = RecordNumber(origin: 0, isLocalID: false, serial: 0)
    let new = own.map {
      MatchRecord(
        id: $0.affiliate.nodeID, values: index.columns.values($0.affiliate, $0), isStale: false,
        createdAt: nil)
    }
    let old = current(number)
    if old == nil, new == nil { return }
    if let old, let new, old.id == new.id, old.isSame(as: new) { return }
    pending.updateValue(new, forKey: number)
    // What registries say of this node becomes evidence, or is none any more.
    for id in Set([old?.id, new?.id].compactMap { $0 }) {
      for number in index.nodes[id]?.records ?? [] where !number.isLocalID && pending[number] == nil {
        if let record = index.records[number]?.record { pending.updateValue(record, forKey: number) }
      }
    }
    index.ownID = new?.id
  }

  /// Takes which origins are stale as a whole.
  mutating func setStale(_ isStale: (RecordOrigin) -> Bool) {
    var flipped: Set<Int> = []
    for position in index.origins.indices.dropFirst() {
      let isStale = isStale(index.origins[position].origin.name)
      if index.origins[position].isStale == isStale { continue }
      index.setStale(isStale, at: position)
      flipped.insert(position)
    }
    if flipped.isEmpty { return }
    for (number, entry) in index.records where flipped.contains(number.origin) && pending[number] == nil {
      pending.updateValue(entry.record, forKey: number)
    }
  }

  /// Takes that something is known otherwise of the identity itself: when it first came.
  mutating func touch(_ id: NodeIdentity) {
    for number in index.nodes[id]?.records ?? [] where !number.isLocalID && pending[number] == nil {
      if let record = index.records[number]?.record { pending.updateValue(record, forKey: number) }
    }
  }

  /// What the record says now, settled or not.
  private func current(_ number: RecordNumber) -> MatchRecord? {
    if let new = pending[number] { return new }
    return index.records[number]?.record
  }

  private func number(_ key: RecordKey) -> RecordNumber? {
    if let number = arrivals[key] { return number }
    if key.isLocalID { return index.locals[key] }
    return index.nodes[key.id]?.records.first { $0.origin == key.origin && !$0.isLocalID }
  }

  // MARK: Settling

  /// Settles what changed.
  ///
  /// - Parameter table: what knows when identities first came.
  /// - Returns: which records are of another node, and which stand alone for other reasons.
  mutating func settle(_ table: NodeTable) -> MatchOutcome {
    if pending.isEmpty { return MatchOutcome() }
    let changes = pending.map {
      RecordChange(number: $0.key, old: index.records[$0.key]?.record, new: $0.value)
    }
    // All that is as it was, before anything changes: midway a value may seem common that neither was nor is.
    for change in changes {
      guard let old = change.old, let node = index.node(of: change.number) else { continue }
      touch(change.valuesOfOld, of: change.number)
      touch(node, after: change.number.isLocalID ? index.layer(change.number) : nil)
      if change.new == nil, change.number.isLocalID { forget(change.number, old) }
    }
    for change in changes {
      index.replace(change.number, change.old, with: change.new)
      if change.new == nil { index.count(-1, at: change.number.origin) }
    }
    for change in changes {
      guard let new = change.new else { continue }
      touch(change.valuesOfNew, of: change.number)
      if change.number.isLocalID {
        mark(change.number)
      } else if change.old?.id != new.id {
        touch(new.id, after: nil)
      }
    }
    settleFlips()
    while let layer = dirty.keys.min() {
      if let numbers = dirty.removeValue(forKey: layer) { settle(numbers, layer, table) }
    }
    pending = [:]
    arrivals = [:]
    defer { outcome = MatchOutcome() }
    return outcome
  }

  private struct RecordChange {
    let number: RecordNumber
    let old: MatchRecord?
    let new: MatchRecord?

    /// What the record said by which others may see it otherwise now. Who sees it by what both versions say sees its
    /// node as well, unless the record itself is staler or fresher than before.
    var valuesOfOld: [MatchValue] { old.map { values(of: $0, new) } ?? [] }
    /// The same of what it says.
    var valuesOfNew: [MatchValue] { new.map { values(of: $0, old) } ?? [] }

    private func values(of record: MatchRecord, _ other: MatchRecord?) -> [MatchValue] {
      guard let other, other !== record, other.isStale == record.isStale else { return record.values }
      return record.values.filter { !other.values.contains($0) }
    }
  }

  // MARK: Who looks again

  private mutating func mark(_ number: RecordNumber) {
    dirty[index.layer(number), default: []].insert(number)
  }

  /// Who asks for one of these values that the record says or said looks again.
  private mutating func touch(_ values: [MatchValue], of number: RecordNumber) {
    for value in values where index.columns.isAsked(value.column) {
      markAskers(of: value, saidBy: number)
    }
  }

  /// Something that the node says is otherwise, or which records are on it: who looked at it looks again.
  ///
  /// - Parameter layer: where a record of that layer came or went: only later ones see it.
  private mutating func touch(_ node: NodeIdentity, after layer: Int?) {
    guard let known = index.nodes[node] else { return }
    for number in known.choosers where layer.map({ index.layer(number) > $0 }) ?? true { mark(number) }
    for number in known.lookers where layer.map({ index.layer(number) > $0 }) ?? true { mark(number) }
  }

  /// Marks the records that ask for the value and see that the record says it, and would come as far.
  private mutating func markAskers(of value: MatchValue, saidBy number: RecordNumber) {
    if let claims = index.claims[value], !claims.isCommon {
      claims.forEach { mark(asker: $0, value.column, number, isShort: false) }
      if index.columns.isShort(value.column), MatchName.isBare(value.text) {
        index.firstLabels[value]?.forEach { mark(asker: $0, value.column, number, isShort: true) }
      }
    }
    if index.columns.isShort(value.column), let asking = index.firstLabels[index.firstLabel(value)],
      !asking.isCommon
    {
      asking.forEach { mark(asker: $0, value.column, number, isShort: true) }
    }
  }

  private mutating func mark(
    asker: RecordNumber, _ column: MatchColumn, _ number: RecordNumber, isShort: Bool
  ) {
    guard asker.isLocalID, asker != number, dirty[index.layer(asker)]?.contains(asker) != true,
      let place = index.records[asker]?.place
    else { return }
    let origin = index.origins[asker.origin]
    guard let position = origin.keys.firstIndex(where: { $0.column == column }),
      !isShort || origin.keys[position].isShort
    else { return }
    if asker.origin == number.origin { return mark(asker) }
    if number.isLocalID, origin.layer <= index.layer(number) { return }
    if let choice = place.choice {
      let least = number.isLocalID ? MatchStrength.fresh : .freshIdentity
      if (choice.strength, choice.position) < (least, position) { return }
    }
    mark(asker)
  }

  private mutating func settleFlips() {
    let flips = index.takeFlips()
    for (value, wasCommon) in flips.values where (index.claims[value]?.isCommon ?? false) != wasCommon {
      index.claims[value]?.forEach { number in
        if number.isLocalID { mark(number) }
        if let node = index.node(of: number) { touch(node, after: nil) }
      }
      if index.columns.isShort(value.column) {
        index.firstLabels[value]?.forEach { if $0.isLocalID { mark($0) } }
      }
    }
    for (label, wasCommon) in flips.firstLabels
    where (index.firstLabels[label]?.isCommon ?? false) != wasCommon {
      index.firstLabels[label]?.forEach { if $0.isLocalID { mark($0) } }
    }
  }

  /// A record with a local id goes; it is still indexed.
  private mutating func forget(_ number: RecordNumber, _ record: MatchRecord) {
    guard let place = index.records[number]?.place else { return }
    index.unplace(number, place)
    if let node = place.choice?.node {
      // Those of its origin that choose the same may be rivals no more.
      for other in index.nodes[node]?.choosers ?? [] where other.origin == number.origin { mark(other) }
    }
    note(index.rawID(number, record), from: place, to: nil)
  }

  private mutating func note(_ record: RawID, from old: MatchPlace?, to new: MatchPlace?) {
    outcome.places.append((record, new))
    let (before, after) = (old?.conflict ?? [], new?.conflict ?? [])
    if before != after { outcome.conflicts.append(MatchOutcome.ConflictChange(record: record, old: before)) }
  }

  /// Looks again at records of one layer, which see none of each other.
  private mutating func settle(_ numbers: Set<RecordNumber>, _ layer: Int, _ table: NodeTable) {
    var results: [RecordNumber: MatchRule.Result] = [:]
    do {
      let rule = MatchRule(index: index, table: table)
      for number in numbers {
        if let entry = index.records[number] { results[number] = rule.evaluate(number, entry.record) }
      }
    }
    var chosen: Set<NodeIdentity> = []
    for (number, result) in results {
      let (old, new) = (index.records[number]?.place?.choice?.node, result.choice?.node)
      index.choose(number, new, insteadOf: old)
      if let old { chosen.insert(old) }
      if let new { chosen.insert(new) }
    }
    for node in chosen {
      for number in index.nodes[node]?.choosers ?? [] where index.layer(number) == layer {
        guard results[number] == nil, let place = index.records[number]?.place else { continue }
        // It comes to the same by itself; of rivals it is asked anew.
        results[number] = MatchRule.Result(
          choice: place.choice, notes: place.notes.filter { $0.reason != .rival }, looked: place.looked)
      }
    }
    for (number, place) in places(results, table) { self.place(number, place, layer) }
  }

  /// Where records belong by what their values come to, rivals among them considered.
  private func places(_ results: [RecordNumber: MatchRule.Result], _ table: NodeTable) -> [(
    RecordNumber, MatchPlace
  )] {
    let rule = MatchRule(index: index, table: table)
    return results.compactMap { number, result in
      guard let record = index.records[number]?.record else { return nil }
      let origin = index.origins[number.origin]
      var notes = result.notes
      if let choice = result.choice {
        let rivals = rule.rivals(of: number, record, choice, results)
        if rivals.isEmpty {
          return (
            number, MatchPlace(node: choice.node, choice: choice, notes: notes, looked: result.looked)
          )
        }
        notes.append(
          MatchNote(
            .rival, origin.keys[choice.position].field, choice.value.text, candidates: [choice.node],
            records: rivals))
      }
      let own = origin.origin.node(of: record.id, isLocalID: true)
      return (
        number, MatchPlace(node: own, choice: result.choice, notes: notes, looked: result.looked)
      )
    }
  }

  /// Puts the record where it belongs, and has those look again who see that.
  private mutating func place(_ number: RecordNumber, _ place: MatchPlace, _ layer: Int) {
    guard let entry = index.records[number] else { return }
    let old = entry.place
    if let old, old.isSame(as: place) { return }
    let moves = old?.node != place.node
    if moves, let old { touch(old.node, after: layer) }
    index.place(number, place)
    if moves {
      touch(place.node, after: layer)
      outcome.moves.append(
        MatchOutcome.Move(
          record: entry.record.id, origin: index.origins[number.origin].origin, from: old?.node,
          to: place.node))
    }
    note(index.rawID(number, entry.record), from: old, to: place)
  }
}
