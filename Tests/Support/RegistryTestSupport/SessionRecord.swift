public import ClusterModel
public import RegistryKit

/// What a registry has given its session so far.
public struct SessionRecord: Sendable {
  /// One aspect of one source.
  public struct ReportKey: Hashable, Sendable {
    public let aspect: HealthAspect
    public let source: RegistrySource
  }

  /// What became of a publication.
  public struct Outcome: Hashable, Sendable {
    public let revision: UInt64
    /// nil: others can see it.
    public let error: RegistryError?

    public init(revision: UInt64, error: RegistryError? = nil) {
      self.revision = revision
      self.error = error
    }
  }

  /// Every batch, in order. Calls for one update or report are batches too.
  public private(set) var batches: [RegistryBatch] = []
  /// What each source knows now.
  public private(set) var contents: [RegistrySource: [NodeIdentity: AffiliateRecord]] = [:]
  /// How each aspect is that was reported: nil, it works.
  public private(set) var reports: [ReportKey: RegistryError?] = [:]
  /// The outcomes of publications, in order.
  public internal(set) var outcomes: [Outcome] = []
  /// What was logged, debug messages left out, each line as `level: message`.
  public internal(set) var log: [String] = []

  init() {}

  /// All updates, in order.
  public var updates: [RegistryUpdate] { batches.flatMap(\.updates) }

  /// Every error that was ever reported, in order.
  public var errors: [RegistryError] { batches.flatMap(\.reports).compactMap(\.error) }

  /// What is wrong with an aspect now; nil where nothing is.
  public func error(_ aspect: HealthAspect, source: RegistrySource = .only) -> RegistryError? {
    reports[ReportKey(aspect: aspect, source: source)] ?? nil
  }

  /// Whether nothing is wrong with any aspect.
  public var isHealthy: Bool { reports.values.allSatisfy { $0 == nil } }

  /// The last outcome of a publication; nil where there is none yet.
  public func outcome(of revision: UInt64) -> Outcome? { outcomes.last { $0.revision == revision } }

  /// The identities of a source's nodes, sorted; nil before its first snapshot, and after its end.
  public func ids(_ source: String = "") -> [String]? { records(source)?.keys.map(\.text).sorted() }

  /// A source's record of a node.
  public func record(_ id: String, _ source: String = "") -> AffiliateRecord? {
    records(source)?.first { $0.key.text == id }?.value
  }

  /// What a source knows of a node.
  public func affiliate(_ id: String, _ source: String = "") -> Affiliate? { record(id, source)?.affiliate }

  private func records(_ source: String) -> [NodeIdentity: AffiliateRecord]? {
    contents.first { $0.key.name == source }?.value
  }

  mutating func apply(_ batch: RegistryBatch) {
    batches.append(batch)
    for update in batch.updates {
      switch update {
      case .snapshot(let records, let source, _):
        // Who checks nothing may be given a node twice.
        contents[source] = Dictionary(records.map { ($0.affiliate.nodeID, $0) }) { first, _ in first }
      case .upsert(let record, let source): contents[source]?[record.affiliate.nodeID] = record
      case .remove(let id, let source, _): contents[source]?[id] = nil
      case .sourceGone(let source): contents[source] = nil
      }
    }
    for report in batch.reports {
      reports[ReportKey(aspect: report.aspect, source: report.source)] = .some(report.error)
    }
  }
}

extension RegistryUpdate {
  /// The update in one line: `upsert rack-1`, `remove rack-1 deleted`, `snapshot a b` with sorted ids; the
  /// source's name comes first where it has one.
  public var summary: String {
    let text =
      switch self {
      case .snapshot(let records, _, _):
        (["snapshot"] + records.map(\.affiliate.nodeID.text).sorted()).joined(separator: " ")
      case .upsert(let record, _): "upsert \(record.affiliate.nodeID)"
      case .remove(let id, _, let reason): "remove \(id) \(reason)"
      case .sourceGone: "gone"
      }
    return source == .only ? text : "\(source.name): \(text)"
  }
}
