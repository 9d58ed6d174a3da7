import Testing

@Suite(
  "What leads into the tunnel, in a network namespace",
  .enabled(if: Namespaces.isPossible, "needs network namespaces"))
struct MeshNetworkTests {
  /// What is there, as the system's own tools show it.
  private let show = """
    show() {
      ip -o addr show wga | grep -v fe80 | sed 's/.*inet/inet/; s/nodad.*/nodad/'
      ip route show table 180; ip -6 route show table 180; ip rule | grep 180; ip -6 rule | grep 180
      nft list tables
    }

    """

  private let whole = [
    "inet6 fd00:0:0:2::1/64 scope global nodad",
    "default dev wga proto static metric 1 mtu 1420 ", "unreachable default proto static metric 4278198272 ",
    "default dev wga proto static metric 1 mtu 1420 pref medium",
    "unreachable default dev lo proto static metric 4278198272 pref medium",
    "32500:\tfrom all fwmark 0x40/0x60 lookup 180", "32500:\tfrom all fwmark 0x40/0x60 lookup 180",
    "table inet rollcall",
  ]

  @Test("all of it is made once, and a second time changes nothing")
  func configured() async throws {
    let lines = try await Namespaces.run(
      show + """
        upA >/dev/null; show; echo --
        (exec ip monitor all) >/run/wireguard/changes & MONITOR=$!; sleep 0.3
        p open wga userspace configure wga fd00:0:0:2::1/64 ipv4=10.9.0.1 configure wga fd00:0:0:2::1/64 \
          ipv4=10.9.0.1 >/dev/null
        sleep 0.2; kill $MONITOR; cat /run/wireguard/changes; show
        """)
    #expect(lines == whole + ["--"] + whole)
  }

  @Test("what somebody took away, or an earlier run with other settings left, is put right")
  func repaired() async throws {
    let lines = try await Namespaces.run(
      show + """
        upA mtu=1300 forced=no >/dev/null
        ip addr add fd00:0:0:2::9/64 dev wga; ip rule add fwmark 0x20/0x60 lookup 180 pref 7
        p configure wga fd00:0:0:2::1/64 >/dev/null; show; echo --
        ip link set wga down; ip rule del pref 32500; ip -6 addr flush dev wga
        p configure wga fd00:0:0:2::1/64 >/dev/null; show
        """)
    #expect(lines == whole + ["--"] + whole)
  }

  @Test("all of it is removed, also by a later run and where only a part is there; what is others' stays")
  func removed() async throws {
    let lines = try await Namespaces.run(
      show + """
        nft add table inet others; ip route add default via 10.9.0.9 table 180 metric 77; ip rule add pref 9 lookup 180
        upA >/dev/null; p open wga userspace configure wga fd00:0:0:2::1/64 remove close >/dev/null; show 2>&1; echo --
        upA >/dev/null; kill -9 $(pidof wireguard-go); ip -6 rule del pref 32500
        while ip link show wga >/dev/null 2>&1; do :; done
        p configure wga fd00:0:0:2::1/64 remove; show 2>&1
        """)
    let others = [
      "Device \"wga\" does not exist.", "default via 10.9.0.9 dev eth0 metric 77 ", "9:\tfrom all lookup 180",
      "table inet others",
    ]
    try #require(lines.count == 11, "\(lines)")
    #expect(Array(lines.prefix(5)) == others + ["--"])
    #expect(lines[5].hasPrefix("error gone: there is no interface 'wga'"))
    #expect(Array(lines.suffix(5)) == ["removed"] + others)
  }

  @Test("a route of somebody else in the same place is an error, and stays")
  func foreignRoute() async throws {
    let lines = try await Namespaces.run(
      """
      ip route add default via 10.9.0.9 table 180 metric 1
      p open wga userspace configure wga fd00:0:0:2::1/64 configure wga fd00:0:0:2::1/64 table=181
      ip route show table 180; ip route show table 181 | wc -l
      """)
    try #require(lines.count == 5, "\(lines)")
    #expect(
      lines[1].hasPrefix("error notOurs: routing table 180 has a default route of metric 1 that isn't ours"))
    #expect(lines[2...] == ["configured", "default via 10.9.0.9 dev eth0 metric 1 ", "2"])
  }

  @Test("forced packets go nowhere when the link is down or gone; with bypass they go the plain way")
  func failsClosed() async throws {
    let lines = try await Namespaces.run(
      """
      up; pings 10.9.0.2; b nft delete table inet rollcall
      ip link set wga down; pings 10.9.0.2; ip link set wga up
      kill -9 $(pidof wireguard-go); pings 10.9.0.2
      p configure wga fd00:0:0:2::1/64 >/dev/null
      """)
    #expect(lines == ["3", "0", "0"])
    let bypass = try await Namespaces.run(
      "up forced=no; b nft delete table inet rollcall; ip link set wga down; pings 10.9.0.2")
    #expect(bypass == ["3"])
  }

  @Test("IPv4 comes out of the tunnel whatever the reverse path filter is", arguments: [1, 2], [0, 1, 2])
  func reversePathFilter(all: Int, others: Int) async throws {
    let lines = try await Namespaces.run(
      """
      for f in all:\(all) default:\(others); do
        echo ${f#*:} >/proc/sys/net/ipv4/conf/${f%:*}/rp_filter
        b sh -c "echo ${f#*:} >/proc/sys/net/ipv4/conf/${f%:*}/rp_filter"
      done
      up; pings 10.9.0.2; pings fd00:0:0:2::2
      # Through the tunnel: the plain way is closed.
      b nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }'
      b nft 'add rule inet t i iifname eth0 ip protocol icmp drop'; pings 10.9.0.2
      """)
    #expect(lines == ["3", "3", "3"])
  }

  @Test("where the filter can't be set, the value that would be right is named")
  func readOnly() async throws {
    let lines = try await Namespaces.run(
      """
      echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter
      mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
      p open wga userspace configure wga fd00:0:0:2::1/64 ipv4=10.9.0.1 configure wga fd00:0:0:2::1/64
      """)
    try #require(lines.count == 3, "\(lines)")
    #expect(lines[1].hasPrefix("error reversePathFilter: IPv4 packets out of the tunnel would be dropped"))
    #expect(lines[1].contains("net.ipv4.conf.all.rp_filter is 1"))
    #expect(lines[1].hasSuffix("set the latter to 2"))
    // A node without IPv4 isn't concerned.
    #expect(lines[2] == "configured")
  }

  @Test("nftables is given something only where that changed; a table that somebody removed comes back")
  func marks() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga userspace configure wga fd00:0:0:2::1/64 marked 10.9.0.2/32 marked 10.9.0.2/32 \
        sh 'nft add table inet others' marked 10.9.0.2/32 marked 10.9.0.2/32 10.8.0.0/16 marked \
        sh 'nft list table inet rollcall | grep -c "@v"' marked 10.9.0.2/32 sh 'nft flush ruleset' marked 10.9.0.2/32 \
        sh 'nft list ruleset | grep -c 10.9.0.2' sh 'nft delete chain inet rollcall output' marked 10.9.0.2/32 \
        marked 10.9.0.2/32 2>/run/wireguard/times
      p configure wga fd00:0:0:2::1/64 marked 10.9.0.2/32 nft /nowhere/nft configure wga fd00:0:0:2::1/64 marked 10.1.0.0/16
      grep marked /run/wireguard/times | tr '\\n' ' '
      """)
    #expect(
      lines.prefix(15) == [
        "open wga userspace", "configured", "marked", "unchanged", "unchanged", "marked", "marked", "0",
        "marked",
        "marked", "1", "marked", "unchanged", "configured", "marked",
      ])
    #expect(
      lines.contains { $0.hasPrefix("error missingProgram: ") && $0.contains("install the package nftables") }
    )
    print("nft:", lines.last ?? "")
  }

  @Test("rules that somebody flushes out of the table are made again, and a change beside it isn't one")
  func flushed() async throws {
    let lines = try await Namespaces.run(
      """
      "$PROBE" open wga userspace configure wga fd00:0:0:2::1/64 marked 10.9.0.2/32 \
        sh 'nft flush table inet rollcall' marked 10.9.0.2/32 sh 'nft list ruleset | grep -c "daddr @v4"' \
        sh 'nft flush chain inet rollcall output' marked 10.9.0.2/32 sh 'nft list ruleset | grep -c "daddr @v4"' \
        sh 'nft add table inet other' marked 10.9.0.2/32 | grep -E '^(2|marked|unchanged)$'
      """)
    #expect(lines == ["marked", "marked", "2", "marked", "2", "unchanged"])
  }

  // MARK: Bypass

  @Test("a request that came the plain way is answered so where bypass is allowed, and not where it isn't")
  func plainRequest() async throws {
    // A bypasses B, which is down for it; B has A in its set, and its tunnel is dead.
    let script = """
      b "$PROBE" open wgb userspace configure wgb fd00:0:0:2::2/64 ipv4=10.9.0.2 forced=FORCED \
        apply key=$KB port=51820 mark=32 peer=$PA to=10.9.0.1:51820 ip=10.9.0.1/32 marked 10.9.0.1/32 >/dev/null
      pings 10.9.0.2
      # What B itself begins still goes into the tunnel.
      b ping -c2 -i0.2 -W1 10.9.0.1 2>&1 | grep -c 'bytes from'
      """
    #expect(try await Namespaces.run(script.replacing("FORCED", with: "no")) == ["3", "0"])
    #expect(try await Namespaces.run(script.replacing("FORCED", with: "yes")) == ["0", "0"])
  }

  @Test("a request that came through the tunnel is answered through it, be its sender in the set or not")
  func tunnelledRequest() async throws {
    let lines = try await Namespaces.run(
      """
      up forced=no
      b "$PROBE" open wgb userspace configure wgb fd00:0:0:2::2/64 ipv4=10.9.0.2 forced=no marked >/dev/null
      b nft list table inet rollcall | grep -c @v
      # Nothing comes to A the plain way but the tunnel's own packets.
      nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }'
      nft 'add rule inet t i iifname eth0 ip protocol icmp drop'
      pings 10.9.0.2
      b nft delete table inet rollcall; pings 10.9.0.2
      """)
    #expect(lines == ["0", "3", "0"])
  }
}
