public import ClusterModel

/// Follows one peer over readings of the device: how it is, and which endpoint to try when.
///
/// The existing system's rule (siderolabs/talos, `kubespan.ManagerController`) polls every 30 s, compares the device's
/// wall clock with its own, and overwrites the endpoint of a peer that dialled in by itself. Here:
/// - A handshake's age counts from when its change was seen, by a steady clock: a clock that is set changes nothing.
/// - A path is dead once a keep-alive is overdue, as every peer sends them.
/// - A peer that is up keeps the endpoint that it has. The last one that was good is tried first.
/// - A try lasts a second at first, and removes and adds the peer, so that its handshake begins at once.
public struct PeerTracker: Hashable, Sendable {
  /// What was read and is known at one moment.
  public struct Reading: Hashable, Sendable {
    /// The peer as the device has it; nil: it doesn't.
    public var peer: DevicePeer?
    /// What to try, from ``EndpointRanking``.
    public var candidates: [IPEndpoint]
    /// The moment, by a steady clock: later than that of the reading before.
    public var now: Duration
    /// The moment, as people are shown it.
    public var wallClock: Timestamp
    /// How long a packet to the peer and its answer take, where that is known.
    public var roundTrip: Duration?
    /// Whether an address of this node changed since the last reading.
    public var ownAddressChanged: Bool

    /// What was read.
    public init(
      peer: DevicePeer?, candidates: [IPEndpoint], now: Duration, wallClock: Timestamp,
      roundTrip: Duration? = nil, ownAddressChanged: Bool = false
    ) {
      self.peer = peer
      self.candidates = candidates
      self.now = now
      self.wallClock = wallClock
      self.roundTrip = roundTrip
      self.ownAddressChanged = ownAddressChanged
    }
  }

  /// Looking for an endpoint that answers.
  private struct Search: Hashable, Sendable {
    let start: Duration
    let wallClock: Timestamp
    /// How often all candidates were tried.
    var round = 0
    /// What was tried, each once, in order.
    var tried: [IPEndpoint] = []
    /// What there was to try at the last reading.
    var candidates: [IPEndpoint] = []
    var attemptStart: Duration

    init(at reading: Reading) {
      start = reading.now
      wallClock = reading.wallClock
      attemptStart = reading.now
    }
  }

  /// How the peer is.
  public private(set) var state: PeerState = .unknown
  /// The endpoint that was tried last; nil: none was.
  public private(set) var lastUsedEndpoint: IPEndpoint?
  /// When ``lastUsedEndpoint`` was set, as people are shown it.
  public private(set) var lastEndpointChange: Timestamp?
  /// The endpoint at which the peer was up last, be it one that it moved to by itself.
  public private(set) var lastGoodEndpoint: IPEndpoint?
  /// When the peer should be looked at again, by the steady clock.
  public private(set) var nextCheck: Duration = .zero
  /// Since when the peer is up, as people are shown it; nil: it isn't.
  public private(set) var upSince: Timestamp?
  /// How often an endpoint was set.
  public private(set) var endpointChanges = 0
  private var received = ByteTotal()
  private var sent = ByteTotal()

  private var search: Search?
  private var handshake: HandshakeTime?
  /// The latest handshake of all, which a clock that went back is behind.
  private var latestHandshake: HandshakeTime?
  private var handshakeSeen: Duration?
  private var receivedSeen: Duration?
  /// Whether the peer was to be removed and added since the last reading.
  private var isReset = false

  /// Follows a peer that was last up at `lastGoodEndpoint`, perhaps before this process began.
  ///
  /// - Parameter stranger: the handshake that the device had with another node of the same key, which tells nothing of
  ///   this one.
  public init(lastGoodEndpoint: IPEndpoint? = nil, stranger: HandshakeTime? = nil) {
    self.lastGoodEndpoint = lastGoodEndpoint
    handshake = stranger
  }

  /// Bytes received from the peer, as the device counts them; goes on where its counter begins anew.
  public var receivedBytes: UInt64 { received.total }
  /// Bytes sent to the peer, as ``receivedBytes``.
  public var sentBytes: UInt64 { sent.total }

  /// How long ago the last handshake was seen; nil: none was.
  public func handshakeAge(at now: Duration) -> Duration? { handshakeSeen.map { now - $0 } }

  /// Takes a reading in and says what is to become of the peer's endpoint.
  public mutating func advance(_ reading: Reading, _ timings: MeshTimings = MeshTimings()) -> DesiredEndpoint
  {
    observe(reading)
    let isSilent = timings.silence.flatMap { silence in
      receivedSeen.map { reading.now - $0 >= silence }
    }
    let sinceHandshake = isSilent == true ? nil : handshakeSeen.map { reading.now - $0 }
    state = PeerState(
      sinceHandshake: sinceHandshake, sinceEndpointChange: search.map { reading.now - $0.start },
      hasUsedEndpoint: lastUsedEndpoint != nil)
    if state == .up { return stay(reading, timings) }
    upSince = nil
    let desired = seek(reading, timings)
    // A search that has just begun: its endpoint had no time to answer yet.
    if state == .down, search?.start == reading.now, desired != .keep { state = .unknown }
    return desired
  }

  private mutating func observe(_ reading: Reading) {
    guard let peer = reading.peer else {
      // Whatever there was is gone, and the device's counters with it.
      (handshake, handshakeSeen, receivedSeen, isReset) = (nil, nil, nil, false)
      received.restart()
      sent.restart()
      return
    }
    let isNew = peer.lastHandshake != handshake
    if isReset, isNew || peer.lastHandshake == nil {
      received.restart()
      sent.restart()
    }
    isReset = false
    // A first reading's handshake may be old: silence will show.
    if received.count(peer.receivedBytes) { receivedSeen = reading.now }
    _ = sent.count(peer.sentBytes)
    guard isNew else { return }
    handshake = peer.lastHandshake
    handshakeSeen = handshake == nil ? nil : reading.now
    receivedSeen = handshakeSeen
    latestHandshake = [latestHandshake, handshake].compactMap { $0 }.max()
  }

  /// The peer is up: where it is stays.
  private mutating func stay(_ reading: Reading, _ timings: MeshTimings) -> DesiredEndpoint {
    search = nil
    upSince = upSince ?? reading.wallClock
    if let endpoint = reading.peer?.endpoint { lastGoodEndpoint = endpoint }
    let deadlines = [
      timings.silence.flatMap { silence in receivedSeen.map { $0 + silence } },
      handshakeSeen.map { $0 + PeerState.handshakeLimit },
    ]
    nextCheck = deadlines.compactMap { $0 }.reduce(reading.now + timings.poll, min)
    guard reading.ownAddressChanged, let endpoint = reading.peer?.endpoint else { return .keep }
    return .write(endpoint)
  }

  /// The peer isn't up: the next endpoint, once the one that is tried had its time.
  private mutating func seek(_ reading: Reading, _ timings: MeshTimings) -> DesiredEndpoint {
    var search = self.search ?? Search(at: reading)
    defer { self.search = search }
    if reading.ownAddressChanged || search.tried.isEmpty && !reading.candidates.isEmpty {
      search = Search(at: reading)
    }
    if !Set(reading.candidates).isSubset(of: search.candidates) { search.round = 0 }
    search.candidates = reading.candidates
    var length = timings.attempt(round: search.round, roundTrip: reading.roundTrip)
    if let endpoint = lastUsedEndpoint, search.tried.contains(endpoint),
      reading.candidates.contains(endpoint),
      reading.now - search.attemptStart < length
    {
      if reading.peer == nil { search.attemptStart = reading.now }
      nextCheck = check(reading.now, until: search.attemptStart + length, of: length, timings)
      return reading.peer == nil ? .reconnect(endpoint) : .keep
    }
    // Where a search begins the best one is tried first, though it be the one that was used last.
    let untried = reading.candidates.first { !search.tried.contains($0) }
    guard let next = untried ?? EndpointRotation.next(in: reading.candidates, after: lastUsedEndpoint) else {
      nextCheck = reading.now + timings.poll
      return .keep
    }
    if search.tried.contains(next), next == reading.candidates.first { search.round += 1 }
    if !search.tried.contains(next) { search.tried.append(next) }
    length = timings.attempt(round: search.round, roundTrip: reading.roundTrip)
    search.attemptStart = reading.now
    nextCheck = check(reading.now, until: reading.now + length, of: length, timings)
    (lastUsedEndpoint, lastEndpointChange) = (next, reading.wallClock)
    endpointChanges += 1
    isReset = reading.peer != nil
    return .reconnect(next)
  }

  /// A try is looked at four times, so that it is soon seen to have worked.
  private func check(
    _ now: Duration, until end: Duration, of length: Duration, _ timings: MeshTimings
  ) -> Duration {
    min(end, now + min(length / 4, timings.poll))
  }
}

extension PeerTracker {
  /// Why a peer isn't up.
  public enum Trouble: Hashable, Sendable {
    /// There is nothing to try: the peer has to dial.
    case noEndpoints
    /// None of these has answered since then. A wrong shared key can't be told from that.
    case noAnswer(from: [IPEndpoint], since: Timestamp)
    /// This node's clock is behind its own last handshake with the peer, which takes no older one: until it is past
    /// that, nothing answers.
    case clockBehind(latestHandshake: Timestamp)
  }

  /// Why the peer isn't up, given this node's wall clock; nil: it is.
  public func trouble(at wallClock: Timestamp) -> Trouble? {
    guard state != .up else { return nil }
    if let latest = latestHandshake?.timestamp, latest > wallClock {
      return .clockBehind(latestHandshake: latest)
    }
    guard let search, !search.tried.isEmpty else { return .noEndpoints }
    return .noAnswer(from: search.tried, since: search.wallClock)
  }
}

/// A counter that goes on where the one that is read begins anew.
private struct ByteTotal: Hashable, Sendable {
  private var before: UInt64 = 0
  private var last: UInt64 = 0

  var total: UInt64 { before &+ last }

  /// Takes in what was read; whether it grew.
  mutating func count(_ bytes: UInt64) -> Bool {
    if bytes < last { restart() }
    defer { last = bytes }
    return bytes > last
  }

  mutating func restart() { (before, last) = (total, 0) }
}
