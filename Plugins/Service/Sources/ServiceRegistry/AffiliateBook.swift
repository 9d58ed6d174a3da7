import ClusterModel
import DiscoveryProtocol

/// What one service has told, opened: the rules of what of it becomes a record. Reads no clock and sends nothing.
///
/// A node that the service knew and, after an outage, no longer knows is held as stale for a grace time: the
/// service may have come back empty, and the nodes tell it of themselves one by one.
struct AffiliateBook {
  /// A change for the aggregator.
  enum Change: Equatable {
    case snapshot([AffiliateRecord])
    case upsert(AffiliateRecord)
    case remove(NodeIdentity)
    /// The service says that the node is gone, which may only be an endpoint's end: ask it what it has.
    case confirm(NodeIdentity)
  }

  private struct Entry {
    var record: AffiliateRecord
    /// Whether the service has endpoints of it.
    var hasEndpoints: Bool
    /// When it is dropped; nil: the service has it.
    var heldUntil: Duration?
  }

  private let cipher: AffiliateCipher
  private let localNodeID: NodeIdentity?
  private let missingGrace: Duration
  private let maximumCount: Int

  private var entries: [NodeIdentity: Entry] = [:]
  private var unconfirmed: Set<NodeIdentity> = []
  private var hasSynced = false
  /// What can't be used, by the id that it came under.
  private(set) var problems: ItemProblems

  init(
    cipher: AffiliateCipher, localNodeID: NodeIdentity?, missingGrace: Duration, maximumCount: Int
  ) {
    self.cipher = cipher
    self.localNodeID = localNodeID
    self.missingGrace = missingGrace
    self.maximumCount = maximumCount
    problems = ItemProblems(maximumCount: maximumCount)
  }

  /// How many nodes are known, held ones too.
  var count: Int { entries.count }

  /// When the next held node is dropped.
  var nextDrop: Duration? { entries.values.lazy.compactMap(\.heldUntil).min() }

  /// Takes the first answer of a watch: everything that the service has.
  mutating func snapshot(_ affiliates: [WireAffiliate], at now: Duration) -> [Change] {
    let before = entries
    entries = [:]
    unconfirmed = []
    problems.reset()
    for affiliate in affiliates { take(affiliate) }
    if hasSynced {
      // What was known goes before what is new where there is too much of both.
      for (nodeID, entry) in before where entries[nodeID] == nil && missingGrace > .zero {
        guard entries.count < maximumCount else {
          problems.overflow(1)
          continue
        }
        var held = entry
        held.record.isStale = true
        held.heldUntil = now + missingGrace
        entries[nodeID] = held
      }
    }
    hasSynced = true
    return [.snapshot(entries.values.map(\.record).sorted { $0.affiliate.nodeID < $1.affiliate.nodeID })]
  }

  /// Takes a later answer of a watch.
  mutating func change(_ affiliates: [WireAffiliate], deleted: Bool) -> [Change] {
    affiliates.compactMap { deleted ? delete($0) : take($0).map { .upsert($0) } }
  }

  /// Takes what the service has, asked because of the nodes in `asked`. Only those are judged by it, and of them
  /// only those of which nothing was heard since.
  mutating func confirm(_ asked: Set<NodeIdentity>, with affiliates: [WireAffiliate]?) -> [Change] {
    let open = asked.intersection(unconfirmed)
    unconfirmed.subtract(open)
    var changes: [Change] = []
    var there: Set<NodeIdentity> = []
    for affiliate in affiliates ?? [] where !affiliate.data.isEmpty {
      guard let nodeID = try? NodeIdentity(affiliate.id), open.contains(nodeID) else { continue }
      there.insert(nodeID)
      if let record = take(affiliate) { changes.append(.upsert(record)) }
    }
    for nodeID in open.subtracting(there).sorted() {
      entries[nodeID] = nil
      changes.append(.remove(nodeID))
    }
    return changes
  }

  /// Drops the nodes whose grace has ended.
  mutating func drop(at now: Duration) -> [Change] {
    let ended = entries.filter { $0.value.heldUntil.map { $0 <= now } ?? false }.keys.sorted()
    for nodeID in ended { entries[nodeID] = nil }
    return ended.map { .remove($0) }
  }

  /// Opens `affiliate` and keeps it; nil where nothing of it can be used, which changes nothing.
  @discardableResult
  private mutating func take(_ affiliate: WireAffiliate) -> AffiliateRecord? {
    guard affiliate.id != localNodeID?.text else { return nil }
    do throws(OpenError) {
      guard let opened = try cipher.open(affiliate) else { return nil }
      let nodeID = opened.affiliate.nodeID
      guard entries[nodeID] != nil || entries.count < maximumCount else {
        problems.overflow(1)
        return nil
      }
      problems.note(opened.skipped, of: affiliate.id)
      let record = AffiliateRecord(opened.affiliate)
      entries[nodeID] = Entry(record: record, hasEndpoints: !affiliate.endpoints.isEmpty, heldUntil: nil)
      unconfirmed.remove(nodeID)
      return record
    } catch {
      problems.note([error], of: affiliate.id)
      return nil
    }
  }

  private mutating func delete(_ affiliate: WireAffiliate) -> Change? {
    problems.note([], of: affiliate.id)
    guard let nodeID = try? NodeIdentity(affiliate.id), nodeID != localNodeID, let entry = entries[nodeID]
    else { return nil }
    // Some services tell the end of one endpoint as the end of its affiliate.
    if entry.hasEndpoints, entry.heldUntil == nil {
      return unconfirmed.insert(nodeID).inserted ? .confirm(nodeID) : nil
    }
    entries[nodeID] = nil
    return .remove(nodeID)
  }
}
