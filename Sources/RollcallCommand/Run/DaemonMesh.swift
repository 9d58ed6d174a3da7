import ClusterModel
import KubeSpan
import Logging
import Mesh
import Platform
import Rollcall
import RollcallConfiguration

/// The WireGuard mesh of a daemon: there from the start, though off, so that a reload may switch it on.
struct DaemonMesh: Sendable {
  /// nil where this machine takes no part.
  private let service: MeshService?
  private let aggregator: Aggregator
  private let logger: Logger

  /// - Parameter reports: are given how the mesh is.
  init(
    _ session: ClusterSession, _ configuration: Configuration, reports: MeshReports, logger: Logger
  ) {
    self.logger = logger
    let (aggregator, folder) = (session.aggregator, configuration.stateDirectory)
    self.aggregator = aggregator
    guard session.takesPart, let nodeID = session.nodeID, let folder else {
      service = nil
      return
    }
    service = MeshService(
      nodeID, MeshService.Definition(configuration),
      keys: { settings in
        try (settings.identityFile.map(MeshIdentityFile.init(path:)) ?? MeshIdentityFile(folder: folder))
          .readOrCreate()
      },
      machine: WireGuardMachine(),
      outlets: MeshService.Outlets(
        reports: reports, amendment: session.amendment,
        harvest: { aggregator.publish(seenEndpoints: $0) }, lastGood: LastGoodEndpoints(folder: folder)),
      logger: logger)
  }

  /// Makes the device, or reclaims it, before anything is published: others would take a node that says nothing of the
  /// mesh for one that has left it.
  func prepare() async { _ = await service?.pass() }

  /// Keeps the mesh until the task is cancelled; it stands then still.
  func run() async {
    guard let service else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await service.follow(aggregator.snapshots()) }
      group.addTask { await service.run() }
    }
  }

  /// Takes on what `configuration` says.
  func reload(_ configuration: Configuration) async {
    let definition = MeshService.Definition(configuration)
    if service == nil, definition != nil {
      logger.warning("kubespan: the mesh needs a node that takes part: node.publish and a restart")
    }
    await service?.apply(definition)
  }

  /// Gives it up, or leaves it for a process that comes at once. To be called once the registries have withdrawn this
  /// node.
  func leave(isRestarting: Bool = false) async { await service?.leave(isRestarting: isRestarting) }
}

extension MeshService.Definition {
  /// The mesh that `configuration` describes; nil where it has none.
  fileprivate init?(_ configuration: Configuration) {
    guard let settings = configuration.kubeSpan, let id = configuration.cluster.id,
      let secret = configuration.cluster.secret.flatMap({ Base64.decodeLeniently($0.revealed) })
        .flatMap({ DeviceKey(bytes: $0) })
    else { return nil }
    self.init(clusterID: id, secret: secret, settings: settings)
  }
}
