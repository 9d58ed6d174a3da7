import ClusterModel
import DiscoveryProtocol

/// What one service has told, opened: the rules of what of it becomes a record. Reads no clock and sends nothing.
///
/// A node that the service knew and, after an outage, no longer knows is held as stale for a grace time: the
/// service may have come back empty, and the nodes tell it of themselves one by one. The same goes for a node that
/// was called gone where the service doesn't say whether it is.
struct AffiliateBook {
  /// A change for the aggregator.
  enum Change: Equatable {
    case snapshot([AffiliateRecord])
    case upsert(AffiliateRecord)
    case remove(NodeIdentity)
    /// The service says that the node is gone, which may only be an endpoint's end: ask it what it has.
    case confirm(NodeIdentity)
  }

  struct Entry {
    var record: AffiliateRecord
    /// Whether the service has endpoints of it.
    var hasEndpoints: Bool
    /// When it is dropped; nil: the service has it.
    var heldUntil: Duration?
    /// Whether it is held only as the service, asked whether it is gone, didn't answer.
    var isDoubted = false

    /// The same, held as stale until `time`.
    func held(until time: Duration, isDoubted: Bool = false) -> Entry {
      var held = self
      held.record.isStale = true
      held.heldUntil = time
      held.isDoubted = isDoubted
      return held
    }
  }

  private let cipher: AffiliateCipher
  private let localNodeID: NodeIdentity?
  let missingGrace: Duration
  private let maximumCount: Int

  var entries: [NodeIdentity: Entry] = [:]
  /// Nodes that were called gone and may not be, each with the number of the deletion that said so last.
  var unconfirmed: [NodeIdentity: UInt64] = [:]
  private var deletionCount: UInt64 = 0
  private(set) var hasSynced = false
  /// Since when the service isn't heard that had been; nil: it is heard, or never was.
  var unheardSince: Duration?
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

  /// Takes the first answer of a watch: everything that the service has.
  mutating func snapshot(_ affiliates: [WireAffiliate], at now: Duration) -> [Change] {
    let before = entries
    let outage = unheardSince.map { now - $0 } ?? .zero
    unheardSince = nil
    entries = [:]
    unconfirmed = [:]
    problems.reset()
    for affiliate in affiliates { take(affiliate) }
    if hasSynced {
      // What was known goes before what is new where there is too much of both.
      for (nodeID, entry) in before where entries[nodeID] == nil && missingGrace > .zero {
        guard entries.count < maximumCount else {
          problems.overflow(1)
          continue
        }
        // What is left of an earlier grace is all that there is, or one that is dead would stay for as long as
        // connections end. In the outage it couldn't come back: that time doesn't count.
        let end = entry.heldUntil.map { $0 + outage } ?? now + missingGrace
        entries[nodeID] = entry.held(until: end)
      }
    }
    hasSynced = true
    return [.snapshot(entries.values.map(\.record).sorted { $0.affiliate.nodeID < $1.affiliate.nodeID })]
  }

  /// Takes a later answer of a watch.
  mutating func change(_ affiliates: [WireAffiliate], deleted: Bool) -> [Change] {
    affiliates.compactMap { deleted ? delete($0) : take($0).map { .upsert($0) } }
  }

  /// Opens `affiliate` and keeps it; nil where nothing of it can be used, which changes nothing.
  @discardableResult
  mutating func take(_ affiliate: WireAffiliate) -> AffiliateRecord? {
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
      unconfirmed[nodeID] = nil
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
    if entry.hasEndpoints, entry.heldUntil == nil || entry.isDoubted {
      deletionCount += 1
      unconfirmed[nodeID] = deletionCount
      return .confirm(nodeID)
    }
    entries[nodeID] = nil
    return .remove(nodeID)
  }
}
