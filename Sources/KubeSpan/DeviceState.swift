public import ClusterModel

/// 32 secret bytes of WireGuard: a private key, or the key that all peers share. Never printed.
public struct DeviceKey: Hashable, Sendable {
  /// The bytes, to be given to a device and to nobody else.
  public let bytes: [UInt8]

  /// The key of `bytes`, or nil where there aren't 32.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }
}

extension DeviceKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(a secret key)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// When a handshake was, by the clock of the device: good for being shown and told from another one. How long ago it
/// is, it doesn't tell where that clock was set.
public struct HandshakeTime: Hashable, Sendable, Comparable {
  /// Seconds since 1970-01-01 UTC.
  public let seconds: Int64
  /// Further nanoseconds, below 1,000,000,000.
  public let nanoseconds: UInt32

  /// The time that a device tells; nil for its zero, which means that there was no handshake.
  public init?(seconds: Int64, nanoseconds: UInt32) {
    guard seconds != 0 || nanoseconds != 0 else { return nil }
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public static func < (left: HandshakeTime, right: HandshakeTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  /// The time in whole milliseconds.
  public var timestamp: Timestamp {
    Timestamp(milliseconds: seconds * 1000 + Int64(nanoseconds / 1_000_000))
  }
}

/// A peer as a device has it.
public struct DevicePeer: Hashable, Sendable {
  /// Its public key: base64 of 32 bytes.
  public var publicKey: String
  /// The key that both share; nil: none.
  public var presharedKey: DeviceKey?
  /// Where packets to it go: what was set, or where it was heard from last.
  public var endpoint: IPEndpoint?
  /// When the last handshake was; nil: never.
  public var lastHandshake: HandshakeTime?
  /// Bytes received from it since it was added.
  public var receivedBytes: UInt64
  /// Bytes sent to it since it was added.
  public var sentBytes: UInt64
  /// Seconds between keep-alives; 0: none are sent.
  public var keepAlive: UInt16
  /// The prefixes that are its, in any order.
  public var allowedIPs: [IPPrefix]

  /// The peer that is so.
  public init(
    publicKey: String, presharedKey: DeviceKey? = nil, endpoint: IPEndpoint? = nil,
    lastHandshake: HandshakeTime? = nil, receivedBytes: UInt64 = 0, sentBytes: UInt64 = 0,
    keepAlive: UInt16 = 0, allowedIPs: [IPPrefix] = []
  ) {
    self.publicKey = publicKey
    self.presharedKey = presharedKey
    self.endpoint = endpoint
    self.lastHandshake = lastHandshake
    self.receivedBytes = receivedBytes
    self.sentBytes = sentBytes
    self.keepAlive = keepAlive
    self.allowedIPs = allowedIPs
  }
}

/// A WireGuard device as it was read.
public struct DeviceState: Hashable, Sendable {
  /// Its private key; nil: none was set.
  public var privateKey: DeviceKey?
  /// The UDP port that it listens on; 0: none.
  public var listenPort: UInt16
  /// The mark of the packets that it sends; 0: none.
  public var firewallMark: UInt32
  /// Its peers by public key.
  public var peers: [String: DevicePeer]

  /// The device that is so; without anything one that was just made.
  ///
  /// - Parameter peers: in the order of the device's answer. The kernel splits a peer of many prefixes into several
  ///   entries with one key: their prefixes are joined.
  public init(
    privateKey: DeviceKey? = nil, listenPort: UInt16 = 0, firewallMark: UInt32 = 0, peers: [DevicePeer] = []
  ) {
    self.privateKey = privateKey
    self.listenPort = listenPort
    self.firewallMark = firewallMark
    self.peers = [:]
    for peer in peers {
      if self.peers[peer.publicKey]?.allowedIPs.append(contentsOf: peer.allowedIPs) == nil {
        self.peers[peer.publicKey] = peer
      }
    }
  }
}
