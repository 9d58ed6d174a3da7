import Testing

@Suite("A device in a network namespace", .enabled(if: Namespaces.isPossible, "needs network namespaces"))
struct DeviceTests {
  @Test("a device outlives kill -9, is found again as it was, and leaves nothing when it is closed")
  func life() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga auto apply key=$KA port=51820 mark=32 peer=$PB psk=$PSK alive=25 to=10.9.0.2:51820 \
        ip=10.1.2.3/16 ip=fd00::1/128 die
      first=$(pidof wireguard-go); ps -o sid= -p $first | grep -cw $first
      p open wga auto read
      [ "$first" = "$(pidof wireguard-go)" ] && echo the same
      ip -d link show wga | grep -o 'alias .*'
      stat -c %a /run/wireguard/wga.log
      p open wga auto close close; ip link show wga 2>&1; ls /run/wireguard | wc -l
      """)
    try #require(lines.count == 13, "\(lines)")
    #expect(lines[0] == "open wga userspace")
    #expect(lines[1] == "applied 1")
    #expect(lines[2] == "1")
    #expect(lines[3] == "open wga userspace")
    #expect(
      lines[4].hasPrefix(
        "read key=yes port=51820 mark=32 peers=1 prefixes=2 | 7Gfg/Zi6vnepqCRHk5kYdaY9vNbeSU6aiawNsTTpZUI= psk=yes "
          + "alive=25 to=10.9.0.2:51820 "))
    #expect(lines[4].hasSuffix(" ip=10.1.0.0/16,fd00::1/128"))
    #expect(lines[5] == "the same")
    #expect(lines[6] == "alias rollcall KubeSpan")
    #expect(lines[7] == "600")
    #expect(lines[9...] == ["closed", "closed", "Device \"wga\" does not exist.", "0"])
  }

  @Test("a link that isn't ours is neither used nor removed")
  func foreignLink() async throws {
    let lines = try await Namespaces.run(
      """
      ip link add wga type veth peer name other; p open wga auto; ip link show wga | grep -c wga
      ip link del wga
      wireguard-go -f wga 2>/dev/null & while ! [ -S /run/wireguard/wga.sock ]; do :; done
      for kind in auto userspace kernel; do p open wga $kind; done
      p configure wga fd00:0:0:2::1/64
      ip link show wga | grep -c wga; ip -6 addr show wga | grep -c fd00
      """)
    try #require(lines.count == 8, "\(lines)")
    #expect(
      lines[0].hasPrefix("error notOurs: there is an interface of kind 'veth' named 'wga' that isn't ours"))
    #expect(lines[0].contains("'interface'"))
    #expect(lines[1] == "1")
    for line in lines[2...4] { #expect(line.hasPrefix("error notOurs: there is an interface of kind 'tun'")) }
    #expect(lines[5].hasPrefix("error notOurs: the interface 'wga' isn't ours"))
    #expect(lines[6...] == ["1", "0"])
  }

  @Test("a link of somebody who was faster isn't marked as ours")
  func fasterLink() async throws {
    let lines = try await Namespaces.run(
      """
      ip link add wga type veth peer name other; p make wga veth; ip -d link show wga | grep -c alias
      p make wgb veth; ip -d link show wgb | grep -o 'alias .*'
      """)
    #expect(lines == ["error: File exists", "0", "made", "alias rollcall KubeSpan"])
  }

  @Test("a socket that a program of another namespace serves isn't believed, and that program goes on")
  func foreignNamespace() async throws {
    let lines = try await Namespaces.run(
      """
      b "$PROBE" open same userspace; first=$(pidof wireguard-go)
      p open same userspace
      ip link show same 2>&1 | grep -c exist
      [ "$first" = "$(pidof wireguard-go)" ] && b "$PROBE" open same auto read
      """)
    try #require(lines.count == 5, "\(lines)")
    #expect(lines[1].hasPrefix("error notOurs: '/var/run/wireguard/same.sock' is served by process "))
    #expect(lines[1].contains("of another network namespace; choose another name with 'interface'"))
    #expect(lines[2] == "1")
    #expect(lines[4].hasPrefix("read key=no"))
  }

  @Test("a device whose program or link went is gone, and can be opened anew")
  func gone() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga userspace sh 'kill -9 $(pidof wireguard-go)' read open wga userspace read \\
        sh 'ip link del wga; while pidof wireguard-go >/dev/null; do :; done' read apply port=1 \\
        open wga userspace read close read
      """)
    let kinds = lines.map { $0.prefix { $0 != ":" && $0 != "=" } }
    #expect(
      kinds == [
        "open wga userspace", "error gone", "open wga userspace", "read key", "error gone", "error gone",
        "open wga userspace", "read key", "closed", "error gone",
      ])
  }

  @Test("a device that was just started when we ended is ours, and what nobody serves is made anew")
  func unmarked() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga userspace; ip link set wga alias ''; first=$(pidof wireguard-go)
      p open wga userspace; ip -d link show wga | grep -o 'alias .*'
      [ "$first" = "$(pidof wireguard-go)" ] && echo the same
      rm /run/wireguard/wga.sock; p open wga userspace read
      while kill -0 $first 2>/dev/null && ! grep -q 'State:.Z' /proc/$first/status; do :; done; p open wga userspace read
      """)
    try #require(lines.count == 8, "\(lines)")
    #expect(lines[2...3] == ["alias rollcall KubeSpan", "the same"])
    #expect(lines[5].hasPrefix("read key=no"))
    #expect(lines[7].hasPrefix("read key=no"))
  }

  @Test("a kernel without WireGuard, and a missing program, are told by name")
  func missing() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga kernel; PATH=/nowhere "$PROBE" open wga userspace; ip link show wga 2>&1
      mkdir /run/wireguard/bin; printf '#!/bin/sh\\necho no tun here >&2; exit 1\\n' >/run/wireguard/bin/wireguard-go
      chmod +x /run/wireguard/bin/wireguard-go; PATH=/run/wireguard/bin:$PATH p open wga userspace
      """)
    try #require(lines.count >= 4, "\(lines)")
    // Where this kernel has WireGuard, that is opened.
    if !lines[0].hasPrefix("open wga kernel") {
      #expect(lines[0].hasPrefix("error unsupported: this kernel has no WireGuard"))
      #expect(lines[1].hasPrefix("error missingProgram: "))
      #expect(lines[1].contains("install the package wireguard-go"))
      #expect(lines[3] == "error failed: wireguard-go -f wga ended at once: no tun here")
    }
  }

  @Test(
    "a port in use leaves the device without one, what came before stays done, and all is well when it is free"
  )
  func portInUse() async throws {
    let lines = try await Namespaces.run(
      """
      python3 -c 'import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",51820));
      open("/run/wireguard/bound","w").close(); time.sleep(600)' & HOLDER=$!
      while ! [ -e /run/wireguard/bound ]; do :; done
      export HOLDER
      p open wga userspace configure wga fd00:0:0:2::1/64 \
        apply key=$KA port=51820 mark=32 peer=$PB ip=10.9.0.2/32 read \
        sh 'kill $HOLDER; while kill -0 $HOLDER 2>/dev/null && ! grep -q "State:.Z" /proc/$HOLDER/status; do :; done' \
        apply key=$KA port=51820 mark=32 peer=$PB ip=10.9.0.2/32 read
      """)
    try #require(lines.count == 6, "\(lines)")
    #expect(
      lines[2]
        == "error portInUse: the WireGuard device 'wga' can't listen: UDP port 51820 is in use by something "
        + "else; end that, or set another listenPort")
    #expect(lines[3] == "read key=yes port=0 mark=32 peers=0 prefixes=0")
    #expect(lines[4] == "applied 1")
    #expect(lines[5].hasPrefix("read key=yes port=51820 mark=32 peers=1 prefixes=1"))
  }

  @Test("prefixes change hands, and who has none stays a peer")
  func moving() async throws {
    let lines = try await Namespaces.run(
      """
      p open wga userspace apply peer=$PA ip=10.1.0.0/16 peer=$PB ip=10.2.0.0/16 ip=10.3.0.0/16 \
        apply peer=$PA ip=10.2.0.0/16 ip=10.3.0.0/16 peer=$PB ip=10.1.0.0/16 read \
        apply peer=$PA peer=$PB ip=10.1.0.0/16 ip=10.2.0.0/16 ip=10.3.0.0/16 read \
        apply peer=$PA peer=$PB ip=10.1.0.0/16 ip=10.2.0.0/16 ip=10.3.0.0/16
      """)
    try #require(lines.count == 7, "\(lines)")
    let prefixes = lines.filter { $0.hasPrefix("read") }.map { line in
      line.split(separator: " ").filter { $0.hasPrefix("ip=") }.map(String.init)
    }
    // By key: that of B is the first.
    #expect(
      prefixes == [
        ["ip=10.1.0.0/16", "ip=10.2.0.0/16,10.3.0.0/16"], ["ip=10.1.0.0/16,10.2.0.0/16,10.3.0.0/16", "ip="],
      ])
    #expect(lines[6] == "applied 0")
  }

  @Test("after an own address changed, an endpoint that is written again heals the way")
  func roaming() async throws {
    let lines = try await Namespaces.run(
      """
      up; pings fd00:0:0:2::2
      ip addr add 10.9.0.3/24 dev eth0; ip addr del 10.9.0.1/24 dev eth0; ip addr add 10.9.0.3/24 dev eth0 2>/dev/null
      p open wga userspace apply key=$KA port=51820 mark=32 peer=$PB psk=$PSK alive=25 to=10.9.0.2:51820 \
        ip=10.9.0.2/32 ip=fd00:0:0:2::2/128 | tail -1
      pings fd00:0:0:2::2; b "$PROBE" open wgb userspace read | tail -1 | grep -o 'to=[^ ]*'
      """)
    #expect(lines == ["3", "applied 1", "3", "to=10.9.0.3:51820"])
  }

  @Test("a peer that is removed and added again is tried at once")
  func reconnecting() async throws {
    let lines = try await Namespaces.run(
      """
      upB >/dev/null
      p open wga userspace configure wga fd00:0:0:2::1/64 \
        apply key=$KA port=51820 mark=32 peer=$PB psk=$PSK alive=25 to=10.9.0.77:51820 ip=fd00:0:0:2::2/128 \
        apply key=$KA port=51820 mark=32 peer=$PB psk=$PSK alive=25 again=10.9.0.2:51820 ip=fd00:0:0:2::2/128 | tail -1
      ping -c1 -W1 fd00:0:0:2::2 | grep -c 'bytes from'
      """)
    #expect(lines == ["applied 2", "1"])
  }

  @Test("200 peers with 20 prefixes each are configured and read whole")
  func many() async throws {
    let lines = try await Namespaces.run(
      "p open wga userspace mesh 200 20 read mesh 200 20 read 2>&1; ip link show wga | grep -c wga")
    #expect(lines.contains("applied 200"))
    #expect(
      lines.filter {
        $0 == "read key=no port=0 mark=0 peers=200 prefixes=4000" || $0.hasSuffix("peers=200 prefixes=4000")
      }.count == 2)
    print("200 peers x 20 prefixes:", lines.filter { $0.hasSuffix(" us") }.joined(separator: ", "))
  }
}
