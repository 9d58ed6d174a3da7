import ArgumentParser
import ClusterModel
import DiscoveryService
import Logging
import Platform
import ServiceLifecycle

/// `rollcall serve`: the discovery service. Options that mean what the existing service's mean have its names,
/// with one dash or two.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serve discovery for nodes of any number of clusters.",
    discussion: "What nodes leave is sealed with their cluster's secret, which the service never sees.")

  private static func names(_ name: String) -> NameSpecification {
    [.customLong(name), .customLong(name, withSingleDash: true)]
  }

  @Option(name: Self.names("addr"), help: ArgumentHelp("Where to serve gRPC.", valueName: "address"))
  var address = OptionalAddress(value: ListenAddress(port: 3000))

  @Option(
    name: Self.names("landing-addr"),
    help: ArgumentHelp("Where to serve pages; \"\" for nowhere.", valueName: "address"))
  var landing = OptionalAddress(value: ListenAddress(port: 3001))

  @Option(
    name: Self.names("metrics-addr"),
    help: ArgumentHelp("Where to serve metrics; \"\" for the landing address alone.", valueName: "address"))
  var metrics = OptionalAddress(value: ListenAddress(port: 2122))

  @Option(
    name: Self.names("certificate-path"),
    help: ArgumentHelp("The certificate chain, PEM; reloaded when it changes.", valueName: "file"))
  var certificatePath: String?

  @Option(
    name: Self.names("key-path"), help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file")
  )
  var keyPath: String?

  @Option(
    name: Self.names("gc-interval"),
    help: ArgumentHelp(
      "How often to look over all that is kept; what expires is dropped on time in any case.",
      valueName: "duration"),
    transform: DurationOption.interval)
  var collectInterval = DurationOption(.seconds(1))

  @Option(
    name: Self.names("redirect-endpoint"),
    help: ArgumentHelp("Send clients to this endpoint instead.", valueName: "endpoint"))
  var redirectEndpoint: String?

  @Option(
    name: Self.names("snapshots-enabled"),
    help: ArgumentHelp("Whether to read and write snapshots.", valueName: "true|false"))
  var snapshotsEnabled = true

  @Option(
    name: Self.names("snapshot-path"),
    help: ArgumentHelp("The file that carries the state over a restart.", valueName: "file"))
  var snapshotPath: String?

  @Option(
    name: Self.names("snapshot-interval"),
    help: ArgumentHelp("How often to write the snapshot.", valueName: "duration"),
    transform: DurationOption.interval)
  var snapshotInterval = DurationOption(.seconds(600))

  @Option(
    name: Self.names("trust-x-real-ip"),
    help: ArgumentHelp("Believe x-real-ip of trusted proxies.", valueName: "true|false"))
  var trustRealIP = true

  @Option(
    name: Self.names("trust-first-x-forwarded-for"),
    help: ArgumentHelp(
      """
      Believe x-forwarded-for of trusted proxies. Of its addresses the LAST one counts that isn't a trusted \
      proxy's, whatever the option's name says: the first one is the client's own to choose.
      """, valueName: "true|false"))
  var trustForwardedFor = true

  @Option(
    name: Self.names("trusted-proxies"),
    help: ArgumentHelp(
      "Networks whose forwarded headers are believed, separated by commas.", valueName: "networks"))
  var trustedProxies = PrefixList(prefixes: [])

  @Option(
    name: Self.names("tokens-file"),
    help: ArgumentHelp("Bearer tokens, one a line, each followed by cluster ids or *.", valueName: "file"))
  var tokensFile: String?

  @Option(
    name: Self.names("rate-limit"),
    help: ArgumentHelp("Calls a second and address; 0 for no limit.", valueName: "calls"))
  var rateLimit = 15.0

  @Option(
    name: Self.names("rate-burst"),
    help: ArgumentHelp("Calls that an address may make at once.", valueName: "calls"))
  var rateBurst = 60

  @Option(
    name: Self.names("event-loops"),
    help: ArgumentHelp("Event loops (default: half of the cores).", valueName: "count"))
  var eventLoops: Int?

  @Option(
    name: Self.names("drain-timeout"),
    help: ArgumentHelp("How long clients may take to go at the end.", valueName: "duration"),
    transform: DurationOption.parse)
  var drainTimeout = DurationOption(.seconds(10))

  @Option(
    name: Self.names("coalesce"),
    help: ArgumentHelp(
      """
      How long watchers of a cluster that changed just now wait for the next change, so that many go out at once; \
      0 for never.
      """, valueName: "duration"),
    transform: DurationOption.parse)
  var coalescing = DurationOption(ServiceConfiguration().transport.coalescing)

  @Option(
    name: Self.names("connections-of-client"),
    help: ArgumentHelp(
      "Connections of one address or /64 of IPv6 (default: 12000, with TLS 2500).", valueName: "count"))
  var connectionsOfClient: Int?

  @OptionGroup var log: LogOptions

  func validate() throws {
    if address.value == nil { throw ValidationError("--addr is empty; give a port such as :3000") }
  }

  /// What the options ask for.
  func serviceConfiguration() -> ServiceConfiguration {
    var result = ServiceConfiguration()
    if let address = address.value { result.address = address }
    result.landingAddress = landing.value
    result.metricsAddress = metrics.value
    result.certificatePath = certificatePath.flatMap { $0.isEmpty ? nil : $0 }
    result.keyPath = keyPath.flatMap { $0.isEmpty ? nil : $0 }
    // The existing service looks once a minute; it is cheap here, so a longer interval buys nothing.
    result.collectInterval = min(collectInterval.duration, .seconds(60))
    result.redirectEndpoint = redirectEndpoint.flatMap { $0.isEmpty ? nil : $0 }
    result.snapshotPath = snapshotsEnabled ? snapshotPath : nil
    result.snapshotInterval = snapshotInterval.duration
    result.trustedProxies = trustedProxies.prefixes
    result.trustRealIP = trustRealIP
    result.trustForwardedFor = trustForwardedFor
    result.tokensPath = tokensFile
    result.requestsPerSecond = rateLimit
    result.requestBurst = rateBurst
    result.eventLoops = eventLoops
    result.drainTimeout = drainTimeout.duration
    result.transport.coalescing = coalescing.duration
    if result.certificatePath != nil { result.shares[.connections].perClient = 2500 }
    if let connectionsOfClient { result.shares[.connections].perClient = connectionsOfClient }
    return result
  }

  func run() async throws {
    log.bootstrap()
    let logger = Logger(label: "rollcall.serve")
    let manager = ServiceManager(environment: environment)
    let server = DiscoveryServer(configuration: serviceConfiguration(), logger: logger) {
      manager.notify(.ready, .status("serves nodes on \($0.service)"))
    }
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: server), .init(service: ManagedService(manager: manager))],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
  }
}

/// Tells what started the service that it goes on, and that its end has begun.
private struct ManagedService: Service {
  let manager: ServiceManager

  func run() async throws {
    await cancelWhenGracefulShutdown { await manager.keepAlive {} }
    manager.notify(.stopping)
  }
}

/// An address to listen on, or the empty text for none.
struct OptionalAddress: ExpressibleByArgument, CustomStringConvertible {
  var value: ListenAddress?

  init(value: ListenAddress?) { self.value = value }

  init?(argument: String) {
    if argument.isEmpty {
      value = nil
    } else {
      guard let address = ListenAddress(argument) else { return nil }
      value = address
    }
  }

  var description: String { value.map { "\($0)" } ?? "" }
}

/// Networks separated by commas.
struct PrefixList: ExpressibleByArgument, CustomStringConvertible {
  var prefixes: [IPPrefix]

  init(prefixes: [IPPrefix]) { self.prefixes = prefixes }

  init?(argument: String) {
    var prefixes: [IPPrefix] = []
    for part in argument.split(separator: ",") {
      if let prefix = try? IPPrefix(part) {
        prefixes.append(prefix)
      } else if let address = try? IPAddress(part) {
        prefixes.append(IPPrefix(host: address))
      } else {
        return nil
      }
    }
    self.prefixes = prefixes
  }

  var description: String { prefixes.map { "\($0)" }.joined(separator: ",") }
}
