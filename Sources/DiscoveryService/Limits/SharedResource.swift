/// What all clients share, and one of them could have all of.
public enum SharedResource: Int, CaseIterable, Sendable {
  /// Open connections for gRPC.
  case connections
  /// Calls that aren't answered yet, but for open watches.
  case calls
  /// Of these the ones that wait for their turn under the rate limit.
  case waitingCalls
  /// Open watches.
  case watches
  /// Bytes of frames and requests that aren't whole or wait for their turn.
  case receivedBytes
  /// Bytes of answers that clients don't take in.
  case heldBytes
  /// Clusters with an affiliate in them.
  case clusters
  /// Affiliates of all clusters.
  case affiliates
  /// Bytes that these take in memory, about.
  case stateBytes

  /// Its name in metrics.
  var name: String {
    switch self {
    case .connections: "connections"
    case .calls: "calls"
    case .waitingCalls: "waiting_calls"
    case .watches: "watches"
    case .receivedBytes: "received_bytes"
    case .heldBytes: "held_bytes"
    case .clusters: "clusters"
    case .affiliates: "affiliates"
    case .stateBytes: "state_bytes"
    }
  }

  /// What a client reads that wants too much of it.
  var plural: String {
    switch self {
    case .connections: "connections"
    case .calls: "unanswered calls"
    case .waitingCalls: "calls that wait for their turn"
    case .watches: "watchers"
    case .receivedBytes: "bytes of unfinished requests"
    case .heldBytes: "bytes of answers that wait for slow clients"
    case .clusters: "clusters"
    case .affiliates: "affiliates"
    case .stateBytes: "bytes of affiliates"
    }
  }
}

/// How much of each ``SharedResource`` may be in use.
public struct SharedLimits: Hashable, Sendable {
  /// A bound for one client's address (one /64 of IPv6), and one for all clients together.
  public struct Bound: Hashable, Sendable {
    /// How much one client may have.
    public var perClient: Int
    /// How much all clients together may have.
    public var total: Int

    /// A bound of `perClient` for each client and of `total` for all.
    public init(perClient: Int, total: Int) {
      self.perClient = perClient
      self.total = total
    }
  }

  private var bounds: [Bound]

  /// The defaults: what one client can have takes less than 256 MiB of memory, and no honest one comes near. All
  /// nodes behind one address translator are one client.
  public init() {
    bounds = SharedResource.allCases.map { resource in
      switch resource {
      case .connections: Bound(perClient: 12_000, total: 60_000)
      case .calls: Bound(perClient: 16_384, total: 262_144)
      case .waitingCalls: Bound(perClient: 4096, total: 65_536)
      case .watches: Bound(perClient: 16_384, total: 500_000)
      case .receivedBytes: Bound(perClient: 16 << 20, total: 64 << 20)
      case .heldBytes: Bound(perClient: 16 << 20, total: 128 << 20)
      case .clusters: Bound(perClient: 4096, total: 250_000)
      case .affiliates: Bound(perClient: 32_768, total: 4_000_000)
      case .stateBytes: Bound(perClient: 48 << 20, total: 4 << 30)
      }
    }
  }

  /// The bound of `resource`, in the unit of ``SharedResource``: pieces, or bytes.
  public subscript(_ resource: SharedResource) -> Bound {
    get { bounds[resource.rawValue] }
    set { bounds[resource.rawValue] = newValue }
  }
}
