import ClusterModel
import Testing

@Suite("A machine type")
struct MachineTypeTests {
  @Test("is read from the names that existing nodes use", arguments: MachineType.allCases)
  func names(type: MachineType) throws {
    #expect(try MachineType(type.description) == type)
  }

  @Test("that isn't one is refused with those that are")
  func refused() {
    #expect(
      throws: ModelError(
        "'master' isn't a machine type; the types are unknown, init, controlplane, worker")
    ) { try MachineType("master") }
  }

  @Test("has a total order")
  func order() {
    #expect(MachineType.allCases.shuffled().sorted() == [.unknown, .`init`, .controlplane, .worker])
  }
}

@Suite("A member")
struct MemberTests {
  private let id: NodeIdentity

  init() throws { id = try NodeIdentity("Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd") }

  @Test("is an affiliate with a nodename, and called by it")
  func fromAffiliate() throws {
    let affiliate = Affiliate(
      nodeID: id, addresses: [try IPAddress("172.20.0.2")], hostname: "host", nodename: "node",
      operatingSystem: "Talos (v1.3.0)", machineType: .controlplane,
      controlPlane: ControlPlane(apiServerPort: 6443))
    let member = try #require(Member(affiliate))
    #expect(member.id == "node")
    #expect(member.nodeID == id)
    #expect(member.hostname == "host")
    #expect(member.addresses == affiliate.addresses)
    #expect(member.controlPlane?.apiServerPort == 6443)
  }

  @Test("isn't an affiliate without a nodename")
  func noNodename() { #expect(Member(Affiliate(nodeID: id, hostname: "host")) == nil) }

  @Test("sorts by nodename, then by identity")
  func order() throws {
    let other = try NodeIdentity("2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF")
    let members = [
      Affiliate(nodeID: id, nodename: "b"), Affiliate(nodeID: id, nodename: "a"),
      Affiliate(nodeID: other, nodename: "b"),
    ]
    .compactMap { Member($0) }
    #expect(members.sorted().map { "\($0.id) \($0.nodeID.text.prefix(1))" } == ["a U", "b 2", "b U"])
  }
}

@Suite("A timestamp")
struct TimestampTests {
  @Test(
    "prints as RFC 3339 in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (1_795_403_330_999, "2026-11-23T03:08:50Z"),
      (951_782_400_000, "2000-02-29T00:00:00Z"), (4_107_542_400_000, "2100-03-01T00:00:00Z"),
      (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
    ] as [(Int64, String)])
  func text(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
  }
}
