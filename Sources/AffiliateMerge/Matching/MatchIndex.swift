import ClusterModel

/// What records say, found by value: who says it, and on which node they are. Nobody's but the writer's: a copy that
/// is changed is made as a whole.
struct MatchIndex: Sendable {
  private let policy: MergePolicy
  let columns: MatchColumns
  /// By the position in a record's number; the first one is this node itself.
  private(set) var origins: [MatchOrigin]
  private(set) var records: [RecordNumber: MatchEntry] = [:]
  /// The numbers of records with local ids.
  private(set) var locals: [RecordKey: RecordNumber] = [:]
  private(set) var nodes: [NodeIdentity: NodeRecords] = [:]
  private(set) var claims: [MatchValue: Claims] = [:]
  /// Records by the first labels of names, of fields of which a registry asks for these.
  private(set) var firstLabels: [MatchValue: Claims] = [:]
  /// This node, which knows itself best: what registries say of it is no evidence.
  var ownID: NodeIdentity?
  /// Of which values and first labels it may be another thing than before whether they are common.
  private(set) var flips = Flips()

  /// An index of no records.
  init(_ policy: MergePolicy) {
    self.policy = policy
    columns = MatchColumns(policy)
    origins = [MatchOrigin(Origin(.own), [])]
  }

  // MARK: Origins

  func position(of name: RecordOrigin) -> Int? { origins.firstIndex { $0.origin.name == name } }

  /// The position of an origin, which gets one where it has none.
  ///
  /// - Parameter isStale: whether the origin is stale as a whole.
  mutating func register(_ origin: Origin, isStale: Bool) -> Int {
    if let known = position(of: origin.name) {
      if origins[known].origin !== origin { origins[known].origin = origin }
      if origins[known].count == 0 { origins[known].isStale = isStale }
      return known
    }
    var new = MatchOrigin(origin, columns.keys(policy.matching[origin.name.registry]?.keys ?? []))
    new.isStale = isStale
    let position = origins.indices.dropFirst().first { origins[$0].count == 0 } ?? origins.count
    if position < origins.count { origins[position] = new } else { origins.append(new) }
    let ranks = Dictionary(
      policy.precedence.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let order = origins.indices.sorted { origins[$0].isMatched(before: origins[$1], ranks) }
    for (layer, position) in order.enumerated() { origins[position].layer = layer }
    return position
  }

  mutating func count(_ difference: Int, at position: Int) { origins[position].count += difference }
  mutating func setStale(_ isStale: Bool, at position: Int) { origins[position].isStale = isStale }

  // MARK: Records

  /// The place of the record's origin in the order in which records without identities are matched.
  func layer(_ number: RecordNumber) -> Int { origins[number.origin].layer }

  func isStale(_ number: RecordNumber, _ record: MatchRecord) -> Bool {
    record.isStale || origins[number.origin].isStale
  }

  func strength(_ number: RecordNumber, _ record: MatchRecord) -> MatchStrength {
    MatchStrength(isLocalID: number.isLocalID, isStale: isStale(number, record))
  }

  /// Whether a record with an identity counts: what registries say of this node doesn't.
  func isEvidence(_ number: RecordNumber, _ record: MatchRecord) -> Bool {
    number.origin == 0 || record.id != ownID
  }

  func isCommon(_ value: MatchValue) -> Bool { claims[value]?.isCommon ?? false }

  /// The record's value of a field that has at most one, where it tells anything.
  func telling(_ record: MatchRecord, _ column: MatchColumn) -> MatchValue? {
    record.value(column).flatMap { isCommon($0) ? nil : $0 }
  }

  /// The node that the record is on; nil where it has none yet.
  func node(of number: RecordNumber) -> NodeIdentity? {
    guard let entry = records[number] else { return nil }
    return number.isLocalID ? entry.place?.node : entry.record.id
  }

  func rawID(_ number: RecordNumber, _ record: MatchRecord) -> RawID {
    RawID(origin: origins[number.origin].origin.name, nodeID: record.id)
  }

  func firstLabel(_ value: MatchValue) -> MatchValue {
    MatchValue(value.column, MatchName.firstLabel(value.text))
  }

  /// The nodes on which a record of that strength, of a layer before `layer`, is among `claims`, in order.
  func holders(_ claims: Claims, _ strength: MatchStrength, before layer: Int) -> [NodeIdentity] {
    var found: [NodeIdentity] = []
    let isLocal = strength == .fresh || strength == .stale
    claims.forEach { number in
      guard number.isLocalID == isLocal, !isLocal || self.layer(number) < layer,
        let entry = records[number], self.strength(number, entry.record) == strength
      else { return }
      if isLocal {
        if let node = entry.place?.node, !found.contains(node) { found.append(node) }
      } else if isEvidence(number, entry.record), !found.contains(entry.record.id) {
        found.append(entry.record.id)
      }
    }
    return found.count > 1 ? found.sorted() : found
  }

  // MARK: Changing

  /// Puts a record's new version in the place of its old one; nil where there is none.
  mutating func replace(_ number: RecordNumber, _ old: MatchRecord?, with new: MatchRecord?) {
    guard old !== new else { return }
    // How many identities say a value depends on whose the record is: this node's own can be another one's.
    let kept = old?.id == new?.id ? new : nil
    let (labels, newLabels) = (names(old), names(new))
    for value in old?.values ?? [] where columns.isAsked(value.column) {
      if kept?.values.contains(value) != true { remove(value, number) }
    }
    for label in labels where kept == nil || !newLabels.contains(label) { remove(firstLabel: label, number) }
    if !number.isLocalID, old?.id != new?.id {
      if let old { nodes[old.id] = nodes[old.id]?.removing(number) }
      if let new { nodes[new.id] = (nodes[new.id] ?? NodeRecords()).adding(number) }
    }
    if number.isLocalID, let id = (new ?? old)?.id {
      let key = RecordKey(origin: number.origin, id: id, isLocalID: true)
      if new == nil { locals[key] = nil } else if old == nil { locals[key] = number }
    }
    records[number] = new.map { MatchEntry(record: $0, place: records[number]?.place) }
    for value in new?.values ?? [] where columns.isAsked(value.column) {
      if kept == nil || old?.values.contains(value) != true { add(value, number) }
    }
    for label in newLabels where kept == nil || !labels.contains(label) { add(firstLabel: label, number) }
  }

  /// Puts a record without an identity where it belongs.
  mutating func place(_ number: RecordNumber, _ place: MatchPlace) {
    guard let entry = records[number] else { return }
    records[number] = MatchEntry(record: entry.record, place: place)
    look(number, place.looked, insteadOf: entry.place?.looked ?? [])
    if entry.place?.node == place.node { return }
    if let old = entry.place?.node { nodes[old] = nodes[old]?.removing(number) }
    nodes[place.node] = (nodes[place.node] ?? NodeRecords()).adding(number)
  }

  /// A record without an identity goes; what it says stays until it is replaced.
  mutating func unplace(_ number: RecordNumber, _ place: MatchPlace) {
    nodes[place.node] = nodes[place.node]?.removing(number)
    look(number, [], insteadOf: place.looked)
    if let choice = place.choice { choose(number, nil, insteadOf: choice.node) }
  }

  mutating func choose(_ number: RecordNumber, _ node: NodeIdentity?, insteadOf old: NodeIdentity?) {
    if node == old { return }
    if let old { nodes[old] = nodes[old]?.removing(chooser: number) }
    if let node { nodes[node] = (nodes[node] ?? NodeRecords()).adding(chooser: number) }
  }

  private mutating func look(
    _ number: RecordNumber, _ looked: [NodeIdentity], insteadOf old: [NodeIdentity]
  ) {
    if looked == old { return }
    for node in old where !looked.contains(node) { nodes[node] = nodes[node]?.removing(looker: number) }
    for node in looked where !old.contains(node) {
      nodes[node] = (nodes[node] ?? NodeRecords()).adding(looker: number)
    }
  }

  /// Takes out which values may be common now and weren't, or the reverse.
  mutating func takeFlips() -> Flips {
    defer { flips = Flips() }
    return flips
  }

  /// The first labels of the record's names, of fields of which any registry asks for these.
  private func names(_ record: MatchRecord?) -> [MatchValue] {
    guard columns.hasShort, let record else { return [] }
    return record.values.compactMap { columns.isShort($0.column) ? firstLabel($0) : nil }
  }

  private mutating func add(_ value: MatchValue, _ number: RecordNumber) {
    let before = claims[value]
    let after = before?.adding(number, identity: identity) ?? .one(number)
    claims[value] = after
    flips.note(value, before, after)
  }

  private mutating func remove(_ value: MatchValue, _ number: RecordNumber) {
    guard let before = claims[value] else { return }
    let after = before.removing(number, identity: identity)
    claims[value] = after
    flips.note(value, before, after)
  }

  private mutating func add(firstLabel label: MatchValue, _ number: RecordNumber) {
    let before = firstLabels[label]
    let after = before?.adding(number, identity: identity) ?? .one(number)
    firstLabels[label] = after
    flips.note(firstLabel: label, before, after)
  }

  private mutating func remove(firstLabel label: MatchValue, _ number: RecordNumber) {
    guard let before = firstLabels[label] else { return }
    let after = before.removing(number, identity: identity)
    firstLabels[label] = after
    flips.note(firstLabel: label, before, after)
  }

  private func identity(_ number: RecordNumber) -> NodeIdentity? {
    number.isLocalID ? nil : records[number]?.record.id
  }
}
