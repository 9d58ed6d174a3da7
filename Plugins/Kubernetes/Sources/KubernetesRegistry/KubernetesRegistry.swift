import ClusterModel
import FoundationEssentials
import Logging
public import RegistryKit

/// A registry whose word is in annotations of Kubernetes Nodes.
///
/// Every Node that has an identity among its annotations is told of; this machine tells of itself by annotating
/// its own Node.
public struct KubernetesRegistry: RegistryPlugin, PublishingRegistry {
  public typealias Options = KubernetesOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "kubernetes", version: "1.0.0", prefix: "k8s",
      summary: "Nodes that tell of themselves in annotations of Kubernetes Node objects.",
      optionsSchema: KubernetesOptions.schema, publishes: true)
  }

  private let settings: KubernetesSettings
  private let context: RegistryContext
  private let wishes = Wishes()
  /// Waits are told by it.
  var clock: any Clock<Duration> = ContinuousClock()
  var timing = InformerTiming()
  var clientTiming = ClientTiming()
  var environment = ProcessInfo.processInfo.environment
  var serviceAccountFolder = AccessLocation.serviceAccountFolder

  public init(options: KubernetesOptions, context: RegistryContext) throws {
    settings = try KubernetesSettings(options)
    self.context = context
  }

  public func run(updates: RegistryUpdates) async throws {
    let source = AccessSource {
      [settings, context, environment, serviceAccountFolder] () throws(RegistryError) in
      try AccessLocation(
        settings: settings, baseDirectory: context.baseDirectory, environment: environment,
        serviceAccountFolder: serviceAccountFolder)
    }
    let connections = Connections(connectTimeout: clientTiming.connect)
    let client = KubernetesClient(
      source: source, connections: connections, timing: clientTiming, clock: clock)
    let health = HealthBoard(updates: updates, logger: context.logger)
    let informer = NodeInformer(
      client: client, updates: updates, health: health, localNode: wishes.node,
      localNodeID: context.localNodeID, streamsInitialNodes: settings.sendsInitialEvents, timing: timing,
      logger: context.logger)
    let publisher = NodePublisher(
      client: client, health: health, wishes: wishes, timing: timing, logger: context.logger)
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

  public func publish(_ publication: Publication) async throws {
    guard settings.publishes else { return }
    guard let local = publication.local else { return try await withdraw() }
    guard !local.nodename.isEmpty else {
      throw RegistryError(
        .invalidArgument,
        "this node has no nodename, so it isn't known which Node it is; set node.nodename to the Node's name")
    }
    try await wishes.make(
      nodeName: local.nodename, nodeID: local.nodeID, annotations: NodeAnnotation.values(of: local))
  }

  /// The node leaves: its annotations are removed if that is wanted. They are the kubelet's Node's otherwise,
  /// and stay as long as that does.
  private func withdraw() async throws {
    guard settings.withdrawsOnStop, let wish = wishes.current else { return wishes.drop() }
    try await wishes.make(nodeName: wish.nodeName, nodeID: wish.nodeID, annotations: nil)
  }
}
