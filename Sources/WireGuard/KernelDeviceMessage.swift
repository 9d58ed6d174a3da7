import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Platform

/// The kernel's generic netlink messages of WireGuard: values in, attributes out, and back. Numbers and layouts are those
/// of `linux/wireguard.h`.
enum KernelDeviceMessage {
  /// The name and the version of the family.
  static let family = "wireguard"
  private static let version: UInt8 = 1

  private enum Command {
    static let get: UInt8 = 0
    static let set: UInt8 = 1
  }

  /// `enum wgdevice_attribute`
  private enum Device {
    static let index: UInt16 = 1
    static let privateKey: UInt16 = 3
    static let listenPort: UInt16 = 6
    static let firewallMark: UInt16 = 7
    static let peers: UInt16 = 8
  }

  /// `enum wgpeer_attribute`
  private enum Peer {
    static let publicKey: UInt16 = 1
    static let presharedKey: UInt16 = 2
    static let flags: UInt16 = 3
    static let endpoint: UInt16 = 4
    static let keepAlive: UInt16 = 5
    static let lastHandshake: UInt16 = 6
    static let receivedBytes: UInt16 = 7
    static let sentBytes: UInt16 = 8
    static let allowedIPs: UInt16 = 9
  }

  /// `enum wgpeer_flag`
  private enum PeerFlag {
    static let remove: UInt32 = 1
    static let replaceAllowedIPs: UInt32 = 2
    static let updateOnly: UInt32 = 4
  }

  /// `enum wgallowedip_attribute`
  private enum AllowedIP {
    static let family: UInt16 = 1
    static let address: UInt16 = 2
    static let length: UInt16 = 3
  }

  // MARK: Asking

  /// Asks for the device of the interface `index`.
  static func get(index: UInt32, family: UInt16) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Device.index, index)
    return NetlinkMessage(family, head: [Command.get, version, 0, 0], attributes)
  }

  /// The device that `answers` describe. A peer of many prefixes comes in pieces, which the state joins.
  ///
  /// - Throws: ``DeviceError`` where a key hasn't 32 bytes and the like.
  static func state(_ answers: [NetlinkMessage]) throws(DeviceError) -> DeviceState {
    var (privateKey, port, mark): (DeviceKey?, UInt16, UInt32) = (nil, 0, 0)
    var peers: [DevicePeer] = []
    for answer in answers {
      for (type, value) in NetlinkAttributes.read(answer.body.dropFirst(4)) {
        switch type {
        case Device.privateKey: privateKey = try secret(value)
        case Device.listenPort: port = try integer(value)
        case Device.firewallMark: mark = try integer(value)
        case Device.peers:
          for (_, value) in NetlinkAttributes.read(value) { peers.append(try peer(value)) }
        default: break
        }
      }
    }
    return DeviceState(privateKey: privateKey, listenPort: port, firewallMark: mark, peers: peers)
  }

  private static func peer(_ attributes: ArraySlice<UInt8>) throws(DeviceError) -> DevicePeer {
    var peer = DevicePeer(publicKey: "")
    for (type, value) in NetlinkAttributes.read(attributes) {
      switch type {
      case Peer.publicKey:
        guard value.count == 32 else { throw malformed }
        peer.publicKey = Base64.encode(value)
      case Peer.presharedKey: peer.presharedKey = try secret(value)
      case Peer.endpoint: peer.endpoint = endpoint(value)
      case Peer.keepAlive: peer.keepAlive = try integer(value)
      case Peer.lastHandshake:
        // struct __kernel_timespec: two numbers of 64 bits.
        let nanoseconds: Int64 = try integer(value.dropFirst(8))
        peer.lastHandshake = HandshakeTime(
          seconds: try integer(value), nanoseconds: UInt32(clamping: nanoseconds))
      case Peer.receivedBytes: peer.receivedBytes = try integer(value)
      case Peer.sentBytes: peer.sentBytes = try integer(value)
      case Peer.allowedIPs:
        for (_, value) in NetlinkAttributes.read(value) { peer.allowedIPs.append(try prefix(value)) }
      default: break
      }
    }
    guard !peer.publicKey.isEmpty else { throw malformed }
    return peer
  }

  private static func prefix(_ attributes: ArraySlice<UInt8>) throws(DeviceError) -> IPPrefix {
    var address: IPAddress?
    var length: UInt8?
    for (type, value) in NetlinkAttributes.read(attributes) {
      switch type {
      case AllowedIP.address: address = IPAddress(bytes: value)
      case AllowedIP.length: length = try integer(value)
      default: break
      }
    }
    guard let address, let length, let prefix = IPPrefix(address: address, length: Int(length)) else {
      throw malformed
    }
    return prefix
  }

  /// 32 bytes; nil where all are zero, by which a device says that there is none.
  private static func secret(_ value: ArraySlice<UInt8>) throws(DeviceError) -> DeviceKey? {
    guard let key = DeviceKey(bytes: Array(value)) else { throw malformed }
    return value.allSatisfy { $0 == 0 } ? nil : key
  }

  private static func integer<Integer: FixedWidthInteger>(
    _ value: ArraySlice<UInt8>
  ) throws(DeviceError) -> Integer {
    guard let integer = Netlink.integer(value, at: 0, as: Integer.self) else { throw malformed }
    return integer
  }

  private static let malformed = DeviceError(
    .failed, "the kernel's answer about a WireGuard device can't be read")

  /// `struct sockaddr_in` or `sockaddr_in6`; nil for another family, or none.
  private static func endpoint(_ value: ArraySlice<UInt8>) -> IPEndpoint? {
    guard let family = Netlink.integer(value, at: 0, as: UInt16.self),
      let port = Netlink.integer(value, at: 2, as: UInt16.self).map(UInt16.init(bigEndian:))
    else { return nil }
    let bytes: ArraySlice<UInt8>
    switch Int32(family) {
    case AF_INET: bytes = value.dropFirst(4).prefix(4)
    case AF_INET6: bytes = value.dropFirst(8).prefix(16)
    default: return nil
    }
    return IPAddress(bytes: bytes).map { IPEndpoint(address: $0, port: port) }
  }

  // MARK: Configuring

  /// The messages that configure `difference`, to be sent one after the other: all peers of a message are one attribute,
  /// whose length has 16 bits.
  ///
  /// - Parameter limit: the most bytes of peers in one message.
  static func set(
    _ difference: DeviceDifference, index: UInt32, family: UInt16,
    limit: Int = NetlinkAttributes.maximumValue - 1024
  ) -> [NetlinkMessage] {
    var writer = PeerWriter(limit: limit)
    for step in difference.steps {
      switch step {
      case .remove(let publicKey):
        var peer = NetlinkAttributes()
        peer.append(Peer.publicKey, bytes: key(publicKey))
        peer.append(Peer.flags, PeerFlag.remove)
        writer.append(peer)
      case .add(let desired):
        var peer = NetlinkAttributes()
        peer.append(Peer.publicKey, bytes: key(desired.publicKey))
        peer.append(Peer.flags, PeerFlag.replaceAllowedIPs)
        if let presharedKey = desired.presharedKey {
          peer.append(Peer.presharedKey, bytes: presharedKey.bytes)
        }
        if let endpoint = desired.endpoint.endpoint { peer.append(Peer.endpoint, bytes: bytes(endpoint)) }
        peer.append(Peer.keepAlive, desired.keepAlive)
        writer.append(peer, allowedIPs: desired.allowedIPs, of: desired.publicKey)
      case .update(let update):
        var peer = NetlinkAttributes()
        peer.append(Peer.publicKey, bytes: key(update.publicKey))
        peer.append(
          Peer.flags, PeerFlag.updateOnly | (update.allowedIPs == nil ? 0 : PeerFlag.replaceAllowedIPs))
        if let presharedKey = update.presharedKey {
          peer.append(Peer.presharedKey, bytes: presharedKey.bytes)
        } else if update.removesPresharedKey {
          peer.append(Peer.presharedKey, bytes: [UInt8](repeating: 0, count: 32))
        }
        if let endpoint = update.endpoint { peer.append(Peer.endpoint, bytes: bytes(endpoint)) }
        if let keepAlive = update.keepAlive { peer.append(Peer.keepAlive, keepAlive) }
        writer.append(peer, allowedIPs: update.allowedIPs ?? [], of: update.publicKey)
      }
    }
    let peers = writer.finish()
    return (peers.isEmpty ? [NetlinkAttributes()] : peers).enumerated().map { position, peers in
      var attributes = NetlinkAttributes()
      attributes.append(Device.index, index)
      if position == 0 {
        if let mark = difference.firewallMark { attributes.append(Device.firewallMark, mark) }
        if let port = difference.listenPort { attributes.append(Device.listenPort, port) }
        if let privateKey = difference.privateKey {
          attributes.append(Device.privateKey, bytes: privateKey.bytes)
        }
      }
      if !peers.bytes.isEmpty { attributes.append(Device.peers, nested: peers) }
      return NetlinkMessage(family, head: [Command.set, version, 0, 0], attributes)
    }
  }

  /// A peer's key, which its parser has checked.
  private static func key(_ publicKey: String) -> [UInt8] { Base64.decode(publicKey) ?? [] }

  private static func bytes(_ endpoint: IPEndpoint) -> [UInt8] {
    let port = Netlink.bytes(endpoint.port.bigEndian)
    return switch endpoint.address.family {
    case .v4: Netlink.bytes(UInt16(AF_INET)) + port + endpoint.address.bytes + [UInt8](repeating: 0, count: 8)
    case .v6:
      Netlink.bytes(UInt16(AF_INET6)) + port + [0, 0, 0, 0] + endpoint.address.bytes + [0, 0, 0, 0]
    }
  }

  /// Fills attributes with peers, one after the other, each as far as its limit goes.
  private struct PeerWriter {
    let limit: Int
    private var full: [NetlinkAttributes] = []
    private var current = NetlinkAttributes()

    init(limit: Int) { self.limit = limit }

    /// Adds a peer as `head` says, with its prefixes: those that don't fit come in the next attribute, to a peer that
    /// is there by then and keeps the prefixes that it got before.
    mutating func append(_ head: NetlinkAttributes, allowedIPs: [IPPrefix] = [], of publicKey: String = "") {
      var head = head
      var rest = allowedIPs[...]
      while true {
        // A peer isn't begun where hardly a prefix would fit.
        if !current.bytes.isEmpty, !fits(head.bytes.count + 128) { flush() }
        var entries = NetlinkAttributes()
        // At least one, so that it comes to an end whatever the limit is.
        while let prefix = rest.first,
          entries.bytes.isEmpty || fits(head.bytes.count + entries.bytes.count + 64)
        {
          entries.append(0, nested: Self.entry(prefix))
          rest = rest.dropFirst()
        }
        var peer = head
        if !entries.bytes.isEmpty { peer.append(Peer.allowedIPs, nested: entries) }
        current.append(0, nested: peer)
        guard !rest.isEmpty else { return }
        head = NetlinkAttributes()
        head.append(Peer.publicKey, bytes: key(publicKey))
        head.append(Peer.flags, PeerFlag.updateOnly)
        flush()
      }
    }

    /// All attributes.
    mutating func finish() -> [NetlinkAttributes] {
      flush()
      return full
    }

    private func fits(_ count: Int) -> Bool { current.bytes.count + count <= limit }

    private mutating func flush() {
      if !current.bytes.isEmpty { full.append(current) }
      current = NetlinkAttributes()
    }

    private static func entry(_ prefix: IPPrefix) -> NetlinkAttributes {
      var entry = NetlinkAttributes()
      entry.append(AllowedIP.family, UInt16(prefix.address.family == .v4 ? AF_INET : AF_INET6))
      entry.append(AllowedIP.address, bytes: prefix.network.address.bytes)
      entry.append(AllowedIP.length, UInt8(prefix.length))
      return entry
    }
  }
}
