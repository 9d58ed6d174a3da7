import ClusterModel
import DiscoveryService
import Logging

// A service to be measured: ServiceServer PORT [LOOPS] [paced]. No rate limit, forwarded addresses from loopback.
let arguments = CommandLine.arguments
var configuration = ServiceConfiguration()
configuration.address = ListenAddress(
  host: "127.0.0.1", port: arguments.dropFirst().first.flatMap { Int($0) } ?? 3000)
configuration.landingAddress = nil
configuration.metricsAddress = nil
configuration.eventLoops = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1
configuration.transport.pacedPings = arguments.contains("paced")
configuration.requestsPerSecond = 0
try await DiscoveryServer(configuration: configuration, logger: Logger(label: "service")).run()
