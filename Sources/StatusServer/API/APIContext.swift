import ClusterModel
import ClusterResources
import Lifecycle
import Rollcall
import Synchronization

/// What all handlers read from.
final class APIContext: Sendable {
  let aggregator: Aggregator
  let table: ResourceTable
  let ticker: WatchTicker
  let options: StatusServerOptions
  let started: Timestamp
  /// What was found for the newest revision that was asked for.
  private let coverage = Mutex<(revision: UInt64, value: [String: RegistryCoverage])?>(nil)

  init(_ aggregator: Aggregator, table: ResourceTable, ticker: WatchTicker, options: StatusServerOptions) {
    self.aggregator = aggregator
    self.table = table
    self.ticker = ticker
    self.options = options
    started = aggregator.now().wall
  }

  func now() -> Moment { aggregator.now() }

  /// Documents of how the cluster is now.
  func documents() -> ClusterDocuments {
    ClusterDocuments(aggregator.snapshot(), at: now(), mesh: options.meshReports?.current)
  }

  /// What each registry has of the members, found once a revision.
  func coverage(_ documents: ClusterDocuments) -> [String: RegistryCoverage] {
    let revision = documents.snapshot.revision
    if let known = coverage.withLock({ $0?.revision == revision ? $0?.value : nil }) { return known }
    let found = documents.coverage()
    coverage.withLock { $0 = (revision, found) }
    return found
  }

  /// The metadata of a list at `revision`.
  func metadata(_ revision: UInt64, _ documents: ClusterDocuments, next: String? = nil) -> ListMetadata {
    ListMetadata(
      resourceVersion: table.text(of: revision), now: now().wall, isSynced: documents.snapshot.isSynced,
      partial: documents.partial, next: next, node: options.nodeLabel)
  }

  /// All registries, with the versions that the table counts, and counts as they are now.
  func registries(_ documents: ClusterDocuments) -> [ResourceValue] {
    let coverage = coverage(documents)
    return documents.snapshot.registries.sorted { $0.name < $1.name }.map { status in
      registry(status, coverage[status.name], documents)
    }
  }

  func registry(
    _ status: RegistryStatus, _ coverage: RegistryCoverage?, _ documents: ClusterDocuments
  ) -> ResourceValue {
    let row = table.row(RowKey(id: status.name), of: .registries)
    let metadata = row?.content.metadata
    return documents.registry(status, coverage).value(
      version: metadata?.version ?? 1, created: metadata?.created ?? status.since,
      updated: metadata?.updated ?? status.since, resourceVersion: row.map { table.text(of: $0.revision) })
  }
}
