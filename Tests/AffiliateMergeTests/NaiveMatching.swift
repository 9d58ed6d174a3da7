import AffiliateMerge
import ClusterModel

/// The rule by which records without identities are joined, written down once more: from scratch, by plain scans.
struct NaiveMatching {
  /// One origin's word on one machine, or this node's own.
  struct Word {
    /// nil: this node itself.
    var origin: RecordOrigin?
    var id: NodeIdentity
    var isLocal: Bool
    var isStale: Bool
    var created: Timestamp?
    var says: [MatchField: [String]]

    var raw: String { "\(origin?.rawPrefix ?? "local")/\(id)" }
    var strength: Int { (isStale ? 2 : 0) + (isLocal ? 1 : 0) }
    func says(_ field: MatchField, _ value: String) -> Bool { says[field]?.contains(value) == true }
  }

  struct Key: Hashable {
    var origin: RecordOrigin
    var id: NodeIdentity
  }

  struct Choice: Hashable {
    var node: NodeIdentity
    var position: Int
    var value: String
    var level: Int
  }

  /// Where each record with a local id is.
  private(set) var node: [Key: NodeIdentity] = [:]
  /// By what it is there; nothing for one that stands alone.
  private(set) var by: [Key: Choice] = [:]
  /// Why those that stand alone do, where anything tells nodes.
  private(set) var conflicts: [Key: Set<MatchNote>] = [:]

  private let policy: MergePolicy
  private let own: NodeIdentity?
  private let heard: [NodeIdentity: Timestamp?]
  private let words: [Word]
  private let evidence: [Word]
  private var done: [Word] = []

  init(_ merge: NaiveMerge) {
    policy = merge.policy
    heard = merge.heard
    let own = merge.local?.nodeID
    self.own = own
    words = merge.words
    evidence = words.filter { !$0.isLocal && ($0.origin == nil || $0.id != own) }
    let locals = words.filter(\.isLocal)
    for origin in Set(locals.compactMap(\.origin)).sorted(by: isMatchedBefore) {
      let mine = locals.filter { $0.origin == origin }.sorted { $0.id < $1.id }
      settle(mine, origin, keys(of: origin))
      done += mine
    }
  }

  private func keys(of origin: RecordOrigin) -> [MatchKey] {
    policy.matching[origin.registry]?.keys ?? []
  }

  private func isMatchedBefore(_ left: RecordOrigin, _ right: RecordOrigin) -> Bool {
    let precedence = policy.precedence
    func rank(_ origin: RecordOrigin) -> Int {
      precedence.firstIndex(of: origin.registry) ?? precedence.count
    }
    if rank(left) != rank(right) { return rank(left) < rank(right) }
    let counts = (keys(of: left).count, keys(of: right).count)
    return counts.0 != counts.1 ? counts.0 > counts.1 : left.rawPrefix < right.rawPrefix
  }

  private func node(of word: Word) -> NodeIdentity {
    guard word.isLocal, let origin = word.origin else { return word.id }
    return node[Key(origin: origin, id: word.id)] ?? NaiveMerge.ownNode(word.id, of: origin)
  }

  /// Whether a value is so common that it tells nothing at all.
  private func isCommon(_ field: MatchField, _ value: String, byFirstLabel: Bool = false) -> Bool {
    let those = words.filter { word in
      byFirstLabel
        ? (word.says[field] ?? []).contains { NaiveText.firstLabel($0) == value } : word.says(field, value)
    }
    let counts = Dictionary(grouping: those, by: \.origin).values.map(\.count)
    return counts.contains { $0 > 8 } || Set(those.filter { !$0.isLocal }.map(\.id)).count > 8
  }

  private func telling(_ field: MatchField, _ values: [String]?) -> [String] {
    (values ?? []).filter { !isCommon(field, $0) }
  }

  private func freshOwn(_ id: NodeIdentity, _ field: MatchField) -> Set<String> {
    Set(evidence.filter { $0.id == id && !$0.isStale }.flatMap { $0.says[field] ?? [] })
  }

  private func isNewer(_ left: NodeIdentity, _ right: NodeIdentity) -> Bool {
    if let own, own == left || own == right { return own == left }
    let times = (heard[left] ?? nil, heard[right] ?? nil)
    if times.0 != times.1 {
      guard let first = times.0 else { return false }
      return times.1.map { first > $0 } ?? true
    }
    func created(_ id: NodeIdentity) -> Timestamp? {
      evidence.filter { $0.id == id && !$0.isStale }.compactMap(\.created).max()
    }
    guard let made = created(left), let before = created(right) else { return false }
    return made > before
  }

  private func supersedes(_ left: NodeIdentity, _ right: NodeIdentity) -> Bool {
    func share(_ field: MatchField) -> Bool {
      !freshOwn(left, field).isDisjoint(with: freshOwn(right, field))
    }
    return left != right && share(.nodename) && (share(.address) || share(.machineID)) && isNewer(left, right)
  }

  /// The identities that another one supersedes, with these.
  var superseded: [NodeIdentity: [NodeIdentity]] {
    let ids = Set(evidence.map(\.id)).sorted()
    var found: [NodeIdentity: [NodeIdentity]] = [:]
    for id in ids {
      let newer = ids.filter { supersedes($0, id) }
      if !newer.isEmpty { found[id] = newer }
    }
    return found
  }

  /// What is known of a node's field, by its strongest records that say it.
  private func word(_ node: NodeIdentity, _ field: MatchField, _ level: Int) -> [String] {
    for strength in level < 2 ? [0, 1] : [0, 1, 2, 3] {
      let said = (evidence + done).filter { self.node(of: $0) == node && $0.strength == strength }
      let values = telling(field, said.flatMap { $0.says[field] ?? [] })
      if !values.isEmpty { return values }
    }
    return []
  }

  private func contradicts(_ field: MatchField, _ left: [String], _ right: [String]) -> Bool {
    !left.isEmpty && !right.isEmpty
      && !left.contains { value in right.contains { NaiveText.areCompatible(field, value, $0) } }
  }

  private func choose(_ record: Word, _ keys: [MatchKey]) -> (choice: Choice?, notes: [MatchNote]) {
    var out: Set<NodeIdentity> = []
    var spent: Set<String> = []
    var notes: [MatchNote] = []
    for level in 0..<4 {
      let pool = (level % 2 == 0 ? evidence : done).filter { $0.strength == level }
      var candidates: [NodeIdentity: String]?
      for (position, key) in keys.enumerated() {
        let field = key.field
        var told: [NodeIdentity: String] = [:]
        for value in (record.says[field] ?? []).sorted() {
          if spent.contains("\(field) \(value)") || isCommon(field, value) { continue }
          var holders = Set(pool.filter { $0.says(field, value) }.map(node(of:)))
          if holders.isEmpty, key.isShort, !NaiveText.isAddress(value) {
            let first = NaiveText.firstLabel(value)
            if first == value {
              if !isCommon(field, value, byFirstLabel: true) {
                holders = Set(
                  pool.filter { ($0.says[field] ?? []).contains { NaiveText.firstLabel($0) == value } }
                    .map(node(of:)))
              }
            } else if !isCommon(field, first) {
              holders = Set(pool.filter { $0.says(field, first) }.map(node(of:)))
            }
          }
          holders.subtract(out)
          if holders.isEmpty { continue }
          let twins = words.filter {
            $0.origin == record.origin && ($0.id, $0.isLocal) != (record.id, record.isLocal)
              && $0.says(field, value) && (record.isStale || !$0.isStale)
          }
          if !twins.isEmpty {
            spent.insert("\(field) \(value)")
            notes.append(
              MatchNote(.twice, field, value, candidates: holders.sorted(), records: rawIDs(twins)))
            continue
          }
          var left: Set<NodeIdentity> = []
          for node in holders.sorted() {
            let against = keys[..<position].map(\.field).first {
              $0 != .address && contradicts($0, telling($0, record.says[$0]), word(node, $0, level))
            }
            if let against {
              out.insert(node)
              notes.append(MatchNote(.contradiction, field, value, candidates: [node], against: against))
            } else {
              left.insert(node)
            }
          }
          let all = left
          left = left.filter { older in !all.contains { supersedes($0, older) } }
          if let only = left.first, left.count == 1 {
            told[only] = told[only] ?? value
          } else if !left.isEmpty {
            spent.insert("\(field) \(value)")
            notes.append(MatchNote(.shared, field, value, candidates: left.sorted()))
          }
        }
        if told.isEmpty { continue }
        if let known = candidates {
          let both = told.filter { known[$0.key] != nil }
          if both.isEmpty {
            let concerned = Set(known.keys).union(told.keys).sorted()
            return (nil, notes + [MatchNote(.split, field, nil, candidates: concerned)])
          }
          told = both
        }
        if let (node, value) = told.first, told.count == 1 {
          return (Choice(node: node, position: position, value: value, level: level), notes)
        }
        candidates = told
      }
      if let candidates {
        return (nil, notes + [MatchNote(.split, nil, nil, candidates: candidates.keys.sorted())])
      }
    }
    return (nil, notes)
  }

  private func rawIDs(_ words: [Word]) -> [RawID] {
    words.sorted { $0.raw < $1.raw }.compactMap { word in
      word.origin.map { RawID(origin: $0, nodeID: word.id) }
    }
  }

  private mutating func settle(_ mine: [Word], _ origin: RecordOrigin, _ keys: [MatchKey]) {
    let choices = Dictionary(uniqueKeysWithValues: mine.map { ($0.id, choose($0, keys)) })
    let singles = keys.map(\.field).filter { $0 != .address }
    func differ(_ left: Word, _ right: Word) -> Bool {
      singles.contains { contradicts($0, telling($0, left.says[$0]), telling($0, right.says[$0])) }
    }
    func rank(_ word: Word) -> [Int] {
      guard let choice = choices[word.id]?.choice else { return [] }
      let against = singles.filter {
        contradicts($0, telling($0, word.says[$0]), self.word(choice.node, $0, choice.level))
      }
      return [word.isStale ? 1 : 0, against.count, choice.position]
    }
    var places: [(Key, NodeIdentity)] = []
    for word in mine {
      let key = Key(origin: origin, id: word.id)
      guard let (choice, found) = choices[word.id] else { continue }
      var notes = found
      if let choice {
        let claiming = mine.filter {
          $0.id != word.id && choices[$0.id]?.choice?.node == choice.node && differ($0, word)
            && !rank(word).lexicographicallyPrecedes(rank($0))
        }
        let owner = words.filter {
          $0.origin == origin && !$0.isLocal && $0.id == choice.node && differ($0, word)
        }
        if claiming.isEmpty, owner.isEmpty {
          places.append((key, choice.node))
          by[key] = choice
          continue
        }
        notes.append(
          MatchNote(
            .rival, keys[choice.position].field, choice.value, candidates: [choice.node],
            records: rawIDs(claiming + owner)))
      }
      places.append((key, NaiveMerge.ownNode(word.id, of: origin)))
      if !notes.isEmpty { conflicts[key] = Set(notes) }
    }
    for (key, place) in places { node[key] = place }
  }
}

/// Values in the form in which they are compared.
enum NaiveText {
  private static let noNames: Set<String> = [
    "", "localhost", "localhost.localdomain", "localhost4", "localhost4.localdomain4", "localhost6",
    "localhost6.localdomain6", "ip6-localhost", "ip6-loopback", "(none)", "none", "unknown",
  ]

  static func name(_ text: String) -> String? {
    var text = String(text.map { $0.isASCII ? Character($0.lowercased()) : $0 })
    if text.hasSuffix(".") { text = String(text.dropLast()) }
    return noNames.contains(text) ? nil : text
  }

  static func isAddress(_ name: String) -> Bool { (try? IPAddress(name)) != nil }

  static func firstLabel(_ name: String) -> String {
    isAddress(name) ? name : String(name.prefix { $0 != "." })
  }

  static func areCompatible(_ field: MatchField, _ left: String, _ right: String) -> Bool {
    if left == right { return true }
    guard field == .nodename || field == .hostname, !isAddress(left), !isAddress(right) else { return false }
    return left.hasPrefix(right + ".") || right.hasPrefix(left + ".")
  }

  static func machine(_ text: String) -> String? {
    let digits = text.filter { $0 != "-" }.lowercased()
    guard digits.count == 32, digits.allSatisfy({ "0123456789abcdef".contains($0) }),
      digits != String(repeating: "0", count: 32), digits != String(repeating: "f", count: 32)
    else { return nil }
    return digits
  }

  static func address(_ address: IPAddress, _ policy: MergePolicy) -> String? {
    var address = address
    let bytes = address.bytes
    if bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF,
      let mapped = IPAddress(bytes: bytes[12...])
    {
      address = mapped
    }
    let text = address.description
    if address.isLoopback || address.isLinkLocal || address.isMulticast || address.isUnspecified {
      return nil
    }
    if address.family == .v4, text.hasPrefix("0.") || text == "255.255.255.255" { return nil }
    if policy.ignoredAddresses.defaultBridges, address.isContainerBridge { return nil }
    return policy.ignoredAddresses.networks.contains { $0.contains(address) } ? nil : text
  }

  static func values(_ affiliate: Affiliate, _ record: AffiliateRecord?, _ policy: MergePolicy)
    -> [MatchField: [String]]
  {
    var says: [MatchField: [String]] = [:]
    let nodename = name(affiliate.nodename)
    says[.nodename] = nodename.map { [$0] }
    says[.hostname] = (name(affiliate.hostname) ?? nodename).map { [$0] }
    var addresses: [String] = []
    for address in affiliate.addresses + [affiliate.kubeSpan?.address].compactMap({ $0 }) {
      if let text = self.address(address, policy), !addresses.contains(text) { addresses.append(text) }
    }
    if !addresses.isEmpty { says[.address] = addresses }
    let key = affiliate.kubeSpan?.publicKey ?? ""
    if key.count == 44, key.hasSuffix("="), key.dropLast().contains(where: { $0 != "A" }),
      key.dropLast().allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+/".contains($0)) })
    {
      says[.publicKey] = [key]
    }
    if let record {
      says[.machineID] = machine(record.machineID).map { [$0] }
      for (key, value) in record.labels where !value.isEmpty { says[.label(key)] = [value] }
    }
    return says
  }
}
