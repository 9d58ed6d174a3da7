/// How the transport treats connections. The defaults suit the existing clients.
public struct TransportOptions: Hashable, Sendable {
  /// Calls open at once on one connection.
  public var concurrentStreams = 250
  /// Bytes of one request message. The largest valid one has under 10 kB; the rest is room for a
  /// client that exceeds a limit to be told which one.
  public var requestBytes = 256 << 10
  /// Bytes of all headers of one call.
  public var headerBytes = 16 << 10
  /// How long a client may take to send a request whole, and to take in an answer to anything but a watch.
  public var requestTimeout = Duration.seconds(30)
  /// How long a new connection may take until its first frame.
  public var prefaceTimeout = Duration.seconds(10)
  /// How long a connection without a call may stay.
  public var idleTimeout = Duration.seconds(15 * 60)
  /// How long a connection may be silent before it is asked whether it is still there.
  public var keepAlive = Duration.seconds(120)
  /// How long it may take to answer that.
  public var keepAliveTimeout = Duration.seconds(20)
  /// How long a client may read nothing at all although its connection is full.
  public var stallTimeout = Duration.seconds(15 * 60)
  /// PING and SETTINGS frames that may come at once without our having sent anything that calls for them.
  public var controlFrames = 200
  /// Bytes of answers that all clients together may leave lying; further large answers wait or are refused.
  public var heldBytes = 256 << 20
  /// How many of these one client's address may have.
  public var heldBytesOfClient = 16 << 20
  /// Watches that one client's address may have open.
  public var watchesOfClient = 16_384
  /// Watches of one cluster on one event loop.
  public var watchesOfCluster = 4096
  /// Connections open at once.
  public var connections = 60_000
  /// Whether acknowledgements of a watcher's bandwidth-probing PINGs are paced. Saves about half of the
  /// cost of many notifications to grpc-go clients; HTTP/2 wants acknowledgements soon, so it is off.
  public var pacedPings = false

  public init() {}
}
