import ClusterModel
import Glibc
import RegistryKit

/// A registry that keeps the rules, or breaks one: as `Tests/HostilePlugins/specimen.c` does.
struct Specimen: RegistryPlugin {
  /// What is wrong with it.
  enum Fault: String, Decodable, CaseIterable {
    case none, changeFirst, twice, silent, namedInVain, forgets, refuses
  }

  struct Options: Decodable, Sendable {
    let fault: Fault
    /// While there is a file of this path it can't read.
    let broken: String
  }

  static let descriptor = RegistryDescriptor(
    name: "specimen", version: "1", summary: "A specimen", publishes: true)

  private let options: Options

  init(options: Options, context: RegistryContext) { self.options = options }

  func run(_ session: RegistrySession) async throws {
    let node = Affiliate(nodeID: try NodeIdentity("n1"))
    switch options.fault {
    case .changeFirst: try session.upsert(node)
    case .twice: try session.snapshot([node, node])
    case .silent: return try await Task.sleep(for: .seconds(3600))
    case .namedInVain:
      try session.apply(RegistryBatch(expectedSources: [.only, try RegistrySource("silent")]))
    case .none, .forgets, .refuses: break
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await session.publish { _ in try self.put() } }
      defer { group.cancelAll() }
      try await session.poll(every: .milliseconds(2)) { () async throws -> [Affiliate] in
        guard access(options.broken, F_OK) == 0 else { return [node] }
        if options.fault == .forgets { try session.snapshot([Affiliate]()) }
        throw RegistryError(.unavailable, "broken")
      }
    }
  }

  private func put() throws {
    if options.fault == .refuses { throw RegistryError(.permissionDenied, "none of it") }
  }
}
