import ClusterModel
import KubeSpan
import Testing

@testable import WireGuard

@Suite("The rules that mark packets")
struct MarkingRulesTests {
  private func text(forced: Bool, _ prefixes: [String]) throws -> String {
    var settings = MeshNetwork.Settings(interface: "kubespan", address: try IPPrefix("fd00:0:0:2::5/64"))
    settings.forced = forced
    let set = MarkedSet(
      peers: [(state: PeerState.up, allowedIPs: try prefixes.map { try IPPrefix($0) })], allowsBypass: false)
    return MarkingRules(settings: settings, set: set).text
  }

  @Test("one transaction replaces the table, whatever was in it")
  func forced() throws {
    #expect(
      try text(forced: true, ["10.0.0.2/32", "10.244.2.0/24", "2001:db8::2/128"]) == """
        table inet rollcall {}
        delete table inet rollcall
        table inet rollcall {
          set v4 { type ipv4_addr; flags constant, interval; elements = { 10.0.0.2/32, 10.244.2.0/24 } }
          set v6 { type ipv6_addr; flags constant, interval; elements = { 2001:db8::2/128 } }
          chain tunnel {
            meta nfproto ipv4 tcp flags & (syn | rst) == syn tcp option maxseg size set 1368
            meta nfproto ipv6 tcp flags & (syn | rst) == syn tcp option maxseg size set 1348
            meta mark set meta mark & 0xffffff9f ^ 0x40 accept
          }
          chain prerouting {
            type filter hook prerouting priority 0; policy accept;
            meta mark & 0x60 == 0x20 accept
            iifname "kubespan" ct direction original ct mark & 0x60 != 0x40 ct mark set ct mark & 0xffffff9f ^ 0x40
            ct direction reply ct mark & 0x60 == 0x40 goto tunnel
            ip daddr { 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255 } accept
            ip6 daddr { ::1, fe80::/10, ff00::/8 } accept
            icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept
            ip daddr @v4 goto tunnel
            ip6 daddr @v6 goto tunnel
          }
          chain output {
            type route hook output priority 0; policy accept;
            meta mark & 0x60 == 0x20 accept
            oifname "lo" accept
            ct direction reply ct mark & 0x60 == 0x40 goto tunnel
            ip daddr { 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255 } accept
            ip6 daddr { ::1, fe80::/10, ff00::/8 } accept
            icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept
            ip daddr @v4 goto tunnel
            ip6 daddr @v6 goto tunnel
          }
        }

        """)
  }

  @Test("with bypass, what came the plain way is answered the plain way; without, never")
  func bypass() throws {
    let came =
      "iifname != \"kubespan\" ct direction original ip saddr @v4 ct mark set ct mark & 0xffffff9f ^ 0x20"
    let reply = "ct direction reply ct mark & 0x60 == 0x20 accept"
    let bypass = try text(forced: false, ["10.0.0.2/32"])
    #expect(bypass.contains(came))
    #expect(bypass.split(separator: "\n").count { $0.hasSuffix(reply) } == 2)
    let forced = try text(forced: true, ["10.0.0.2/32"])
    #expect(!forced.contains(reply))
    #expect(!forced.contains("saddr"))
  }

  @Test("an empty set has neither set nor rule")
  func empty() throws {
    let v4 = try text(forced: false, ["10.0.0.2/32"])
    #expect(!v4.contains("v6 {") && !v4.contains("@v6"))
    let none = try text(forced: false, [])
    #expect(!none.contains("@v") && !none.contains("set v4"))
  }

  @Test("settings that can't be are refused by name before anything is done")
  func refused() async throws {
    let settings = MeshNetwork.Settings(interface: "no-such-device", address: try IPPrefix("fd00::5/64"))
    try await expectRefusal(of: settings, .gone, "no-such-device")
    for name in ["a/b", "wg*", "a\"; flush ruleset", "", "..", "0123456789abcdef"] {
      var wrong = settings
      wrong.interface = name
      try await expectRefusal(of: wrong, .invalid, " name")
    }
    for name in ["x; flush ruleset", "", "1", "a b"] {
      var wrong = settings
      wrong.nftTable = name
      try await expectRefusal(of: wrong, .invalid, "table of nftables")
    }
    var wrong = settings
    wrong.mtu = 1279
    try await expectRefusal(of: wrong, .invalid, "MTU 1279")
    wrong = settings
    wrong.routingMark = 0x100
    try await expectRefusal(of: wrong, .invalid, "mask 0x60")
    wrong = settings
    wrong.firewallMark = 0x40
    try await expectRefusal(of: wrong, .invalid, "0x40 and 0x40")
    wrong = settings
    wrong.table = 254
    try await expectRefusal(of: wrong, .invalid, "routing table 254")
    wrong = settings
    wrong.ownIPv4 = IPAddress(v6High: 0, low: 1)
    try await expectRefusal(of: wrong, .invalid, "IPv4")
  }

  private func expectRefusal(
    of settings: MeshNetwork.Settings, _ code: DeviceError.Code, _ part: String
  ) async throws {
    await #expect {
      try await MeshNetwork().configure(settings)
    } throws: { error in
      (error as? DeviceError)?.code == code && "\(error)".contains(part)
    }
  }

  @Test("marks need a way into the tunnel first")
  func order() async {
    await #expect(throws: DeviceError.self) {
      try await MeshNetwork().mark(MarkedSet(peers: [], allowsBypass: false))
    }
  }
}
