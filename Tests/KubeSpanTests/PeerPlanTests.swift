import ClusterModel
import KubeSpan
import TestSupport
import Testing

/// A case of allowed-ips.json.
private struct PlanCase: Decodable {
  struct Node: Decodable {
    let nodeId, nodename, publicKey: String
    let address: IPAddress?
    let addresses: [IPAddress]
    let additionalAddresses, excludeAdvertisedNetworks: [IPPrefix]
    let endpoints: [IPEndpoint]

    var affiliate: Affiliate {
      get throws {
        Affiliate(
          nodeID: try NodeIdentity(nodeId), addresses: addresses, nodename: nodename,
          kubeSpan: KubeSpanAffiliate(
            publicKey: publicKey, address: address, additionalAddresses: additionalAddresses,
            excludeAdvertisedNetworks: excludeAdvertisedNetworks, endpoints: endpoints))
      }
    }
  }

  struct Spec: Decodable {
    let address: IPAddress
    let allowedIPs: [IPPrefix]
    let endpoints: [IPEndpoint]
    let label: String
  }

  let name, localNodeId: String
  let affiliates: [Node]
  let expectedPeerSpecs: [String: Spec]
  let expectedOverlaps: [[String]]
  let expectedEmptied, expectedSkipped: [String]
}

@Suite("The plan of peers")
struct PeerPlanTests {
  private func node(
    _ name: String, key: Int, _ address: String?, at addresses: [String] = [], networks: [String] = [],
    excluded: [String] = []
  ) throws -> Affiliate {
    Affiliate(
      nodeID: try NodeIdentity(name), addresses: try addresses.map { try IPAddress($0) }, nodename: name,
      kubeSpan: KubeSpanAffiliate(
        publicKey: publicKey(key), address: try address.map { try IPAddress($0) },
        additionalAddresses: try networks.map { try IPPrefix($0) },
        excludeAdvertisedNetworks: try excluded.map { try IPPrefix($0) }))
  }

  private let me = try? NodeIdentity("L")

  private func local(key: String = "", _ address: IPAddress? = nil) throws -> PeerPlan.LocalPeer {
    PeerPlan.LocalPeer(nodeID: try #require(me), publicKey: key, address: address)
  }

  @Test("is the existing system's, whatever the order of affiliates")
  func vectorsPass() throws {
    let cases = try vectors("allowed-ips", as: PlanCase.self)
    #expect(cases.count == 27)
    var generator = SeededGenerator(seed: 3)
    for item in cases {
      let affiliates = try item.affiliates.map { try $0.affiliate }
      let local = PeerPlan.LocalPeer(nodeID: try NodeIdentity(item.localNodeId))
      let plan = PeerPlan(affiliates: affiliates, local: local)
      #expect(Set(plan.specs.map(\.publicKey)) == Set(item.expectedPeerSpecs.keys), "\(item.name)")
      for spec in plan.specs {
        let expected = try #require(item.expectedPeerSpecs[spec.publicKey])
        #expect(spec.allowedIPs == expected.allowedIPs, "\(item.name)")
        #expect(spec.address == expected.address)
        #expect(spec.endpoints == expected.endpoints)
        #expect(spec.label == expected.label)
      }
      let keys = Dictionary(uniqueKeysWithValues: plan.specs.map { ($0.nodeID, $0.publicKey) })
      let overlaps = plan.conflicts.compactMap { conflict -> [String?]? in
        if case .overlap(let node, let holder, _) = conflict { [keys[node], keys[holder]] } else { nil }
      }
      #expect(overlaps == item.expectedOverlaps, "\(item.name)")
      let emptied = plan.conflicts.compactMap { conflict -> String? in
        if case .emptied(let node) = conflict { keys[node] } else { nil }
      }
      #expect(Set(emptied) == Set(item.expectedEmptied), "\(item.name)")
      #expect(Set(plan.omissions.keys.map(\.text)) == Set(item.expectedSkipped), "\(item.name)")
      for _ in 0..<5 {
        #expect(PeerPlan(affiliates: affiliates.shuffled(using: &generator), local: local) == plan)
      }
    }
  }

  @Test("leaves out a node without a KubeSpan address, or with a key that is none, and says so")
  func omissions() throws {
    var broken = try node("b", key: 2, "fd00::2")
    broken.kubeSpan?.publicKey = "no key"
    let plan = PeerPlan(
      affiliates: [try node("a", key: 1, nil, at: ["10.0.0.1"]), broken], local: try local())
    #expect(plan.specs.isEmpty)
    #expect(plan.omissions == [try NodeIdentity("a"): .noAddress, try NodeIdentity("b"): .invalidKey])
  }

  @Test("of two nodes with one public key has the first whole, and names both")
  func sameKey() throws {
    let (a, b) = (
      try node("a", key: 1, "fd00::1", at: ["10.0.0.1"]), try node("b", key: 1, "fd00::2", at: ["10.0.0.2"])
    )
    let plan = PeerPlan(affiliates: [b, a], local: try local())
    #expect(plan.specs.map(\.nodeID) == [a.nodeID])
    #expect(plan.specs.first?.allowedIPs == (try prefixes("10.0.0.1/32", "fd00::1/128")))
    #expect(plan.omissions == [b.nodeID: .sameKey(as: a.nodeID)])
    #expect(plan.conflicts == [.samePublicKey(publicKey(1), nodes: [a.nodeID, b.nodeID])])
    #expect(plan.fate(of: try IPAddress("10.0.0.2"), of: b) == .omitted(.sameKey(as: a.nodeID)))
  }

  @Test("has no peer with this node's own key, and no peer with its own address")
  func ownKeyAndAddress() throws {
    let mine = try local(key: publicKey(9), try IPAddress("fd00::9"))
    let (a, b) = (try node("a", key: 9, "fd00::1"), try node("b", key: 2, "fd00::9", at: ["10.0.0.2"]))
    let plan = PeerPlan(affiliates: [a, b], local: mine)
    #expect(plan.omissions == [a.nodeID: .sameKey(as: mine.nodeID)])
    #expect(plan.specs.map(\.allowedIPs) == [try prefixes("10.0.0.2/32")])
    #expect(plan.fate(of: try IPAddress("fd00::9"), of: b) == .held(by: mine.nodeID))
    #expect(
      plan.conflicts == [
        .overlap(node: b.nodeID, holder: mine.nodeID, prefixes: try prefixes("fd00::9/128")),
        .sameAddress(try IPAddress("fd00::9"), nodes: [mine.nodeID, b.nodeID]),
        .samePublicKey(publicKey(9), nodes: [mine.nodeID, a.nodeID]),
      ])
  }

  @Test("gives a machine's addresses to the one that replaced it, not to the one known from before")
  func stale() throws {
    let old = try node("a", key: 1, "fd00::1", at: ["10.0.0.1"])
    let new = try node("b", key: 2, "fd00::1", at: ["10.0.0.1"])
    let plan = PeerPlan(affiliates: [old, new], local: try local(), stale: [old.nodeID])
    #expect(plan.specs.map(\.allowedIPs) == [[], try prefixes("10.0.0.1/32", "fd00::1/128")])
    #expect(plan.conflicts.contains(.emptied(node: old.nodeID)))
    #expect(plan.fate(of: try IPAddress("10.0.0.1"), of: old) == .held(by: new.nodeID))
  }

  @Test("says of each address what becomes of it")
  func fates() throws {
    let a = try node(
      "a", key: 1, "fd00::1", at: ["10.0.0.1"], networks: ["10.1.0.0/16"], excluded: ["10.1.2.0/24"])
    let plain = Affiliate(nodeID: try NodeIdentity("c"), addresses: [try IPAddress("10.0.0.3")])
    let plan = PeerPlan(affiliates: [a, plain], local: try local())
    #expect(plan.fate(of: try IPAddress("10.1.3.4"), of: a) == .reachable)
    #expect(plan.fate(of: try IPAddress("10.1.2.4"), of: a) == .excluded(by: try IPPrefix("10.1.2.0/24")))
    #expect(plan.fate(of: try IPAddress("10.9.9.9"), of: a) == .notAdvertised)
    #expect(plan.fate(of: try IPAddress("10.0.0.3"), of: plain) == .noPeer)
    #expect(plan.holder(of: try IPAddress("10.1.3.4")) == a.nodeID)
    #expect(plan.holder(of: try IPAddress("10.1.2.4")) == nil)
  }

  @Test("puts a conflict in one line")
  func conflictTexts() throws {
    let (a, b) = (try NodeIdentity("a"), try NodeIdentity("b"))
    let overlap = PeerConflict.overlap(node: b, holder: a, prefixes: try prefixes("10.0.0.1/32"))
    #expect(overlap.description == "b and a both have 10.0.0.1/32, which a keeps")
    #expect(PeerConflict.emptied(node: a).description.contains("a has no allowed IPs"))
    #expect(PeerConflict.samePublicKey("k", nodes: [a, b]).description.contains("a, b have one public key"))
  }

  @Test(
    "has no address with two peers, and each is reachable or it is said why not, in any order",
    arguments: 1...30)
  func property(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let affiliates = try RandomAffiliates.make(12, &generator)
    let stale = Set(affiliates.map(\.nodeID).filter { _ in Int.random(in: 0..<4, using: &generator) == 0 })
    let mine = try local(key: publicKey(1000), try IPAddress("fd00::3"))
    let plan = PeerPlan(affiliates: affiliates, local: mine, stale: stale)
    for _ in 0..<5 {
      let again = PeerPlan(affiliates: affiliates.shuffled(using: &generator), local: mine, stale: stale)
      #expect(again == plan)
    }
    #expect(Set(plan.specs.map(\.publicKey)).count == plan.specs.count)
    var held = PrefixSet([IPPrefix(host: try IPAddress("fd00::3"))])
    for spec in plan.specs {
      let set = PrefixSet(spec.allowedIPs)
      #expect(set.prefixes == spec.allowedIPs)
      #expect(held.intersection(set).isEmpty, "\(spec.nodeID)")
      held = held.union(set)
    }
    for affiliate in affiliates {
      let networks = affiliate.kubeSpan?.additionalAddresses ?? []
      let claimed =
        affiliate.addresses + networks.map(\.network.address)
        + [affiliate.kubeSpan?.address].compactMap { $0 }
      for address in claimed { try expectFate(of: address, affiliate, plan, mine) }
    }
  }

  private func expectFate(
    of address: IPAddress, _ affiliate: Affiliate, _ plan: PeerPlan, _ mine: PeerPlan.LocalPeer
  ) throws {
    switch plan.fate(of: address, of: affiliate) {
    case .reachable: #expect(plan.holder(of: address) == affiliate.nodeID)
    case .excluded(let network):
      #expect(network.contains(address))
      #expect(affiliate.kubeSpan?.excludeAdvertisedNetworks.contains(network) == true)
    case .held(let holder):
      #expect(holder != affiliate.nodeID && plan.holder(of: address) == holder)
      let isTold = plan.conflicts.contains { conflict in
        guard case .overlap(affiliate.nodeID, holder, let prefixes) = conflict else { return false }
        return prefixes.contains { $0.contains(address) }
      }
      #expect(isTold, "\(address) of \(affiliate.nodeID), held by \(holder)")
    case .omitted(let omission):
      #expect(plan.omissions[affiliate.nodeID] == omission)
      if case .sameKey(let first) = omission {
        let isTold = plan.conflicts.contains { conflict in
          guard case .samePublicKey(_, let nodes) = conflict else { return false }
          return nodes.contains(affiliate.nodeID) && nodes.contains(first)
        }
        #expect(isTold)
      }
    case .noPeer: #expect(affiliate.kubeSpan?.publicKey.isEmpty ?? true)
    case .notAdvertised: Issue.record("\(address) of \(affiliate.nodeID)")
    }
  }
}

/// Affiliates whose addresses, networks and keys often meet.
enum RandomAffiliates {
  static func make(_ count: Int, _ generator: inout SeededGenerator) throws -> [Affiliate] {
    try (0..<count).map { try affiliate($0, &generator) }
  }

  private static func affiliate(_ number: Int, _ generator: inout SeededGenerator) throws -> Affiliate {
    func network(_ lengths: ClosedRange<Int>) throws -> IPPrefix {
      let address =
        Bool.random(using: &generator)
        ? IPAddress(v4: 0x0A00_0000 | UInt32.random(in: 0...0x3FF, using: &generator))
        : IPAddress(v6High: 0xFD01 << 48, low: UInt64.random(in: 0...0x3FF, using: &generator))
      let length = address.family.bitCount - 32 + Int.random(in: lengths, using: &generator)
      return try #require(IPPrefix(address: address, length: length))
    }
    func some<Item>(_ most: Int, _ make: () throws -> Item) rethrows -> [Item] {
      try (0..<Int.random(in: 0...most, using: &generator)).map { _ in try make() }
    }
    let kind = Int.random(in: 0..<12, using: &generator)
    return Affiliate(
      nodeID: try NodeIdentity("node\(number)"),
      addresses: try some(3) { try network(32...32).address }, nodename: "n\(number)",
      kubeSpan: kind == 0
        ? nil
        : KubeSpanAffiliate(
          publicKey: kind == 1 ? "x" : publicKey(kind == 2 ? number / 2 : number),
          address: kind == 3
            ? nil : IPAddress(v6High: 0xFD00 << 48, low: UInt64.random(in: 1...20, using: &generator)),
          additionalAddresses: try some(3) { try network(20...31) },
          excludeAdvertisedNetworks: try some(2) { try network(22...31) },
          endpoints: try some(3) { IPEndpoint(address: try network(32...32).address, port: 51820) }))
  }
}
