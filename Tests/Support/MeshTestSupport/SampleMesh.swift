public import ClusterModel
public import KubeSpan

/// A mesh in which everything happens that people are to be shown: `w-1` is up, nobody answers for `w-2`, `w-3` has no
/// endpoint that may be tried, this node's clock is behind `w-4`'s last handshake, and `w-5` is no peer.
public enum SampleMesh {
  /// When it is so: 2026-11-26T03:00:00Z.
  public static let now = Timestamp(milliseconds: 1_795_662_000_000)
  /// The public keys of `w-1` to `w-5`, the first with a slash and a plus.
  public static let keys = [
    "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FL+I=", "mB6WlFOR66Jx5rtPMIpxJ3s4XHyer9NCzqWPP7idGRo=",
    "zXP5QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWmqmkE/oDlc=", "Xa8mJ2pbxhbxzrpXu3gNOoFqqJ5mzTEMbsF1xqXbKXo=",
    "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
  ]

  /// The moment so many seconds before ``now``.
  public static func ago(_ seconds: Int64) -> Timestamp {
    Timestamp(milliseconds: now.milliseconds - seconds * 1000)
  }

  /// Who `w-<number>` is.
  public static func node(_ number: Int) throws -> NodeIdentity {
    try NodeIdentity("NODE\(number)xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\(number)")
  }

  /// What `w-<number>` says of itself.
  public static func affiliate(_ number: Int) throws -> Affiliate {
    Affiliate(
      nodeID: try node(number), addresses: [try IPAddress("10.0.0.\(number)")], hostname: "w-\(number)",
      nodename: "w-\(number)",
      kubeSpan: KubeSpanAffiliate(
        publicKey: keys[number - 1], address: number == 5 ? nil : try address(number),
        additionalAddresses: [try IPPrefix("10.244.\(number == 2 ? 1 : number).0/24")],
        excludeAdvertisedNetworks: number == 1 ? [try IPPrefix("10.0.0.1/32")] : [],
        endpoints: try endpoints(number)))
  }

  private static func address(_ number: Int) throws -> IPAddress {
    try IPAddress("fd83:b1f7:fcb5:2802::\(number)")
  }

  private static func endpoints(_ number: Int) throws -> [IPEndpoint] {
    switch number {
    case 1: [try IPEndpoint("10.0.0.1:51820")]
    case 2: [try IPEndpoint("10.0.0.2:51820"), try IPEndpoint("[2001:db8::2]:51820")]
    case 3: [try IPEndpoint("192.168.0.3:51820")]
    default: []
    }
  }

  /// The whole report.
  public static func report() throws -> MeshReport {
    var report = MeshReport(moment: now)
    report.identity = MeshIdentity(
      address: IPPrefix(host: try IPAddress("fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94")),
      subnet: try IPPrefix("fd83:b1f7:fcb5:2802::/64"),
      publicKey: "Oak2fBEWngBhwslBxDVgnRNHXs88OAp4kjroSX0uqUE=")
    report.device = MeshReport.Device(interface: "kubespan", isKernel: false, listenPort: 51820, mtu: 1420)
    let plan = PeerPlan(
      affiliates: try (1...5).map(affiliate), local: PeerPlan.LocalPeer(nodeID: try NodeIdentity("local")))
    report.specs = plan.specs
    report.omissions = plan.omissions
    report.disputes = plan.conflicts.map { MeshReport.Dispute($0, since: ago(60)) }
    report.statuses = try statuses()
    report.overdue = [try node(2)]
    report.kept = [try node(4)]
    report.warnings = ["rp_filter is 2 on kubespan: IPv4 out of the tunnel is dropped"]
    report.passCount = 7
    report.harvested = [
      HarvestedEndpoint(
        publicKey: keys[0], nodeID: try node(1), endpoint: try IPEndpoint("203.0.113.1:4500"))
    ]
    return report
  }

  private static func statuses() throws -> [PeerStatus] {
    var statuses = try (1...4).map {
      PeerStatus(publicKey: keys[$0 - 1], nodeID: try node($0), label: "w-\($0)")
    }
    statuses[0].endpoint = try IPEndpoint("10.0.0.1:51820")
    statuses[0].state = .up
    (statuses[0].receivedBytes, statuses[0].sentBytes) = (15_043_220, 17_869_488)
    statuses[0].lastHandshake = HandshakeTime(seconds: now.milliseconds / 1000 - 34, nanoseconds: 5_000_000)
    statuses[0].handshakeAge = .seconds(34)
    statuses[0].lastUsedEndpoint = statuses[0].endpoint
    statuses[0].lastEndpointChange = ago(720)
    statuses[0].upSince = ago(719)
    statuses[0].endpointChanges = 1
    statuses[1].endpoint = try IPEndpoint("[2001:db8::2]:51820")
    statuses[1].state = .down
    statuses[1].sentBytes = 148
    statuses[1].lastUsedEndpoint = statuses[1].endpoint
    statuses[1].lastEndpointChange = ago(2)
    statuses[1].endpointChanges = 4
    statuses[1].trouble = .noAnswer(from: try endpoints(2), since: ago(600))
    statuses[2].trouble = .noEndpoints
    statuses[2].refused = [try IPEndpoint("192.168.0.3:51820"): .filtered]
    statuses[3].trouble = .clockBehind(latestHandshake: Timestamp(milliseconds: now.milliseconds + 3_600_000))
    return statuses
  }
}
