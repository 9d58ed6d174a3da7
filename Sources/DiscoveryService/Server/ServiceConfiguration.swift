public import ClusterModel

/// All that can be set about a discovery service. The defaults make a service in plain text on port 3000 that
/// keeps its state in memory, as the existing one does.
public struct ServiceConfiguration: Sendable {
  /// Where gRPC is served.
  public var address = ListenAddress(port: 3000)
  /// Where pages are served; nil for nowhere.
  public var landingAddress: ListenAddress? = ListenAddress(port: 3001)
  /// Where metrics are served; nil for nowhere but on the landing address.
  public var metricsAddress: ListenAddress? = ListenAddress(port: 2122)
  /// The certificate chain in PEM form; with it goes ``keyPath``. Without both gRPC is served in plain text.
  public var certificatePath: String?
  /// The private key of the certificate, in PEM form.
  public var keyPath: String?
  /// How often all that is kept is looked over, and what is kept only for speed let go. What expires is dropped on
  /// time, whatever this is.
  public var collectInterval = Duration.seconds(1)
  /// Where `Hello` sends clients; nil keeps them here.
  public var redirectEndpoint: String?
  /// The snapshot file; nil for none.
  public var snapshotPath: String?
  /// How often the state is written to ``snapshotPath``; a last time at the end.
  public var snapshotInterval = Duration.seconds(600)
  /// The networks whose forwarded headers are believed.
  public var trustedProxies: [IPPrefix] = []
  /// Whether `x-real-ip` of a trusted proxy is believed.
  public var trustRealIP = true
  /// Whether `x-forwarded-for` of a trusted proxy is believed.
  public var trustForwardedFor = true
  /// Bearer tokens and the clusters they open; nil asks nobody for one.
  public var tokensPath: String?
  /// Calls a second and address; 0 for no limit.
  public var requestsPerSecond = 15.0
  /// How many calls an address that was quiet may make at once.
  public var requestBurst = 60
  /// Event loops; nil for half of the machine's cores.
  public var eventLoops: Int?
  /// How long clients may take to go when the service ends.
  public var drainTimeout = Duration.seconds(10)
  /// How often certificate and token files are looked at for changes.
  public var reloadInterval = Duration.seconds(5)
  /// What one cluster and one affiliate may hold.
  public var limits = StoreLimits()
  /// Bounds and times of connections.
  public var transport = TransportOptions()
  /// What clients may have of what all share. Connections are fewer where there are fewer descriptors.
  public var shares = SharedLimits()

  /// The defaults.
  public init() {}
}

/// A service that can't be started as configured: names what is wrong and what would be right.
public struct ServiceConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and what would be right.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension ServiceConfiguration {
  /// Checks what fits together only as a whole.
  func check() throws(ServiceConfigurationError) {
    if (certificatePath == nil) != (keyPath == nil) {
      throw .init("certificate path and key path go together; set both or neither")
    }
    if requestsPerSecond < 0 || !requestsPerSecond.isFinite {
      throw .init("the request rate is \(requestsPerSecond); make it 0 (no limit) or more")
    }
    if requestsPerSecond > 0, requestBurst < 1 {
      throw .init("the request burst is \(requestBurst); make it at least 1")
    }
    for resource in SharedResource.allCases where shares[resource].perClient < 1 || shares[resource].total < 1
    {
      throw .init("the limits of \(resource.plural) are \(shares[resource]); make each at least 1")
    }
    if transport.coalescing < .zero || transport.coalescing > .seconds(1) {
      throw .init("the coalescing time is \(transport.coalescing); make it 0 to 1 second")
    }
    if let eventLoops, !(1...1024).contains(eventLoops) {
      throw .init("\(eventLoops) event loops are asked for; make it 1 to 1024")
    }
    if snapshotPath != nil, snapshotInterval <= .zero {
      throw .init("the snapshot interval is \(snapshotInterval); make it more than zero")
    }
    if collectInterval <= .zero {
      throw .init("the collection interval is \(collectInterval); make it more than zero")
    }
  }
}
