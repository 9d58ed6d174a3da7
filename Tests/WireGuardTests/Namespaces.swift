import Foundation
import TestSupport

/// Network namespaces in which tests may do as they like. All that runs in them ends with them.
enum Namespaces {
  /// Why they can't be had here; nil where they can.
  static let obstacle: String? = {
    for program in ["unshare", "nsenter", "ip", "nft", "wireguard-go"] where !Program.isThere(program) {
      return "there is no \(program): \(Program.hint)"
    }
    guard FileManager.default.fileExists(atPath: "/dev/net/tun") else { return "there is no /dev/net/tun" }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["unshare", "-n", "-m", "--pid", "--fork", "--mount-proc", "true"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "unshare can't be run" }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? nil : "network namespaces can't be made here"
  }()

  static let isPossible: Bool = {
    if let obstacle { print("tests of devices are skipped: \(obstacle)") }
    return obstacle == nil
  }()

  /// Keys of two nodes, made for these tests.
  private static let keys = """
    KA=wJTqpaVGhyA5Hk+ktvkYHoC0B+2uwyGSsDiYgGnw5Gw= PA=lnQcsBYKDLPhbSlZs9DupG24lo/BYsCzuaW3ocgAg10=
    KB=GN/T6blR5BUHT5D/d1tX1kYBYIXSh3BUmt6Qv4WBVlc= PB=7Gfg/Zi6vnepqCRHk5kYdaY9vNbeSU6aiawNsTTpZUI=
    PSK=AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=
    """

  /// What each script begins with: `p` is the probe, `b` does something in the second namespace. The two are linked by
  /// their eth0, 10.9.0.1 and 10.9.0.2. A socket's path knows no namespace, so their devices are wga and wgb. `up` sets up
  /// both ends of a tunnel, with more settings for both.
  private static let preamble = """
    set -u
    mkdir -p /run/wireguard && mount -t tmpfs tmpfs /run/wireguard && ip link set lo up || exit 99
    \(keys)
    unshare -n sleep 600 & NB=$!
    b() { nsenter -t $NB -n "$@"; }
    p() { "$PROBE" "$@"; }
    while [ "$(readlink /proc/$NB/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
    ip link add eth0 type veth peer name eth0 netns $NB
    ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up
    b ip link set lo up; b ip addr add 10.9.0.2/24 dev eth0; b ip link set eth0 up
    upA() {
      p open wga userspace configure wga fd00:0:0:2::1/64 ipv4=10.9.0.1 "$@" \\
        apply key=$KA port=51820 mark=32 peer=$PB psk=$PSK alive=25 to=10.9.0.2:51820 ip=10.9.0.2/32 \\
        ip=fd00:0:0:2::2/128 marked 10.9.0.2/32
    }
    upB() {
      b "$PROBE" open wgb userspace configure wgb fd00:0:0:2::2/64 ipv4=10.9.0.2 "$@" \\
        apply key=$KB port=51820 mark=32 peer=$PA psk=$PSK alive=25 to=10.9.0.1:51820 ip=10.9.0.1/32 \\
        ip=fd00:0:0:2::1/128 marked 10.9.0.1/32
    }
    up() { upA "$@" >/dev/null; upB "$@" >/dev/null; }
    # How many of three pings were answered, the best of three rounds: a busy machine may lose one.
    pings() {
      best=0
      for round in 1 2 3; do
        answered=$(ping -c3 -i0.2 -W1 "$@" 2>/dev/null | sed -n 's/.*transmitted, \\([0-9]*\\) .*/\\1/p')
        [ "${answered:-0}" -le "$best" ] || best=$answered
        [ "$best" -lt 3 ] || break
      done
      echo "$best"
    }

    """

  /// The lines that `script` prints, in which `p` is the probe.
  static func run(_ script: String, within timeout: Duration = .seconds(60)) async throws -> [String] {
    let probe = BuiltProducts.folder.appendingPathComponent("WireGuardProbe").path
    let result = try await ChildProcess.run(
      "unshare",
      [
        "-n", "-m", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c",
        preamble + script + "\ntrue",
      ], environment: ["PROBE": probe], within: timeout)
    guard result.status == 0 else { throw Failed(description: "\(result)") }
    return result.output.split(separator: "\n").map(String.init)
  }

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }
}
