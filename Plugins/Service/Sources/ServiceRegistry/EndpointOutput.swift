import ClusterModel
import RegistryKit
import Synchronization

/// One service's way to the session: its updates, and how it is. Reports that repeat the last one aren't
/// sent.
final class EndpointOutput: Sendable {
  private struct State {
    /// What was reported last. Of what is well before anything was reported only reading is news.
    var reported: [HealthAspect: RegistryError?] = [.content: nil, .publishing: nil, .credentials: nil]
    var publicAddress: IPAddress?
    var readings: UInt64 = 0
  }

  let source: RegistrySource
  private let session: RegistrySession
  private let state = Mutex(State())

  /// The most updates that a batch may have.
  static let maximumUpdates = 10_000

  init(_ session: RegistrySession, source: RegistrySource) {
    self.session = session
    self.source = source
  }

  /// Applies `updates` in order, and with the last of them how each aspect of the service is.
  ///
  /// - Throws: ``SessionOver``.
  func apply(_ updates: [RegistryUpdate], _ aspects: KeyValuePairs<HealthAspect, RegistryError?>) throws {
    // Applied within the lock, as the order counts; applying never waits.
    try state.withLock { state in
      if aspects.contains(where: { $0.key == .reading && $0.value == nil }) { state.readings += 1 }
      var batch = RegistryBatch()
      for (aspect, error) in aspects where state.reported[aspect] != .some(error) {
        state.reported[aspect] = .some(error)
        batch.reports.append(HealthReport(aspect, error, source: source))
      }
      var rest = updates[...]
      while rest.count > Self.maximumUpdates {
        try send(RegistryBatch(updates: Array(rest.prefix(Self.maximumUpdates))))
        rest = rest.dropFirst(Self.maximumUpdates)
      }
      batch.updates = Array(rest)
      if !batch.isEmpty { try send(batch) }
    }
  }

  /// How often the service was said to be read well.
  var readings: UInt64 { state.withLock { $0.readings } }

  /// Reports how aspects of the service are.
  ///
  /// - Throws: ``SessionOver``.
  func report(_ aspects: KeyValuePairs<HealthAspect, RegistryError?>) throws { try apply([], aspects) }

  /// The next report of `aspect` is sent, be it the same as the last.
  func forget(_ aspect: HealthAspect) { state.withLock { $0.reported[aspect] = nil } }

  /// The service sees this node under `address`.
  ///
  /// - Throws: ``SessionOver``.
  func publicAddress(_ address: IPAddress) throws {
    try state.withLock { state in
      guard address != state.publicAddress else { return }
      state.publicAddress = address
      try send(RegistryBatch(publicAddress: address))
    }
  }

  private func send(_ batch: RegistryBatch) throws {
    do throws(RegistryError) { try session.apply(batch) } catch { throw SessionOver(error: error) }
  }
}

/// The session takes no more, so the run is over: not a failure of the service.
struct SessionOver: Error {
  var error: RegistryError
}
