import ClusterModel
import Glibc
import Logging
import RegistryKit
import ServiceRegistry

/// Runs the service's plugin against the service whose URL is the first argument, until it is killed: a
/// process of its own, so that a test can see what memory the plugin takes. Prints `ready` when it starts,
/// and `reported` at each report.
@main struct ServiceProbe {
  static func main() async throws {
    var options = ServiceOptions()
    options.endpoint = CommandLine.arguments.last
    let context = RegistryContext(
      name: "service", localNodeID: try NodeIdentity("probe"), clusterID: "probe",
      clusterSecret: "IzPlAZesD1BSFZLYXKJXa+OJVo3rhZfsn0A1DTgjLek=", logger: Logger(label: "probe"))
    let registry = try ServiceRegistry(options: options, context: context)
    say("ready")
    let session = RegistrySession(context: context) { batch in
      if !batch.reports.isEmpty { say("reported") }
    }
    try await registry.run(session)
  }

  /// Prints a line at once.
  private static func say(_ text: String) {
    let line = text + "\n"
    _ = line.withCString { write(STDOUT_FILENO, $0, line.utf8.count) }
  }
}
