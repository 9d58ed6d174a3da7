import Logging
import RegistryKit
import Synchronization

/// The registry's one status, of its two halves: reading all Nodes and writing the own one.
final class HealthBoard: Sendable {
  enum Half: Hashable, Sendable, CaseIterable { case reading, writing }

  private let troubles = Mutex<[Half: RegistryError]>([:])
  private let updates: RegistryUpdates
  private let logger: Logger

  init(updates: RegistryUpdates, logger: Logger) {
    self.updates = updates
    self.logger = logger
  }

  /// A half works, or why it doesn't. Told where it changes something.
  func set(_ half: Half, _ trouble: RegistryError?) throws(RegistryError) {
    let result = troubles.withLock { troubles -> Result<Void, RegistryError> in
      guard troubles[half] != trouble else { return .success(()) }
      troubles[half] = trouble
      if let trouble { logger.warning("\(trouble.message)") }
      let all = Half.allCases.compactMap { troubles[$0] }
      // Within the lock, so that the last one told is the last one true.
      return Result { () throws(RegistryError) in
        guard let first = all.first else { return try updates.healthy() }
        let text = all.map(\.message).joined(separator: "; ")
        try updates.degraded(RegistryError(first.code, text))
      }
    }
    try result.get()
  }
}
