import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Platform
import WireGuard

/// Does with a WireGuard device what its arguments say, one after the other, in the network namespace in which it is
/// started: a program of its own, as a test's process can't enter one. Prints a line for each, `error CODE: ...` where it
/// fails, and to standard error how long it took.
///
///     open NAME auto|kernel|userspace
///     make NAME KIND           an interface, without looking whether there is one
///     apply key=K port=N mark=N  peer=K psk=K alive=N to=ENDPOINT again=ENDPOINT ip=PREFIX ip=PREFIX  peer=K ...
///     mesh PEERS PREFIXES [keep]   many peers, with as many prefixes each; their endpoints are written, or left
///     read | close
///     configure NAME ADDRESS/64 k=v ...     remove
///     marked PREFIX ...
///     nft PROGRAM              which nftables is run
///     sh COMMAND               what the shell says to it
///     die                      as kill -9 does it
@main struct WireGuardProbe {
  private static func say(_ text: String) {
    let line = text + "\n"
    _ = line.withCString { write(STDOUT_FILENO, $0, line.utf8.count) }
  }

  static func main() async throws {
    var words = Array(CommandLine.arguments.dropFirst())[...]
    var probe = try Self()
    while let verb = words.popFirst() {
      var arguments: [String] = []
      while let word = words.first, !Self.verbs.contains(word) {
        arguments.append(word)
        words = words.dropFirst()
      }
      let time = TimeSource()
      do {
        say(try await probe.run(verb, arguments))
      } catch let error as DeviceError {
        say("error \(error.code): \(error)")
      } catch {
        say("error: \(error)")
      }
      let elapsed = "\(verb) \(time.elapsed / .microseconds(1)) us\n"
      _ = elapsed.withCString { write(STDERR_FILENO, $0, elapsed.utf8.count) }
    }
  }

  private static let verbs: Set<String> = [
    "open", "make", "apply", "mesh", "read", "close", "configure", "remove", "marked", "nft", "sh", "die",
  ]

  private var device: (any WireGuardDevice)?
  private var network = MeshNetwork()
  private var settings: MeshNetwork.Settings?
  private var desired: DesiredDevice

  init() throws {
    guard let key = Self.key(number: 1) else { throw Failure(description: "no key") }
    desired = DesiredDevice(privateKey: key, listenPort: 0, firewallMark: 0, peers: [])
  }

  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Any key, the same for the same number.
  private static func key(number: Int) -> DeviceKey? {
    DeviceKey(bytes: (0..<32).map { UInt8(truncatingIfNeeded: (number >> (8 * $0 % 24)) ^ ($0 * 37)) })
  }

  private mutating func run(_ verb: String, _ arguments: [String]) async throws -> String {
    switch verb {
    case "open":
      guard arguments.count == 2, let preference = DevicePreference(rawValue: arguments[1]) else { break }
      let device = try await WireGuardDevices().open(interface: arguments[0], preference: preference)
      self.device = device
      return "open \(device.interface) \(device.kind.rawValue)"
    case "make":
      guard arguments.count == 2 else { break }
      let messages = NetworkInterface.create(
        arguments[0], kind: arguments[1], alias: WireGuardDevices.standardMark,
        index: NetworkInterface.unusedIndex())
      try NetlinkSocket(Netlink.route).perform(messages)
      return "made"
    case "apply":
      try change(arguments)
      return try await apply()
    case "mesh":
      guard arguments.count >= 2, let peers = Int(arguments[0]), let prefixes = Int(arguments[1]) else {
        break
      }
      let keepsEndpoints = arguments.dropFirst(2).first == "keep"
      desired.peers = (0..<peers).map { peer in
        DesiredPeer(
          publicKey: Base64.encode(Self.key(number: peer + 2)?.bytes ?? []),
          presharedKey: Self.key(number: 0x777777),
          keepAlive: 25,
          allowedIPs: (0..<prefixes).map { prefix in
            IPPrefix(host: IPAddress(v4: UInt32(0x0A00_0000 + peer * prefixes + prefix)))
          },
          endpoint: keepsEndpoints
            ? .keep : .write(IPEndpoint(address: IPAddress(v4: 0x7F00_0001), port: UInt16(2000 + peer))))
      }
      return try await apply()
    case "read": return Self.text(try await opened().read())
    case "close":
      await device?.close()
      return "closed"
    case "configure":
      try await configure(arguments)
      return "configured"
    case "remove":
      if let settings { await network.remove(settings) }
      return "removed"
    case "marked":
      let prefixes = try arguments.map { try IPPrefix($0) }
      let set = MarkedSet(peers: [(state: PeerState.up, allowedIPs: prefixes)], allowsBypass: false)
      return try await network.mark(set) ? "marked" : "unchanged"
    case "nft":
      guard let program = arguments.first else { break }
      network = MeshNetwork(nft: program)
      return "nft"
    case "sh":
      let end = try ChildProgram("/bin/sh", ["-c"] + arguments).run(
        within: .seconds(30), maximumOutput: 1 << 20)
      return String(String(decoding: end.output, as: UTF8.self).trimmed)
    case "die": kill(getpid(), SIGKILL)
    default: break
    }
    throw Failure(description: "\(verb) \(arguments)?")
  }

  private func opened() throws -> any WireGuardDevice {
    guard let device else { throw Failure(description: "no device is open") }
    return device
  }

  private func apply() async throws -> String {
    let device = try opened()
    let difference = DeviceDifference(from: try await device.read(), to: desired)
    let time = TimeSource()
    try await device.apply(difference)
    let elapsed = "apply alone \(time.elapsed / .microseconds(1)) us\n"
    _ = elapsed.withCString { write(STDERR_FILENO, $0, elapsed.utf8.count) }
    return "applied \(difference.steps.count)"
  }

  private mutating func change(_ arguments: [String]) throws {
    desired.peers = []
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { throw Failure(description: argument) }
      let (name, value) = (parts[0], parts[1])
      let last = desired.peers.count - 1
      switch name {
      case "key": desired.privateKey = try Self.secret(value)
      case "port": desired.listenPort = UInt16(value) ?? 0
      case "mark": desired.firewallMark = UInt32(value) ?? 0
      case "peer":
        desired.peers.append(
          DesiredPeer(publicKey: String(value), presharedKey: nil, keepAlive: 0, allowedIPs: []))
      case "psk": desired.peers[last].presharedKey = try Self.secret(value)
      case "alive": desired.peers[last].keepAlive = UInt16(value) ?? 0
      case "to": desired.peers[last].endpoint = .write(try IPEndpoint(value))
      case "again": desired.peers[last].endpoint = .reconnect(try IPEndpoint(value))
      case "ip": desired.peers[last].allowedIPs.append(try IPPrefix(value))
      default: throw Failure(description: argument)
      }
    }
  }

  private static func secret(_ text: Substring) throws -> DeviceKey {
    guard let key = Base64.decode(text).flatMap({ DeviceKey(bytes: $0) }) else {
      throw Failure(description: "not a key")
    }
    return key
  }

  private mutating func configure(_ arguments: [String]) async throws {
    guard arguments.count >= 2 else { throw Failure(description: "configure NAME ADDRESS") }
    var settings = MeshNetwork.Settings(interface: arguments[0], address: try IPPrefix(arguments[1]))
    for argument in arguments.dropFirst(2) {
      let parts = argument.split(separator: "=", maxSplits: 1)
      switch (parts[0], parts[1]) {
      case ("mtu", let value): settings.mtu = UInt32(value) ?? 0
      case ("table", let value): settings.table = UInt32(value) ?? 0
      case ("forced", let value): settings.forced = value == "yes"
      case ("ipv4", let value): settings.ownIPv4 = try IPAddress(value)
      case ("nftTable", let value): settings.nftTable = String(value)
      default: throw Failure(description: argument)
      }
    }
    self.settings = settings
    try await network.configure(settings)
  }

  private static func text(_ state: DeviceState) -> String {
    let peers = state.peers.values.sorted { $0.publicKey < $1.publicKey }
    let count = peers.reduce(0) { $0 + $1.allowedIPs.count }
    let head =
      "read key=\(state.privateKey == nil ? "no" : "yes") port=\(state.listenPort) mark=\(state.firewallMark) "
      + "peers=\(peers.count) prefixes=\(count)"
    guard peers.count <= 4 else { return head }
    return head
      + peers.map { peer in
        " | \(peer.publicKey) psk=\(peer.presharedKey == nil ? "no" : "yes") alive=\(peer.keepAlive) "
          + "to=\(peer.endpoint.map { "\($0)" } ?? "") handshake=\(peer.lastHandshake == nil ? "no" : "yes") "
          + "rx=\(peer.receivedBytes) tx=\(peer.sentBytes) "
          + "ip=\(peer.allowedIPs.sorted().map { "\($0)" }.joined(separator: ","))"
      }.joined()
  }
}
