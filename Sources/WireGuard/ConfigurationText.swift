import ClusterModel
import KubeSpan
import Platform

/// The text by which userspace devices are asked and configured, WireGuard's cross-platform interface: lines
/// `key=value`, up to an empty one. Values in, text out, and back.
enum ConfigurationText {
  /// Asks for all there is.
  static let get = "get=1\n\n"

  /// The most that an answer may have, in bytes: a peer of a thousand prefixes takes 30,000.
  static let maximumAnswer = 64 << 20
  /// The longest line, in bytes: a key in hexadecimal has 80.
  private static let maximumLine = 256

  // MARK: Asking

  /// The device that `answer` describes, the lines up to the empty one.
  ///
  /// - Throws: ``DeviceError`` that names the key of the line that can't be read. Lines of other keys are passed over.
  static func state(_ answer: ArraySlice<UInt8>) throws(DeviceError) -> DeviceState {
    var (privateKey, port, mark): (DeviceKey?, UInt16, UInt32) = (nil, 0, 0)
    var peers: [DevicePeer] = []
    var handshake: (seconds: Int64, nanoseconds: UInt32) = (0, 0)
    func change(_ key: Substring, _ change: (inout DevicePeer) throws(DeviceError) -> Void)
      throws(DeviceError)
    {
      guard !peers.isEmpty else { throw malformed(key) }
      try change(&peers[peers.count - 1])
    }
    for line in try lines(answer) {
      let (key, value) = (line.key, line.value)
      switch key {
      // The most of them.
      case "allowed_ip":
        guard let prefix = try? IPPrefix(value) else { throw malformed(key) }
        try change(key) { $0.allowedIPs.append(prefix) }
      case "private_key": privateKey = try secret(value, key)
      case "listen_port": port = try number(value, key)
      case "fwmark": mark = try number(value, key)
      case "public_key":
        guard let bytes = hexadecimal(value) else { throw malformed(key) }
        peers.append(DevicePeer(publicKey: Base64.encode(bytes)))
        handshake = (0, 0)
      case "preshared_key":
        let secret = try secret(value, key)
        try change(key) { $0.presharedKey = secret }
      case "endpoint":
        let endpoint = try endpoint(value, key)
        try change(key) { $0.endpoint = endpoint }
      case "persistent_keepalive_interval":
        let seconds: UInt16 = try number(value, key)
        try change(key) { $0.keepAlive = seconds }
      case "last_handshake_time_sec", "last_handshake_time_nsec":
        if key.hasSuffix("_nsec") {
          handshake.nanoseconds = try number(value, key)
        } else {
          handshake.seconds = try number(value, key)
        }
        let (seconds, nanoseconds) = handshake
        try change(key) { $0.lastHandshake = HandshakeTime(seconds: seconds, nanoseconds: nanoseconds) }
      case "rx_bytes":
        let count: UInt64 = try number(value, key)
        try change(key) { $0.receivedBytes = count }
      case "tx_bytes":
        let count: UInt64 = try number(value, key)
        try change(key) { $0.sentBytes = count }
      case "errno":
        let code: Int32 = try number(value, key)
        guard code == 0 else { throw refused(code) }
      default: break
      }
    }
    return DeviceState(privateKey: privateKey, listenPort: port, firewallMark: mark, peers: peers)
  }

  /// The number that a device answers a configuration with: 0, or minus an `errno`.
  static func errorNumber(_ answer: ArraySlice<UInt8>) throws(DeviceError) -> Int32 {
    guard let line = try lines(answer).last, line.key == "errno" else {
      throw DeviceError(.failed, "a WireGuard device ended its answer without saying whether all went well")
    }
    return try number(line.value, line.key)
  }

  /// Whether `bytes` end with the empty line, and so are a whole answer.
  static func isWhole(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[bytes.count - 1] == 0x0A && bytes[bytes.count - 2] == 0x0A
  }

  private static func lines(
    _ answer: ArraySlice<UInt8>
  ) throws(DeviceError) -> [(key: Substring, value: Substring)] {
    // Decoded once: an answer has thousands of lines.
    let text = String(decoding: answer, as: UTF8.self).utf8
    var result: [(key: Substring, value: Substring)] = []
    for line in text.split(separator: 0x0A) {
      guard line.count <= maximumLine, let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
        throw DeviceError(.failed, "a WireGuard device answered a line that is no 'key=value'")
      }
      result.append((Substring(line[..<equals]), Substring(line[line.index(after: equals)...])))
    }
    return result
  }

  private static func secret(_ value: Substring, _ key: Substring) throws(DeviceError) -> DeviceKey? {
    guard let bytes = hexadecimal(value) else { throw malformed(key) }
    return bytes.allSatisfy { $0 == 0 } ? nil : DeviceKey(bytes: bytes)
  }

  private static func number<Number: FixedWidthInteger>(
    _ value: Substring, _ key: Substring
  ) throws(DeviceError) -> Number {
    guard let number = Number(value) else { throw malformed(key) }
    return number
  }

  private static func endpoint(_ value: Substring, _ key: Substring) throws(DeviceError) -> IPEndpoint {
    var text = String(value)
    // A zone, as a link-local address has one, is of no use elsewhere.
    if let zone = text.firstIndex(of: "%"), let end = text[zone...].firstIndex(of: "]") {
      text.removeSubrange(zone..<end)
    }
    guard let endpoint = try? IPEndpoint(text) else { throw malformed(key) }
    return endpoint
  }

  /// Names the key alone: the value may be a secret.
  private static func malformed(_ key: Substring) -> DeviceError {
    DeviceError(.failed, "a WireGuard device answered \(quoted(key)) with something that can't be that")
  }

  /// - Parameter code: minus an `errno`, as the device gives it.
  static func refused(_ code: Int32) -> DeviceError {
    DeviceError(.failed, "the WireGuard device refused that: \(errnoText(0 &- code))")
  }

  // MARK: Configuring

  /// The text that configures `difference`.
  static func set(_ difference: DeviceDifference) -> String {
    var text = "set=1\n"
    if let key = difference.privateKey { text += "private_key=\(hexadecimal(key.bytes))\n" }
    if let mark = difference.firewallMark { text += "fwmark=\(mark)\n" }
    if let port = difference.listenPort { text += "listen_port=\(port)\n" }
    for step in difference.steps {
      switch step {
      case .remove(let publicKey): text += "\(line(publicKey))remove=true\n"
      case .add(let peer):
        text += line(peer.publicKey)
        if let key = peer.presharedKey { text += "preshared_key=\(hexadecimal(key.bytes))\n" }
        if let endpoint = peer.endpoint.endpoint { text += "endpoint=\(endpoint)\n" }
        text += "persistent_keepalive_interval=\(peer.keepAlive)\n\(lines(peer.allowedIPs))"
      case .update(let update):
        text += "\(line(update.publicKey))update_only=true\n"
        if let key = update.presharedKey {
          text += "preshared_key=\(hexadecimal(key.bytes))\n"
        } else if update.removesPresharedKey {
          text += "preshared_key=\(hexadecimal([UInt8](repeating: 0, count: 32)))\n"
        }
        if let endpoint = update.endpoint { text += "endpoint=\(endpoint)\n" }
        if let seconds = update.keepAlive { text += "persistent_keepalive_interval=\(seconds)\n" }
        if let allowedIPs = update.allowedIPs { text += lines(allowedIPs) }
      }
    }
    return text + "\n"
  }

  /// All prefixes of a peer, in place of those that it has.
  private static func lines(_ allowedIPs: [IPPrefix]) -> String {
    allowedIPs.reduce(into: "replace_allowed_ips=true\n") { $0 += "allowed_ip=\($1.network)\n" }
  }

  /// The line that begins a peer, whose key its parser has checked.
  private static func line(_ publicKey: String) -> String {
    "public_key=\(hexadecimal(Base64.decode(publicKey) ?? []))\n"
  }

  // MARK: Keys in hexadecimal

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// 32 bytes.
  private static func hexadecimal(_ text: Substring) -> [UInt8]? {
    let digits = text.utf8.compactMap(digit)
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
