import ClusterModel
import KubeSpan

/// The text that nftables is given so that packets to peers are marked, and so routed into the tunnel.
///
/// Rule (siderolabs/talos, `network.NfTablesChainController` with KubeSpan's chains): what the device itself sends stays
/// as it is; what goes to an address of the set gets the mark; a connection's segments are bounded to what fits.
///
/// Where this goes beyond that rule: a connection remembers which way its first packets came, in the same bits of its own
/// mark, and its replies go that way. Otherwise one side that bypasses a peer that is down, and another one that doesn't,
/// lose each other's answers (siderolabs/talos issue 6665).
struct MarkingRules: Hashable, Sendable {
  var settings: MeshNetwork.Settings
  var set: MarkedSet

  /// Makes the table anew in one transaction.
  var text: String {
    let table = settings.nftTable
    return """
      \(Self.removal(table))table inet \(table) {
      \(Self.set("v4", "ipv4_addr", set.v4))\(Self.set("v6", "ipv6_addr", set.v6))\(tunnel)\(prerouting)\(output)}

      """
  }

  /// Removes the table in one transaction, whether it is there or not.
  static func removal(_ table: String) -> String { "table inet \(table) {}\ndelete table inet \(table)\n" }

  private static func set(_ name: String, _ type: String, _ prefixes: [IPPrefix]) -> String {
    guard !prefixes.isEmpty else { return "" }
    let elements = prefixes.map { "\($0.network)" }.joined(separator: ", ")
    return "  set \(name) { type \(type); flags constant, interval; elements = { \(elements) } }\n"
  }

  /// A mark in hexadecimal.
  private static func hexadecimal(_ mark: UInt32) -> String { "0x" + String(mark, radix: 16) }

  private var mask: String { Self.hexadecimal(settings.markMask) }
  private var keep: String { Self.hexadecimal(~settings.markMask) }
  private var routing: String { Self.hexadecimal(settings.routingMark) }
  private var own: String { Self.hexadecimal(settings.firewallMark) }

  /// What is done with what goes into the tunnel.
  private var tunnel: String {
    let headers: (v4: UInt32, v6: UInt32) = (52, 72)
    return """
        chain tunnel {
          meta nfproto ipv4 tcp flags & (syn | rst) == syn tcp option maxseg size set \(max(settings.mtu, 576) - headers.v4)
          meta nfproto ipv6 tcp flags & (syn | rst) == syn tcp option maxseg size set \(max(settings.mtu, 1280) - headers.v6)
          meta mark set meta mark & \(keep) ^ \(routing) accept
        }

      """
  }

  private func toSet(_ action: String, _ side: String = "daddr", _ condition: String = "") -> String {
    (set.v4.isEmpty ? "" : "    \(condition)ip \(side) @v4 \(action)\n")
      + (set.v6.isEmpty ? "" : "    \(condition)ip6 \(side) @v6 \(action)\n")
  }

  /// What is no node's alone, whatever a peer says that it has: this machine finds its neighbours and gateways by it.
  private var exempt: String {
    guard !set.v4.isEmpty || !set.v6.isEmpty else { return "" }
    return """
          ip daddr { 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255 } accept
          ip6 daddr { ::1, fe80::/10, ff00::/8 } accept
          icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept

      """
  }

  /// Replies, by the way that the requests came.
  private var replies: String {
    "    ct direction reply ct mark & \(mask) == \(routing) goto tunnel\n"
      + (settings.forced ? "" : "    ct direction reply ct mark & \(mask) == \(own) accept\n")
  }

  /// What comes in, and what is forwarded.
  private var prerouting: String {
    let link = "\"\(settings.interface)\""
    let fromTunnel =
      "    iifname \(link) ct direction original ct mark & \(mask) != \(routing) "
      + "ct mark set ct mark & \(keep) ^ \(routing)\n"
    let plain = toSet(
      "ct mark set ct mark & \(keep) ^ \(own)", "saddr", "iifname != \(link) ct direction original ")
    return """
        chain prerouting {
          type filter hook prerouting priority 0; policy accept;
          meta mark & \(mask) == \(own) accept
      \(fromTunnel)\(settings.forced ? "" : plain)\(replies)\(exempt)\(toSet("goto tunnel"))  }

      """
  }

  /// What this machine itself sends.
  private var output: String {
    """
      chain output {
        type route hook output priority 0; policy accept;
        meta mark & \(mask) == \(own) accept
        oifname "lo" accept
    \(replies)\(exempt)\(toSet("goto tunnel"))  }

    """
  }
}
