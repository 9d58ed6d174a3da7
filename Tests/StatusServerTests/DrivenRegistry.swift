import ClusterModel
import RegistryKit
import Synchronization

/// A registry that says what a test has it say, until it is told to end. It accepts what this node publishes.
final class DrivenRegistry: Registry {
  private let session = Mutex<RegistrySession?>(nil)
  private let opening: [RegistryBatch]

  init(_ opening: RegistryBatch...) { self.opening = opening }

  func run(_ session: RegistrySession) async throws {
    for batch in opening { try session.apply(batch) }
    self.session.withLock { $0 = session }
    defer { self.session.withLock { $0 = nil } }
    await session.publish { _ in }
  }

  var isRunning: Bool { session.withLock { $0 != nil } }

  func apply(_ updates: RegistryUpdate..., reports: [HealthReport] = []) throws {
    guard let session = session.withLock({ $0 }) else {
      throw RegistryError(.stopped, "the driven registry isn't running")
    }
    try session.apply(RegistryBatch(updates: updates, reports: reports))
  }
}
