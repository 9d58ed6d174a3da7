import ClusterModel
import DiscoveryService
import Logging

// A service to be measured: ServiceServer PORT [LOOPS] [coalesce=MILLISECONDS] [pages=PORT]. With pages it has
// the defaults, without them no rate limit, forwarded addresses from loopback.
let arguments = CommandLine.arguments
var configuration = ServiceConfiguration()
configuration.address = ListenAddress(
  host: "127.0.0.1", port: arguments.dropFirst().first.flatMap { Int($0) } ?? 3000)
configuration.landingAddress = nil
configuration.metricsAddress = nil
configuration.eventLoops = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1
if let milliseconds = arguments.compactMap({ $0.split(separator: "=") }).first(where: { $0[0] == "coalesce" })
{
  configuration.transport.coalescing = .milliseconds(Int(milliseconds[1]) ?? 0)
}
if let pages = arguments.compactMap({ $0.split(separator: "=") }).first(where: { $0[0] == "pages" }) {
  configuration.landingAddress = ListenAddress(host: "127.0.0.1", port: Int(pages[1]) ?? 3001)
} else {
  configuration.requestsPerSecond = 0
}
try await DiscoveryServer(configuration: configuration, logger: Logger(label: "service")).run()
