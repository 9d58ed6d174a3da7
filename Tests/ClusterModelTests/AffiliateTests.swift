import ClusterModel
import Testing

@Suite("An affiliate")
struct AffiliateTests {
  /// Everything that an affiliate can have, apart.
  private struct Fields {
    var nodeID: NodeIdentity
    var addresses: [IPAddress] = []
    var hostname = ""
    var nodename = ""
    var operatingSystem = ""
    var machineType = MachineType.unknown
    var kubeSpan: KubeSpanAffiliate?
    var controlPlane: ControlPlane?

    var affiliate: Affiliate {
      Affiliate(
        nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: nodename,
        operatingSystem: operatingSystem, machineType: machineType, kubeSpan: kubeSpan,
        controlPlane: controlPlane)
    }

    func expectSame(as affiliate: Affiliate) {
      #expect(affiliate.nodeID == nodeID)
      #expect(affiliate.addresses == addresses)
      #expect(Array(affiliate.hostname.utf8) == Array(hostname.utf8))
      #expect(Array(affiliate.nodename.utf8) == Array(nodename.utf8))
      #expect(affiliate.operatingSystem == operatingSystem)
      #expect(affiliate.machineType == machineType)
      #expect(affiliate.kubeSpan == kubeSpan)
      #expect(affiliate.controlPlane == controlPlane)
    }
  }

  private static let texts = ["", "a", "talos-default-worker-1", "knöten", "e\u{301}", "\u{e9}", "\u{1F600}"]

  private func random(_ generator: inout some RandomNumberGenerator) throws -> Fields {
    func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
    func text() -> String {
      number(20) == 0 ? String(repeating: "long", count: number(500)) : Self.texts[number(Self.texts.count)]
    }
    func address() -> IPAddress {
      number(2) == 0
        ? IPAddress(v4: .random(in: .min ... .max, using: &generator))
        : IPAddress(v6High: .random(in: .min ... .max, using: &generator), low: UInt64(number(3)))
    }
    func prefix() throws -> IPPrefix { try #require(IPPrefix(address: address(), length: number(33))) }
    func list<Item>(_ make: () throws -> Item) rethrows -> [Item] {
      try (0..<(number(3) == 0 ? number(40) : number(3))).map { _ in try make() }
    }
    var fields = Fields(nodeID: try NodeIdentity("node-\(number(2))"))
    fields.addresses = list(address)
    fields.hostname = text()
    fields.nodename = number(2) == 0 ? fields.hostname : text()
    fields.operatingSystem = text()
    fields.machineType = MachineType.allCases[number(4)]
    if number(2) == 0 {
      fields.kubeSpan = KubeSpanAffiliate(
        publicKey: text(), address: number(2) == 0 ? nil : address(), additionalAddresses: try list(prefix),
        excludeAdvertisedNetworks: try list(prefix),
        endpoints: list { IPEndpoint(address: address(), port: UInt16(number(65536))) })
    }
    if number(2) == 0 { fields.controlPlane = ControlPlane(apiServerPort: UInt16(number(65536))) }
    return fields
  }

  @Test("has what it was made of, whatever that is, and what was set since")
  func holdsAll() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let fields = try random(&generator)
      fields.expectSame(as: fields.affiliate)
      let other = try random(&generator)
      var changed = fields.affiliate
      let before = changed
      changed.nodeID = other.nodeID
      changed.addresses = other.addresses
      changed.hostname = other.hostname
      changed.nodename = other.nodename
      changed.operatingSystem = other.operatingSystem
      changed.machineType = other.machineType
      changed.kubeSpan = other.kubeSpan
      changed.controlPlane = other.controlPlane
      other.expectSame(as: changed)
      fields.expectSame(as: before)
      #expect(changed == other.affiliate && changed.hashValue == other.affiliate.hashValue)
    }
  }

  @Test("differs from one of which any one thing is otherwise")
  func differs() throws {
    let affiliate = Affiliate(nodeID: try NodeIdentity("a"), hostname: "h", nodename: "h")
    let key = KubeSpanAffiliate(publicKey: "k")
    let address = try IPAddress("10.0.0.1")
    let prefix = try IPPrefix("10.0.0.0/8")
    let changes: [(inout Affiliate) throws -> Void] = [
      { $0.nodeID = try NodeIdentity("b") }, { $0.addresses = [address] }, { $0.hostname = "" },
      { $0.nodename = "" }, { $0.nodename = "hh" }, { $0.operatingSystem = "h" },
      { $0.machineType = .worker },
      { $0.kubeSpan = KubeSpanAffiliate() }, { $0.kubeSpan = key },
      { $0.kubeSpan = KubeSpanAffiliate(address: address) },
      { $0.kubeSpan = KubeSpanAffiliate(additionalAddresses: [prefix]) },
      { $0.kubeSpan = KubeSpanAffiliate(excludeAdvertisedNetworks: [prefix]) },
      { $0.kubeSpan = KubeSpanAffiliate(endpoints: [IPEndpoint(address: address, port: 1)]) },
      { $0.controlPlane = ControlPlane(apiServerPort: 0) },
      { $0.controlPlane = ControlPlane(apiServerPort: 1) },
    ]
    var distinct: Set<Affiliate> = [affiliate]
    for change in changes {
      var changed = affiliate
      try change(&changed)
      #expect(changed != affiliate)
      #expect(distinct.insert(changed).inserted)
    }
  }

  @Test("keeps texts that Unicode holds for the same apart, byte by byte")
  func canonicalEquivalence() throws {
    let id = try NodeIdentity("a")
    let composed = Affiliate(nodeID: id, hostname: "\u{e9}", nodename: "e\u{301}")
    #expect(Array(composed.nodename.utf8) == Array("e\u{301}".utf8))
    #expect(composed != Affiliate(nodeID: id, hostname: "\u{e9}", nodename: "\u{e9}"))
  }
}
