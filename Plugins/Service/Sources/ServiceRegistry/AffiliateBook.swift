import ClusterModel
import DiscoveryProtocol
import SwiftProtobuf

/// What one service has, opened, in one session: the rules of what becomes an update. Reads no clock and
/// sends nothing.
///
/// Some services announce the end of an endpoint as the end of its affiliate. So a node that had endpoints
/// and is announced as gone, without a reason, stays until the service, asked what it has, doesn't list it.
struct AffiliateBook {
  private struct Entry {
    var record: AffiliateRecord
    /// Whether the service has endpoints of it.
    var hasEndpoints: Bool
    /// When the service last announced it, or gave it in the snapshot.
    var announcedAt: Duration
    /// Whether it was announced since the snapshot.
    var isAnnounced: Bool
  }

  private struct Deletion {
    /// Deletions are numbered: a later one isn't answered by an earlier list.
    var number: UInt64
    var reason: RemovalReason
  }

  /// Nodes that the service is asked for, each with the number of the deletion that was announced last.
  typealias Question = [NodeIdentity: UInt64]

  private let cipher: AffiliateCipher
  private let localNodeID: NodeIdentity?
  private let source: RegistrySource
  private let ttl: Duration
  private let maximumCount: Int
  private var entries: [NodeIdentity: Entry] = [:]
  /// Nodes that were announced as gone and may not be.
  private var deletions: [NodeIdentity: Deletion] = [:]
  private var deletionCount: UInt64 = 0
  /// What can't be used, by the id that it came under.
  private(set) var problems: ItemProblems

  /// - Parameters:
  ///   - ttl: how long this cluster's nodes have services keep what they publish.
  ///   - maximumCount: the most nodes that are taken.
  init(
    cipher: AffiliateCipher, localNodeID: NodeIdentity?, source: RegistrySource, ttl: Duration,
    maximumCount: Int
  ) {
    self.cipher = cipher
    self.localNodeID = localNodeID
    self.source = source
    self.ttl = ttl
    self.maximumCount = maximumCount
    problems = ItemProblems(maximumCount: maximumCount)
  }

  /// How many nodes are known.
  var count: Int { entries.count }

  /// What was last announced of this node's own record, and not taken out yet.
  private var ownSighting: OwnSighting?

  /// Takes out what was last announced of this node's own record.
  mutating func takeOwnSighting() -> OwnSighting? {
    defer { ownSighting = nil }
    return ownSighting
  }

  /// This node's own record isn't read, but it says whether somebody else changed it.
  private mutating func see(own affiliate: WireAffiliate, isDeleted: Bool) {
    if isDeleted || affiliate.data.isEmpty {
      ownSighting = .deleted
      return
    }
    let opened = try? cipher.open(affiliate)
    ownSighting = .announced([UInt8](affiliate.data), opened?.affiliate)
  }

  // MARK: What a watch answers

  /// Takes the first answer of a watch: everything that the service has.
  mutating func snapshot(_ answer: WireWatchResponse, at now: Duration) -> RegistryUpdate {
    for affiliate in answer.affiliates {
      take(affiliate, answer, announcedAt: now, isAnnounced: false)
    }
    let records = entries.values.map(\.record).sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
    return .snapshot(records, source: source)
  }

  /// Takes a later answer of a watch.
  mutating func change(_ answer: WireWatchResponse, at now: Duration) -> [RegistryUpdate] {
    answer.affiliates.flatMap { affiliate in
      if affiliate.id == localNodeID?.text { see(own: affiliate, isDeleted: answer.deleted) }
      guard !answer.deleted else { return delete(affiliate, answer, at: now) }
      return take(affiliate, answer, announcedAt: now, isAnnounced: true).map {
        [.upsert($0, source: source)]
      } ?? []
    }
  }

  /// Opens `affiliate` and keeps it; nil where nothing of it can be used, which changes nothing.
  @discardableResult
  private mutating func take(
    _ affiliate: WireAffiliate, _ answer: WireWatchResponse = .init(), announcedAt: Duration,
    isAnnounced: Bool
  ) -> AffiliateRecord? {
    guard affiliate.id != localNodeID?.text else { return nil }
    do throws(OpenError) {
      guard let opened = try cipher.open(affiliate) else { return nil }
      let nodeID = opened.affiliate.nodeID
      guard entries[nodeID] != nil || entries.count < maximumCount else {
        problems.overflow()
        return nil
      }
      problems.note(opened.skipped, of: affiliate.id)
      var record = AffiliateRecord(
        opened.affiliate, confirmedAt: Self.lastUpdate(of: affiliate, in: answer))
      record.labels = opened.labels
      record.machineID = opened.machineID
      entries[nodeID] = Entry(
        record: record, hasEndpoints: !affiliate.endpoints.isEmpty, announcedAt: announcedAt,
        isAnnounced: isAnnounced
      )
      deletions[nodeID] = nil
      return record
    } catch {
      problems.note([error], of: affiliate.id)
      return nil
    }
  }

  /// When `affiliate` was last renewed, where the service says that.
  private static func lastUpdate(of affiliate: WireAffiliate, in answer: WireWatchResponse) -> Timestamp? {
    Timestamp(affiliate.hasLastUpdate ? affiliate.lastUpdate : answer.lastUpdate)
  }

  private mutating func delete(
    _ affiliate: WireAffiliate, _ answer: WireWatchResponse, at now: Duration
  ) -> [RegistryUpdate] {
    problems.note([], of: affiliate.id)
    guard let nodeID = try? NodeIdentity(affiliate.id), let entry = entries[nodeID] else { return [] }
    let reason: RemovalReason
    switch answer.reason {
    case .withdrawn: reason = .withdrawn
    case .expired: reason = .expired
    case .UNRECOGNIZED: reason = .removed
    case .unspecified:
      reason = inferredReason(entry, at: now)
      if entry.hasEndpoints {
        deletionCount += 1
        deletions[nodeID] = Deletion(number: deletionCount, reason: reason)
        return []
      }
    }
    let removal = remove(nodeID, reason)
    guard let renewedAt = Self.lastUpdate(of: affiliate, in: answer), renewedAt != entry.record.confirmedAt
    else { return [removal] }
    // A removal has no time of its own: what is remembered of the node is when its record was last confirmed, and
    // renewals that change nothing weren't announced.
    var last = entry.record
    last.confirmedAt = renewedAt
    return [.upsert(last, source: source), removal]
  }

  /// Why a node is gone at `now`, where the service doesn't say.
  ///
  /// Services announce renewals, and nodes have the same ttl: so one that was announced lately can't have
  /// expired. Of one that wasn't announced yet it isn't known how old its lease was.
  private func inferredReason(_ entry: Entry, at now: Duration) -> RemovalReason {
    if now - entry.announcedAt >= ttl * 0.9 { return .expired }
    return entry.isAnnounced ? .withdrawn : .removed
  }

  private mutating func remove(_ nodeID: NodeIdentity, _ reason: RemovalReason) -> RegistryUpdate {
    entries[nodeID] = nil
    deletions[nodeID] = nil
    return .remove(nodeID, source: source, reason: reason)
  }

  // MARK: Deletions that have to be confirmed

  /// What to ask the service; nil: nothing.
  var question: Question? { deletions.isEmpty ? nil : deletions.mapValues(\.number) }

  /// Takes what the service lists, asked by `question`. Only the nodes of the question are judged by it, and
  /// of them only those that weren't announced since.
  mutating func answered(_ question: Question, by affiliates: [WireAffiliate]) -> [RegistryUpdate] {
    let open = question.filter { deletions[$0.key]?.number == $0.value }
    var listed: Set<NodeIdentity> = []
    var updates: [RegistryUpdate] = []
    for affiliate in affiliates where !affiliate.data.isEmpty {
      guard let nodeID = try? NodeIdentity(affiliate.id), open[nodeID] != nil, let entry = entries[nodeID],
        listed.insert(nodeID).inserted
      else { continue }
      // That it is listed doesn't renew it.
      take(affiliate, announcedAt: entry.announcedAt, isAnnounced: entry.isAnnounced)
      deletions[nodeID] = nil
      entries[nodeID]?.record.isStale = false
      if let record = entries[nodeID]?.record, record != entry.record {
        updates.append(.upsert(record, source: source))
      }
    }
    for nodeID in open.keys.sorted() where !listed.contains(nodeID) {
      if let deletion = deletions[nodeID] { updates.append(remove(nodeID, deletion.reason)) }
    }
    return updates
  }

  /// The service didn't answer `question`. Its nodes may well be alive: those that weren't announced since
  /// become stale until it does.
  mutating func unanswered(_ question: Question) -> [RegistryUpdate] {
    question.keys.sorted().compactMap { nodeID in
      guard deletions[nodeID] != nil, entries[nodeID]?.record.isStale == false else { return nil }
      entries[nodeID]?.record.isStale = true
      return entries[nodeID].map { .upsert($0.record, source: source) }
    }
  }
}

extension Timestamp {
  /// The time that `message` gives; nil where it gives none that a clock could show.
  fileprivate init?(_ message: Google_Protobuf_Timestamp) {
    // Until the end of the year 9999, as the message has it.
    guard (1..<253_402_300_800).contains(message.seconds), (0..<1_000_000_000).contains(message.nanos) else {
      return nil
    }
    self.init(milliseconds: message.seconds * 1000 + Int64(message.nanos) / 1_000_000)
  }
}

/// What a service announced of this node's own record.
enum OwnSighting: Equatable, Sendable {
  /// It, or what it says, is gone.
  case deleted
  /// It says that, sealed and, where it can be opened, open.
  case announced([UInt8], Affiliate?)
}
