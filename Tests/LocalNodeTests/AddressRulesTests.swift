import ClusterModel
import Netlink
import Testing

@testable import Rollcall

@Suite("Which addresses are the machine's own")
struct AddressRulesTests {
  private let lan = NetworkInterface(index: 2, name: "eth0")

  private func addresses(
    _ interfaces: [NetworkInterface], _ addresses: [(String, UInt32)], include: [String] = [],
    exclude: [String] = []
  ) throws -> [String] {
    AddressRules.addresses(
      of: NetworkState(
        interfaces: interfaces,
        addresses: try addresses.map { InterfaceAddress(address: try IPAddress($0.0), interface: $0.1) }),
      include: try include.map { try IPPrefix($0) }, exclude: try exclude.map { try IPPrefix($0) }
    ).map(\.description)
  }

  @Test("IPv4 comes first, then the order of the interfaces, then the kernel's")
  func order() throws {
    let second = NetworkInterface(index: 3, name: "eth1")
    #expect(
      try addresses(
        [second, lan],
        [("fd00::2", 2), ("10.1.0.2", 3), ("10.0.0.9", 2), ("10.0.0.2", 2), ("fd00::1", 2), ("10.0.0.9", 3)])
        == ["10.0.0.9", "10.0.0.2", "10.1.0.2", "fd00::2", "fd00::1"])
  }

  @Test("loopback and link-local addresses and interfaces that are down are left out")
  func unrouted() throws {
    let down = NetworkInterface(index: 3, name: "eth1", isUp: false)
    let loopback = NetworkInterface(index: 1, name: "lo", isLoopback: true)
    #expect(
      try addresses(
        [loopback, lan, down],
        [
          ("127.0.0.1", 1), ("10.9.9.9", 1), ("169.254.3.4", 2), ("fe80::1", 2), ("10.1.0.2", 3),
          ("10.0.0.2", 2),
        ])
        == ["10.0.0.2"])
  }

  @Test(
    "interfaces of containers, network plugins and overlays are left out",
    arguments: [
      "docker0", "br-4f2a", "veth12ab", "cni0", "flannel.1", "cilium_host", "virbr0", "kube-ipvs0", "lxcbr0",
      "cali123", "kubespan", "wg0", "nodelocaldns",
    ])
  func foreign(name: String) throws {
    #expect(
      try addresses([lan, NetworkInterface(index: 3, name: name)], [("10.0.0.2", 2), ("172.17.0.1", 3)])
        == ["10.0.0.2"])
  }

  @Test(
    "ordinary names are kept, and a container's own end of a veth pair too",
    arguments: [
      ("enp3s0", ""), ("bond0", "bond"), ("eth0.7", "vlan"), ("eth0", "veth"), ("dummy0", "dummy"),
      ("brick0", ""),
    ])
  func own(name: String, kind: String) throws {
    #expect(
      try addresses([NetworkInterface(index: 5, name: name, kind: kind)], [("10.0.0.2", 5)]) == ["10.0.0.2"])
  }

  @Test("an interface of ours for a network laid over others is left out, whatever its name and kind")
  func ourOverlay() throws {
    let mesh = NetworkInterface(index: 5, name: "mesh0", kind: "tun", alias: "rollcall KubeSpan")
    #expect(try addresses([lan, mesh], [("10.0.0.2", 2), ("10.0.0.3", 5)]) == ["10.0.0.2"])
    let other = NetworkInterface(index: 5, name: "mesh0", kind: "tun", alias: "uplink")
    #expect(try addresses([lan, other], [("10.0.0.2", 2), ("10.0.0.3", 5)]) == ["10.0.0.2", "10.0.0.3"])
  }

  @Test("overlays are known by their kind, whatever they are called")
  func overlays() throws {
    for kind in ["wireguard", "vxlan", "geneve"] {
      #expect(try addresses([NetworkInterface(index: 5, name: "mesh", kind: kind)], [("10.0.0.2", 5)]) == [])
    }
  }

  @Test("a bridge is the machine's if a cable is in it or nothing is, and the containers' if only they are")
  func bridges() throws {
    let bridge = NetworkInterface(index: 4, name: "lanbridge", kind: "bridge")
    let cable = NetworkInterface(index: 5, name: "enp3s0", master: 4)
    let guest = NetworkInterface(index: 6, name: "port1", kind: "veth", master: 4)
    #expect(try addresses([bridge], [("10.0.0.2", 4)]) == ["10.0.0.2"])
    #expect(try addresses([bridge, cable, guest], [("10.0.0.2", 4)]) == ["10.0.0.2"])
    #expect(try addresses([bridge, guest], [("10.0.0.2", 4)]) == [])
  }

  @Test("networks to include and to exclude")
  func networks() throws {
    let all = [("10.0.0.2", UInt32(2)), ("192.168.1.2", 2), ("fd00::2", 2)]
    #expect(try addresses([lan], all, include: ["10.0.0.0/8", "fd00::/8"]) == ["10.0.0.2", "fd00::2"])
    #expect(try addresses([lan], all, exclude: ["10.0.0.0/8"]) == ["192.168.1.2", "fd00::2"])
    #expect(try addresses([lan], all, include: ["10.0.0.0/8"], exclude: ["10.0.0.0/24"]) == [])
  }

  @Test("temporary, deprecated and tentative addresses and those of the link are left out")
  func flags() throws {
    let address = InterfaceAddress(address: try IPAddress("fd00::2"), interface: 2)
    #expect(AddressRules.isRouted(address))
    for change: (inout InterfaceAddress) -> Void in [
      { $0.isTemporary = true }, { $0.isDeprecated = true }, { $0.isUnusable = true }, { $0.scope = .link },
    ] {
      var other = address
      change(&other)
      #expect(!AddressRules.isRouted(other))
    }
  }
}
