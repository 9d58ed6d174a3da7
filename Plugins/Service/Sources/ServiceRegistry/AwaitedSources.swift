import RegistryKit
import Synchronization

/// Which of several services the aggregator is to wait for before it takes the registry for synced: all of them, but
/// those that failed before they had told anything.
final class AwaitedSources: Sendable {
  private let updates: RegistryUpdates
  private let waiting: Mutex<[RegistrySource]>

  /// Names `sources`. A single one needs no name: its first word is all.
  init(_ sources: [RegistrySource], updates: RegistryUpdates) throws(RegistryError) {
    self.updates = updates
    waiting = Mutex(sources.count > 1 ? sources : [])
    if sources.count > 1 { try updates.sources(sources) }
  }

  /// `source` has told what it knows.
  func told(_ source: RegistrySource) { waiting.withLock { $0.removeAll { $0 == source } } }

  /// `source` can't be reached, which is to hold up nobody who asks what the others know.
  func failed(_ source: RegistrySource) throws(RegistryError) {
    // Told inside of the lock, as the order counts; telling never waits.
    let result = waiting.withLock { waiting -> Result<Void, RegistryError> in
      guard let place = waiting.firstIndex(of: source) else { return .success(()) }
      waiting.remove(at: place)
      do throws(RegistryError) { return .success(try updates.sources(waiting)) } catch {
        return .failure(error)
      }
    }
    try result.get()
  }
}
