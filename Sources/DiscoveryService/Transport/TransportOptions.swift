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
  /// Refused calls of one client's address that may come at once, with a quarter of that more a second, before its
  /// connections aren't read from for a moment.
  public var refusals = 4000
  /// Watches of one cluster on one event loop.
  public var watchesOfCluster = 16_384
  /// How long a cluster whose watchers were told of changes just now has them wait for the next at most: fewer and
  /// larger writes where changes come fast. It is a fifth of this for each change that they were told then, and a
  /// quiet cluster's are told at once. Zero never waits.
  public var coalescing = Duration.milliseconds(5)

  public init() {}
}
