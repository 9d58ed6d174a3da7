import ClusterModel
import ClusterResources
import Rollcall

/// What `get` does without a daemon.
struct DirectGet: Sendable {
  private let request: GetRequest

  init(_ request: GetRequest) { self.request = request }

  func run(_ options: ConfigurationOptions, watching: Bool) async throws {
    let request = request
    // This machine's identity needs no configuration.
    try await DirectDaemon.run(
      options, timeout: request.timeout, needsConfiguration: request.type != .identity
    ) { client, sync, snapshot in
      let get = DaemonGet(request: request, client: client, checksWhole: false)
      if watching { return try await get.watch() }
      try await get.once()
      if request.format == .table, request.type == .member { Self.reportConflicts(in: snapshot, request) }
      if request.type != .registry, request.type != .identity {
        try sync.checkWhole(allowed: request.isPartAllowed)
      }
    }
  }

  /// The most conflicts that are told beside the members.
  private static let maximumConflicts = 5

  /// Tells which nodes aren't listed, as another one is the member of their name.
  private static func reportConflicts(in snapshot: ClusterSnapshot, _ request: GetRequest) {
    let names = snapshot.conflicts.map(\.value).filter { conflict in
      guard case .nodename(let name) = conflict.key else { return false }
      return request.ids.isEmpty || request.ids.contains(name)
    }
    for conflict in names.prefix(maximumConflicts) { Terminal.note(conflict.words) }
    if names.count > maximumConflicts {
      Terminal.note("\(names.count - maximumConflicts) more: see 'rollcall get conflicts'")
    }
  }
}
