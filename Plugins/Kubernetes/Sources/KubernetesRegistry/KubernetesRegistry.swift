import ClusterModel
import Dialing
import FoundationEssentials
import HTTPTransport
import Platform
public import RegistryKit

/// A registry of Kubernetes Nodes.
///
/// Every Node that has an identity among its annotations has a record, if that is wanted the others too; this
/// machine publishes itself by annotating its own Node.
public struct KubernetesRegistry: RegistryPlugin {
  public typealias Options = KubernetesOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "kubernetes", version: RollcallVersion.current, prefix: "k8s",
      summary: "Nodes that publish themselves in annotations of Kubernetes Node objects.",
      optionsSchema: KubernetesOptions.schema, publishes: true,
      matching: RegistryMatching(
        keys: [.machineID, .nodename, .hostname, .address].map { MatchKey($0) }, alone: .member))
  }

  private let settings: KubernetesSettings
  private let baseDirectory: String
  var timing = InformerTiming()
  var clientTiming = ClientTiming()
  var environment = ProcessInfo.processInfo.environment
  var serviceAccountFolder = AccessLocation.serviceAccountFolder

  public init(options: KubernetesOptions, context: RegistryContext) throws {
    settings = try KubernetesSettings(options)
    baseDirectory = context.baseDirectory
  }

  public func run(_ session: RegistrySession) async throws {
    let source = AccessSource(session: session) {
      [settings, baseDirectory, environment, serviceAccountFolder] () throws(RegistryError) in
      try AccessLocation(
        settings: settings, baseDirectory: baseDirectory, environment: environment,
        serviceAccountFolder: serviceAccountFolder)
    }
    let connections = HTTPConnections(connectTimeout: clientTiming.connect)
    let host = session.context.host
    let client = KubernetesClient(
      source: source, connections: connections, timing: clientTiming, time: TimeSource(session.clock),
      userAgent: "\(host.name)/\(host.version)", proxies: ProxyEnvironment(environment))
    let node = OwnNode()
    let informer = NodeInformer(
      client: client, session: session, ownNode: node, settings: settings, timing: timing)
    let publisher = NodePublisher(
      client: client, session: session, settings: settings, node: node, timing: timing)
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await informer.run() }
        group.addTask { try await publisher.run() }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch {
      await connections.close()
      throw error
    }
    await connections.close()
  }
}
