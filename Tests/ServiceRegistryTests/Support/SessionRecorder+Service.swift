import ClusterModel
import RegistryKit
import RegistryTestSupport

extension SessionRecorder {
  /// What doesn't work, all in one line; empty where all does.
  var status: String {
    let reports = now.reports.sorted {
      ($0.key.source, $0.key.aspect.rawValue) < ($1.key.source, $1.key.aspect.rawValue)
    }
    return reports.compactMap { $0.value?.message }.joined(separator: "; ")
  }

  /// Why an aspect of a source doesn't work; nil where it does.
  func problem(_ aspect: HealthAspect, _ source: RegistrySource = .only) -> RegistryError? {
    now.error(aspect, source: source)
  }

  /// The nodes of a source, stale ones with a question mark.
  func nodes(_ source: RegistrySource = .only) -> [String] {
    (now.contents[source] ?? [:]).values.map { $0.affiliate.nodeID.text + ($0.isStale ? "?" : "") }.sorted()
  }

  /// How many snapshots there were, of all sources.
  var snapshots: Int { now.updates.count { if case .snapshot = $0 { true } else { false } } }

  /// Who was removed and why: `remove a expired`.
  var removed: [String] {
    now.updates.filter { if case .remove = $0 { true } else { false } }.map(\.text)
  }

  /// The outcomes of `revision`, in order.
  func outcomes(_ revision: UInt64) -> [RegistryError?] {
    now.outcomes.filter { $0.revision == revision }.map(\.error)
  }

  /// Each batch with updates or reports in a line: `snapshot a b, reading`, `reading: cut`.
  var batches: [String] { now.batches.map(\.text).filter { !$0.isEmpty } }

  /// Under which addresses this node was seen.
  var addresses: [String] { now.batches.compactMap { $0.publicAddress?.description } }

  /// The sources that were to be expected, each time.
  var expectedSources: [[String]] { now.batches.compactMap { $0.expectedSources?.map(\.name).sorted() } }
}

extension RegistryBatch {
  /// Its updates and reports in a line: `snapshot a b, reading`, `reading: cut`.
  var text: String {
    let reports = reports.map { report in
      report.error.map { "\(report.aspect): \($0.message)" } ?? "\(report.aspect)"
    }
    return (updates.map(\.text) + reports).joined(separator: ", ")
  }
}

extension RegistryUpdate {
  /// The update in one line, with a question mark where the record is stale.
  var text: String {
    if case .upsert(let record, _) = self, record.isStale { summary + "?" } else { summary }
  }
}
