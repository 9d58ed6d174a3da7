import ClusterModel
import RegistryKit
import Synchronization

/// An aggregator that only remembers.
final class Recorder: Sendable {
  struct State {
    var records: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
    var status: RegistryError?
    var statuses: [RegistryError?] = []
    var addresses: [IPAddress] = []
    var snapshots = 0
    var removed: [String] = []
    /// The sources that were named, each time.
    var named: [[String]] = []
    /// How many snapshots there were when sources were named first.
    var snapshotsBeforeNames: Int?
    /// How many snapshots there were when trouble was told first.
    var snapshotsBeforeTrouble: Int?
  }

  private let mutex = Mutex(State())

  var state: State { mutex.withLock { $0 } }

  /// The message of the status, empty where all is well.
  var status: String { state.status?.message ?? "" }

  /// The nodes of the only source, held ones with a question mark.
  func nodes(_ source: RegistrySource = .only) -> [String] {
    (state.records[source] ?? [:]).values.map { $0.affiliate.nodeID.text + ($0.isStale ? "?" : "") }.sorted()
  }

  func record(_ node: String) -> AffiliateRecord? {
    state.records[.only]?.values.first { $0.affiliate.nodeID.text == node }
  }

  var updates: RegistryUpdates { RegistryUpdates { self.hear($0) } }

  private func hear(_ event: RegistryEvent) {
    mutex.withLock { state in
      switch event {
      case .update(.snapshot(let records, let source)):
        state.snapshots += 1
        state.records[source] = Dictionary(
          records.map { ($0.affiliate.nodeID, $0) }, uniquingKeysWith: { $1 })
      case .update(.upsert(let record, let source)):
        state.records[source, default: [:]][record.affiliate.nodeID] = record
      case .update(.remove(let nodeID, let source)):
        state.records[source, default: [:]][nodeID] = nil
        state.removed.append(nodeID.text)
      case .update(.sourceGone(let source)): state.records[source] = nil
      case .healthy:
        state.status = nil
        state.statuses.append(nil)
      case .degraded(let error):
        state.snapshotsBeforeTrouble = state.snapshotsBeforeTrouble ?? state.snapshots
        state.status = error
        state.statuses.append(error)
      case .publicAddress(let address): state.addresses.append(address)
      case .sources(let sources):
        state.named.append(sources.map(\.name).sorted())
        state.snapshotsBeforeNames = state.snapshotsBeforeNames ?? state.snapshots
      }
    }
  }
}
