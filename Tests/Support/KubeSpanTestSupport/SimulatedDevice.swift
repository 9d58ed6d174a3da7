public import ClusterModel
public import KubeSpan

/// A WireGuard device and the paths from it, in simulated time.
///
/// As measured on real ones: a peer that was added with an endpoint begins its handshake at once, an endpoint that is
/// merely changed waits for the retry every 5 s; a peer sends a keep-alive every 25 s and a handshake every 120 s; a
/// prefix that is given to a peer is taken from whoever has it.
public struct SimulatedDevice: Sendable {
  public private(set) var state = DeviceState()
  /// Where somebody answers.
  public var answering: Set<IPEndpoint> = []
  public private(set) var now: Duration = .zero
  /// How far the device's clock is from simulated time.
  public var clockOffset: Duration = .zero
  /// By public key, when the next attempt, keep-alive and handshake are due.
  private var attempts: [String: Duration] = [:]
  private var keepAlives: [String: Duration] = [:]
  private var renewals: [String: Duration] = [:]
  /// By public key, how often the peer was added.
  public private(set) var additions: [String: Int] = [:]

  /// The device's own wall clock.
  public var wallClock: Timestamp {
    Timestamp(milliseconds: 1_800_000_000_000 + Int64((now + clockOffset) / .milliseconds(1)))
  }

  /// A device without peers.
  public init() {}

  /// Lets time pass.
  public mutating func advance(to end: Duration) {
    while now < end {
      now = min(end, now + .milliseconds(50))
      for key in state.peers.keys.sorted() { advance(key) }
    }
  }

  private mutating func advance(_ key: String) {
    guard let endpoint = state.peers[key]?.endpoint else { return }
    let answers = answering.contains(endpoint)
    if let attempt = attempts[key], now >= attempt {
      state.peers[key]?.sentBytes += 148
      attempts[key] = now + .seconds(5)
      if answers { shakeHands(key) }
    }
    guard state.peers[key]?.lastHandshake != nil, attempts[key] == nil else { return }
    if let due = keepAlives[key], now >= due {
      keepAlives[key] = due + .seconds(25)
      state.peers[key]?.sentBytes += 32
      if answers { state.peers[key]?.receivedBytes += 32 }
    }
    if let due = renewals[key], now >= due {
      renewals[key] = nil
      attempts[key] = now
    }
  }

  private mutating func shakeHands(_ key: String) {
    attempts[key] = nil
    keepAlives[key] = now + .seconds(25)
    renewals[key] = now + .seconds(120)
    state.peers[key]?.receivedBytes += 92
    let time = wallClock.milliseconds
    state.peers[key]?.lastHandshake = HandshakeTime(
      seconds: time / 1000, nanoseconds: UInt32(time % 1000) * 1_000_000)
  }

  /// The peer dials in from `endpoint`.
  public mutating func dialIn(_ key: String, from endpoint: IPEndpoint) {
    answering.insert(endpoint)
    state.peers[key]?.endpoint = endpoint
    shakeHands(key)
  }

  /// Configures it.
  public mutating func apply(_ difference: DeviceDifference) {
    if let key = difference.privateKey { state.privateKey = key }
    if let port = difference.listenPort { state.listenPort = port }
    if let mark = difference.firewallMark { state.firewallMark = mark }
    for step in difference.steps {
      switch step {
      case .remove(let key):
        state.peers[key] = nil
        (attempts[key], keepAlives[key], renewals[key]) = (nil, nil, nil)
      case .add(let peer):
        state.peers[peer.publicKey] = DevicePeer(
          publicKey: peer.publicKey, presharedKey: peer.presharedKey, endpoint: peer.endpoint.endpoint,
          keepAlive: peer.keepAlive)
        give(peer.allowedIPs, to: peer.publicKey)
        attempts[peer.publicKey] = now
        additions[peer.publicKey, default: 0] += 1
      case .update(let update):
        if let key = update.presharedKey { state.peers[update.publicKey]?.presharedKey = key }
        if update.removesPresharedKey { state.peers[update.publicKey]?.presharedKey = nil }
        if let seconds = update.keepAlive { state.peers[update.publicKey]?.keepAlive = seconds }
        if let endpoint = update.endpoint { state.peers[update.publicKey]?.endpoint = endpoint }
        if let allowedIPs = update.allowedIPs {
          state.peers[update.publicKey]?.allowedIPs = []
          give(allowedIPs, to: update.publicKey)
        }
      }
    }
  }

  /// The device loses the peer, as if it had never been given it.
  public mutating func forget(_ key: String) { state.peers[key] = nil }

  private mutating func give(_ prefixes: [IPPrefix], to key: String) {
    for holder in state.peers.keys { state.peers[holder]?.allowedIPs.removeAll { prefixes.contains($0) } }
    state.peers[key]?.allowedIPs.append(contentsOf: prefixes)
  }
}
