import AffiliateMerge
import ClusterModel
import Testing

@Suite("Properties of matching")
struct MatchPropertyTests {
  @Test("after each of 10,000 random events records are joined as by a naive rebuild", arguments: 1...20)
  func equalsRebuild(seed: UInt64) async throws {
    var world = try MatchWorld(seed: seed)
    var merge = ClusterMerge(policy: world.policy)
    var naive = NaiveMerge()
    naive.policy = world.policy
    var replica = Replica()
    for round in 0..<500 {
      await Task.yield()
      let event = world.event(naive)
      let now = at(Int64(round))
      naive.apply(event, at: now)
      let changes = try merge.apply(event, at: now)
      replica.apply(changes, of: event, at: now, labels: merge.labels(of:))
      // A copy for readers that is changed all the same makes anew what it needs for that.
      if round % 97 == 0 { merge = merge.frozen }
      let matching = NaiveMatching(naive)
      let isSame = expect(merge, equals: matching, round)
      if round % 5 == 0 { expectSound(matching, naive) }
      if round % 50 == 0 {
        MergeComparison().expect(merge, equals: naive)
        replica.expectSame(as: merge)
      }
      if !isSame { return }
    }
  }

  @Test("what is said again changes nothing", arguments: 1...10)
  func repeated(seed: UInt64) async throws {
    var world = try MatchWorld(seed: seed)
    var merge = ClusterMerge(policy: world.policy)
    var naive = NaiveMerge()
    for round in 0..<200 {
      await Task.yield()
      let event = world.event(naive)
      naive.apply(event, at: at(Int64(round)))
      _ = try merge.apply(event, at: at(Int64(round)))
    }
    for (origin, records) in naive.raws {
      for record in world.shuffled(Array(records.values)) {
        #expect(try merge.apply(.upsert(record, from: origin), at: at(1000)).isEmpty)
      }
    }
    #expect(try merge.apply(.local(naive.own), at: at(1000)).isEmpty)
  }

  @Test("an identity that comes and goes leaves no trace", arguments: 1...10)
  func comesAndGoes(seed: UInt64) async throws {
    var world = try MatchWorld(seed: seed)
    var merge = ClusterMerge(policy: world.policy)
    var naive = NaiveMerge()
    for round in 0..<300 {
      await Task.yield()
      let event = world.event(naive)
      naive.apply(event, at: at(Int64(round)))
      _ = try merge.apply(event, at: at(Int64(round)))
      guard round % 10 == 0 else { continue }
      let before = placements(merge, naive)
      let guest = RecordOrigin(registry: "guest", prefix: "guest")
      var record = world.record(of: try NodeIdentity("guest"))
      record.isStale = false
      _ = try merge.apply(.upsert(record, from: guest), at: at(Int64(round)))
      _ = try merge.apply(.remove(record.affiliate.nodeID, from: guest), at: at(Int64(round)))
      #expect(placements(merge, naive) == before, "\(round)")
    }
  }

  @Test("any order of arrival joins the same", arguments: 1...10)
  func anyOrder(seed: UInt64) async throws {
    var world = try MatchWorld(seed: seed)
    var naive = NaiveMerge()
    naive.policy = world.policy
    for round in 0..<150 { naive.apply(world.event(naive), at: at(Int64(round))) }
    var events: [MergeOperation] = naive.raws.flatMap { origin, records in
      records.values.map { .upsert($0, from: origin) }
    }
    events += naive.stale.map { .registryStale($0, true) } + naive.staleOrigins.map { .originStale($0, true) }
    if let local = naive.own { events.append(.local(local)) }
    naive.heard = naive.heard.mapValues { _ in nil }
    if let local = naive.own { naive.heard.updateValue(at(0), forKey: local.affiliate.nodeID) }
    let matching = NaiveMatching(naive)
    for _ in 0..<4 {
      await Task.yield()
      var merge = ClusterMerge(policy: world.policy)
      for event in world.shuffled(events) { _ = try merge.apply(event, at: at(0)) }
      expect(merge, equals: matching, 0)
      // By way of another policy.
      var roundabout = ClusterMerge()
      for event in world.shuffled(events) { _ = try roundabout.apply(event, at: at(0)) }
      _ = roundabout.setPolicy(world.policy, at: at(0))
      expect(roundabout, equals: matching, 0)
    }
  }

  private func placements(_ merge: ClusterMerge, _ naive: NaiveMerge) -> [RawID: RecordPlacement] {
    var placements: [RawID: RecordPlacement] = [:]
    for (origin, records) in naive.raws {
      for record in records.values {
        let id = RawID(origin: origin, nodeID: record.affiliate.nodeID)
        placements[id] = merge.placement(of: id)
      }
    }
    return placements
  }

  @discardableResult
  private func expect(_ merge: ClusterMerge, equals naive: NaiveMatching, _ round: Int) -> Bool {
    var isSame = true
    for (key, node) in naive.node {
      let placement = merge.placement(of: RawID(origin: key.origin, nodeID: key.id))
      let choice = naive.by[key]
      let notes = choice == nil ? naive.conflicts[key] ?? [] : nil
      let isRight =
        placement?.node == node && placement?.join?.value == choice?.value
        && placement?.join?.strength.rawValue == choice?.level
        && (notes == nil || notes == placement.map { Set($0.notes) })
      #expect(
        isRight,
        "\(round): \(key.origin)/\(key.id) is on \(node) by \(String(describing: choice)), \(notes ?? []), not as \(String(describing: placement))"
      )
      isSame = isSame && isRight
    }
    return isSame
  }

  /// What must hold whatever else the rule says: each record is on one node, which is an identity's, or founded by a
  /// record that stands alone; and somebody on that node says the value that it was joined by.
  private func expectSound(_ matching: NaiveMatching, _ naive: NaiveMerge) {
    let identities = Set(naive.words.filter { !$0.isLocal }.map(\.id))
    for (key, node) in matching.node {
      guard let choice = matching.by[key] else {
        #expect(node == NaiveMerge.ownNode(key.id, of: key.origin))
        continue
      }
      if node.isLocal {
        let founders = matching.node.filter { $0.value == node && matching.by[$0.key] == nil }.keys
        #expect(founders.map { NaiveMerge.ownNode($0.id, of: $0.origin) } == [node])
      } else {
        #expect(identities.contains(node))
      }
      let field = naive.policy.matching[key.origin.registry]?.keys[choice.position].field ?? .address
      let says = naive.words.filter { word in
        guard let values = word.says[field], word.strength == choice.level else { return false }
        let isThere =
          word.isLocal
          ? word.origin.map { matching.node[.init(origin: $0, id: word.id)] == node } ?? false
          : word.id == node
        return isThere && word.origin != key.origin
          && values.contains { NaiveText.areCompatible(field, $0, choice.value) }
      }
      let isByOwnIdentity = naive.words.contains { $0.origin == key.origin && !$0.isLocal && $0.id == node }
      #expect(!says.isEmpty || isByOwnIdentity)
    }
  }
}

/// Random registries, and what they say of few machines with few values, so that these meet.
struct MatchWorld {
  let policy: MergePolicy
  private let origins: [RecordOrigin]
  private let ids: [NodeIdentity]
  private let locals: [NodeIdentity]
  /// Whether many share a value, some of the time.
  private let isCrowded: Bool
  private var generator: SeededGenerator

  private static let lists: [[MatchKey]] = [
    [.init(.nodename), .init(.hostname), .init(.address)],
    [.init(.machineID), .init(.nodename), .init(.hostname), .init(.address)], [.init(.address)],
    [.init(.hostname), .init(.address)], [.init(.hostname, isShort: true), .init(.address)],
    [.init(.nodename, isShort: true), .init(.address), .init(.machineID)],
    [.init(.address), .init(.nodename)],
    [.init(.publicKey), .init(.label("serial")), .init(.nodename)], [],
    [.init(.label("serial")), .init(.address), .init(.machineID)], [.init(.machineID)], [.init(.nodename)],
    [
      .init(.machineID), .init(.hostname, isShort: true), .init(.publicKey), .init(.address),
      .init(.label("serial")),
    ],
  ]
  private static let names = [
    "w-1", "w-2", "w-3", "W-1", "w-1.example.org", "w-1.example.com", "w-2.example.org.", "ubuntu",
    "localhost",
  ]
  private static let addresses =
    (1...5).map { "10.0.0.\($0)" } + [
      "::ffff:10.0.0.1", "fd00::1", "fd00::2", "127.0.0.1", "fe80::1", "172.17.0.1", "10.9.9.9",
      "192.168.9.1",
    ]
  private static let machines = ["a1", "a2", "a3", "A1", "00"].map {
    String(repeating: "0", count: 30) + $0
  }
  private static let keys = ["A", "B", "C"].map { "\($0)" + String(repeating: "A", count: 41) + "E=" }

  init(seed: UInt64) throws {
    generator = SeededGenerator(state: seed)
    var registries = ["service", "kubernetes"]
    for _ in 0...Int.random(in: 0..<4, using: &generator) {
      registries.append("\("abcxyz".randomElement(using: &generator) ?? "a")\(registries.count)")
    }
    registries.shuffle(using: &generator)
    var matching: [String: RegistryMatching] = [:]
    for name in registries where name != "service" {
      matching[name] = RegistryMatching(
        keys: Self.lists.randomElement(using: &generator) ?? [],
        alone: Int.random(in: 0..<4, using: &generator) == 0 ? .affiliate : .member)
    }
    policy = MergePolicy(
      precedence: Int.random(in: 0..<5, using: &generator) < 2 ? registries : [], matching: matching,
      ignoredAddresses: IgnoredAddresses([IPPrefix(host: try IPAddress("10.9.9.9"))]))
    origins = registries.flatMap { name in
      ["", "", "", "f2"].map {
        RecordOrigin(registry: name, prefix: name == "kubernetes" ? "k8s" : name, source: $0)
      }
    }
    let isWide = seed % 3 == 0
    isCrowded = isWide && seed % 2 == 0
    ids = try (["A", "B", "C", "D"] + (isWide ? (0..<12).map { "I\($0)" } : [])).map { try NodeIdentity($0) }
    locals = try (0..<(isWide ? 14 : 4)).map { try NodeIdentity("m\($0)") }
  }

  mutating func shuffled<Item>(_ items: [Item]) -> [Item] { items.shuffled(using: &generator) }
  private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  private mutating func chance(_ percent: Int) -> Bool { number(100) < percent }
  private mutating func pick<Item>(_ items: [Item]) -> Item { items[number(items.count)] }

  /// What somebody says of the node `id`.
  mutating func record(of id: NodeIdentity, isLocalID: Bool = false) -> AffiliateRecord {
    let percent = number(2) == 0 ? 75 : 45
    var (nodename, hostname, addresses, key) = ("", "", [String](), "")
    var machine = ""
    if isCrowded, chance(80) {
      nodename = pick(["common", "common.example.org", "w-1"])
      addresses = ["192.168.9.1", pick(Self.addresses)]
      if number(2) == 0 { machine = Self.machines[0] }
      if number(2) == 0 { hostname = pick(["w-1", "w-2", "common"]) }
    } else {
      if chance(percent) { nodename = pick(Self.names) }
      if chance(percent * 7 / 10) { hostname = pick(Self.names) }
      if chance(percent) { addresses = Array(shuffled(Self.addresses).prefix(1 + number(3))) }
      if chance(percent / 2) { machine = pick(Self.machines) }
      if chance(percent * 4 / 10) { key = pick(Self.keys) }
    }
    var record = AffiliateRecord(
      Affiliate(
        nodeID: id, addresses: addresses.compactMap { try? IPAddress($0) }, hostname: hostname,
        nodename: nodename, kubeSpan: key.isEmpty ? nil : KubeSpanAffiliate(publicKey: key)),
      isStale: chance(12), isLocalID: isLocalID)
    record.machineID = machine
    if chance(percent * 4 / 10), let labels = try? NodeLabels(["serial": pick(["S1", "S2", "S3"])]) {
      record.labels = labels
    }
    if chance(20) { record.createdAt = at(Int64(1 + number(4))) }
    return record
  }

  private mutating func record(from origin: RecordOrigin) -> AffiliateRecord {
    let hasIdentity = origin.registry == "service" || chance(origin.registry == "kubernetes" ? 30 : 7)
    return hasIdentity ? record(of: pick(ids)) : record(of: pick(locals), isLocalID: true)
  }

  mutating func event(_ known: NaiveMerge) -> MergeOperation {
    let origin = pick(origins)
    let said = known.raws.flatMap { origin, records in records.values.map { (origin, $0) } }
      .sorted { "\($0.0)/\($0.1.affiliate.nodeID)" < "\($1.0)/\($1.1.affiliate.nodeID)" }
    switch number(100) {
    case 0..<48: return .upsert(record(from: origin), from: origin)
    case 48..<60:
      guard !said.isEmpty else { return .local(nil) }
      let (origin, record) = pick(said)
      return .remove(record.affiliate.nodeID, from: origin)
    case 60..<66:
      guard !said.isEmpty else { return .local(nil) }
      let (origin, record) = pick(said)
      return .upsert(record, from: origin)
    case 66..<72:
      guard !said.isEmpty else { return .local(nil) }
      let (origin, former) = pick(said)
      var record = former
      if record.isLocalID, number(2) == 0 {
        record = self.record(of: record.affiliate.nodeID, isLocalID: true)
      }
      record.affiliate.addresses = [pick(Self.addresses)].compactMap { try? IPAddress($0) }
      record.isStale = false
      return .upsert(record, from: origin)
    case 72..<80:
      var records: [NodeIdentity: AffiliateRecord] = [:]
      for _ in 0..<number(locals.count) {
        let record = record(from: origin)
        records[record.affiliate.nodeID] = record
      }
      return .snapshot(shuffled(Array(records.values)), from: origin)
    case 80..<84: return .registryStale(origin.registry, number(2) == 0)
    case 84..<87: return .originStale(origin, number(2) == 0)
    case 87..<90: return .originGone(origin)
    case 90..<92: return .registryGone(origin.registry)
    default: return .local(number(4) == 0 ? nil : record(of: ids[number(3)]))
    }
  }
}
