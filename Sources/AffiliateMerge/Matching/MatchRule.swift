import ClusterModel

/// The rule by which a record without an identity is joined to a node: a function of what all records say.
struct MatchRule {
  let index: MatchIndex
  /// When identities first came.
  let table: NodeTable

  /// What a record's values come to, its rivals aside.
  struct Result {
    /// The node that they lead to; nil: none.
    let choice: MatchChoice?
    /// What stood against others.
    var notes: [MatchNote]
    /// The nodes that were looked at beside the chosen one.
    var looked: [NodeIdentity]
  }

  /// What is known of the node in that column: what its strongest records say that say any, common values aside. Of
  /// stale ones only where the evidence is stale as well.
  private func word(
    _ node: NodeIdentity, _ column: MatchColumn, _ strength: MatchStrength, before layer: Int
  ) -> [MatchValue] {
    var best = MatchStrength.stale
    var values: [MatchValue] = []
    for number in index.nodes[node]?.records ?? [] {
      if number.isLocalID, index.layer(number) >= layer { continue }
      guard let record = index.records[number]?.record, let value = record.value(column),
        number.isLocalID || index.isEvidence(number, record)
      else { continue }
      let own = index.strength(number, record)
      if !strength.isStale, own.isStale { continue }
      if !values.isEmpty, own > best || own == best && values.contains(value) { continue }
      if index.isCommon(value) { continue }
      if own < best || values.isEmpty {
        best = own
        values = [value]
      } else {
        values.append(value)
      }
    }
    return values
  }

  private func contradicts(_ value: MatchValue?, _ others: [MatchValue]) -> Bool {
    guard let value, !others.isEmpty else { return false }
    return !others.contains { value.isCompatible(with: $0) }
  }

  private func differ(_ left: MatchRecord, _ right: MatchRecord, _ keys: [CompiledKey]) -> Bool {
    keys.contains { key in
      guard key.isSingle, let left = index.telling(left, key.column),
        let right = index.telling(right, key.column)
      else {
        return false
      }
      return !left.isCompatible(with: right)
    }
  }

  /// Whether the identity `newer` is the machine of `older`, set up anew.
  private func supersedes(_ newer: NodeIdentity, _ older: NodeIdentity) -> Bool {
    guard newer != older, !newer.isLocal, !older.isLocal else { return false }
    let (new, old) = (freshEvidence(newer), freshEvidence(older))
    func share(_ column: MatchColumn) -> Bool {
      new.contains { new in
        new.values.contains { value in
          value.column == column && old.contains { $0.values.contains(value) }
        }
      }
    }
    guard share(MatchColumns.nodename), share(MatchColumns.address) || share(MatchColumns.machineID) else {
      return false
    }
    if let ownID = index.ownID, newer == ownID || older == ownID { return newer == ownID }
    let heard = (newer: table[newer]?.heard ?? .unknown, older: table[older]?.heard ?? .unknown)
    if heard.newer != heard.older { return heard.newer > heard.older }
    guard let made = new.compactMap(\.createdAt).max(), let before = old.compactMap(\.createdAt).max() else {
      return false
    }
    return made > before
  }

  private func freshEvidence(_ id: NodeIdentity) -> [MatchRecord] {
    (index.nodes[id]?.records ?? []).compactMap { number in
      guard !number.isLocalID, let record = index.records[number]?.record, index.isEvidence(number, record),
        !index.isStale(number, record)
      else { return nil }
      return record
    }
  }

  /// The node that the record's values lead to, and what stood against others.
  func evaluate(_ number: RecordNumber, _ record: MatchRecord) -> Result {
    var search = Search(isStale: index.isStale(number, record))
    let choice = choose(for: number, record, &search)
    return Result(
      choice: choice, notes: search.notes, looked: search.looked.filter { $0 != choice?.node })
  }

  /// The node that the record's values lead to by themselves.
  private func choose(for number: RecordNumber, _ record: MatchRecord, _ search: inout Search) -> MatchChoice?
  {
    let origin = index.origins[number.origin]
    // By key; found when it is asked for, as the first key mostly tells.
    var questions: [[Question]] = []
    for strength in MatchStrength.allCases {
      var candidates: [NodeIdentity: MatchValue]?
      for (position, key) in origin.keys.enumerated() {
        if position == questions.count { questions.append(self.questions(record, key, position)) }
        var told: [NodeIdentity: MatchValue] = [:]
        for question in questions[position] {
          if !search.spent.isEmpty, search.spent.contains(question.value) { continue }
          ask(question, key, number, record, strength, &search, &told)
        }
        if told.isEmpty { continue }
        if let known = candidates {
          let both = told.filter { known[$0.key] != nil }
          if both.isEmpty {
            let concerned = Set(known.keys).union(told.keys).sorted()
            search.note(MatchNote(.split, key.field, nil, candidates: concerned))
            return nil
          }
          told = both
        }
        if told.count == 1, let (node, value) = told.first {
          return MatchChoice(node: node, position: position, value: value, strength: strength)
        }
        candidates = told
      }
      if let candidates {
        search.note(MatchNote(.split, nil, nil, candidates: candidates.keys.sorted()))
        return nil
      }
    }
    return nil
  }

  /// What is asked by one key: for each value of the record that isn't common, who says it.
  private func questions(_ record: MatchRecord, _ key: CompiledKey, _ position: Int) -> [Question] {
    record.values.compactMap { value in
      guard value.column == key.column, let claims = index.claims[value], !claims.isCommon else { return nil }
      return Question(
        position: position, value: value, claims: claims, short: key.isShort ? shortClaims(value) : nil)
    }
  }

  /// Whom a name is compared with where nobody says the very name.
  private func shortClaims(_ value: MatchValue) -> Claims? {
    let text = value.text
    if MatchName.isAddress(text) { return nil }
    let claims = MatchName.isBare(text) ? index.firstLabels[value] : index.claims[index.firstLabel(value)]
    return claims.flatMap { $0.isCommon ? nil : $0 }
  }

  private struct Question {
    let position: Int
    let value: MatchValue
    let claims: Claims
    let short: Claims?
  }

  private struct Search {
    let isStale: Bool
    /// Nodes that say something else of an earlier key.
    var out: Set<NodeIdentity> = []
    /// Values that tell nothing.
    var spent: Set<MatchValue> = []
    private(set) var notes: [MatchNote] = []
    /// The nodes that were looked at.
    private(set) var looked: [NodeIdentity] = []

    init(isStale: Bool) { self.isStale = isStale }

    mutating func look(at nodes: [NodeIdentity]) {
      for node in nodes where !looked.contains(node) { looked.append(node) }
    }

    mutating func note(_ note: MatchNote) { if !notes.contains(note) { notes.append(note) } }
  }

  /// Asks who says one value of the record.
  private func ask(
    _ question: Question, _ key: CompiledKey, _ number: RecordNumber, _ record: MatchRecord,
    _ strength: MatchStrength, _ search: inout Search, _ told: inout [NodeIdentity: MatchValue]
  ) {
    let layer = index.layer(number)
    var held = index.holders(question.claims, strength, before: layer)
    if held.isEmpty, let short = question.short { held = index.holders(short, strength, before: layer) }
    if !search.out.isEmpty { held.removeAll(where: search.out.contains) }
    if held.isEmpty { return }
    search.look(at: held)
    let value = question.value
    let twins = twins(of: number, question.claims, isStale: search.isStale)
    if !twins.isEmpty {
      search.spent.insert(value)
      search.note(MatchNote(.twice, key.field, value.text, candidates: held, records: twins))
      return
    }
    var left: [NodeIdentity] = []
    for node in held {
      let against = index.origins[number.origin].keys[..<question.position].first { earlier in
        earlier.isSingle
          && contradicts(
            index.telling(record, earlier.column), word(node, earlier.column, strength, before: layer))
      }
      guard let against else {
        left.append(node)
        continue
      }
      search.out.insert(node)
      search.note(
        MatchNote(.contradiction, key.field, value.text, candidates: [node], against: against.field))
    }
    if left.count > 1 {
      let all = left
      left.removeAll { older in all.contains { supersedes($0, older) } }
    }
    if left.count == 1 {
      if told[left[0]] == nil { told[left[0]] = value }
    } else if !left.isEmpty {
      search.spent.insert(value)
      search.note(MatchNote(.shared, key.field, value.text, candidates: left))
    }
  }

  /// Other records of the same origin that say what the record says, in the order of the texts of their raw ids.
  private func twins(of number: RecordNumber, _ claims: Claims, isStale: Bool) -> [RawID] {
    var twins: [RawID] = []
    claims.forEach { other in
      guard other.origin == number.origin, other != number, let record = index.records[other]?.record else {
        return
      }
      if isStale || !index.isStale(other, record) { twins.append(index.rawID(other, record)) }
    }
    return twins.sorted { $0.nodeID < $1.nodeID }
  }

  /// The records of the same origin that claim the node as well, differ, and aren't worse.
  func rivals(
    of number: RecordNumber, _ record: MatchRecord, _ choice: MatchChoice,
    _ results: [RecordNumber: Result]
  ) -> [RawID] {
    let origin = index.origins[number.origin]
    let known = index.nodes[choice.node]
    var rivals: [RawID] = []
    func rank(_ number: RecordNumber, _ record: MatchRecord, _ choice: MatchChoice) -> [Int] {
      let contradictions = origin.keys.count { key in
        key.isSingle
          && contradicts(
            index.telling(record, key.column),
            word(choice.node, key.column, choice.strength, before: origin.layer))
      }
      return [index.isStale(number, record) ? 1 : 0, contradictions, choice.position]
    }
    var own: [Int]?
    for other in known?.choosers ?? [] where other.origin == number.origin && other != number {
      guard let entry = index.records[other], differ(entry.record, record, origin.keys),
        let theirs = results[other]?.choice ?? entry.place?.choice
      else { continue }
      let mine = own ?? rank(number, record, choice)
      own = mine
      if !mine.lexicographicallyPrecedes(rank(other, entry.record, theirs)) {
        rivals.append(index.rawID(other, entry.record))
      }
    }
    for other in known?.records ?? [] where other.origin == number.origin && !other.isLocalID {
      guard let theirs = index.records[other]?.record, differ(theirs, record, origin.keys) else { continue }
      rivals.append(index.rawID(other, theirs))
    }
    return rivals.sorted { $0.nodeID < $1.nodeID }
  }
}
