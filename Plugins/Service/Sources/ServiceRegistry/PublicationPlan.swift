import Platform
import RegistryKit

/// What to send to one service next, and when, so that it has what this node publishes. Reads no clock and
/// sends nothing.
///
/// A service that has too many endpoints of this node already refuses all of an update: then the data go out
/// alone, and the endpoints after them.
struct PublicationPlan {
  /// A call to the service.
  enum Request: Equatable, Sendable {
    case update(SealedPublication.Item)
    case delete(affiliateID: String)
  }

  /// What of an item an entry stands for.
  private enum Part {
    case whole
    case data
    case endpoints
  }

  private enum Answer {
    case accepted
    case refused
  }

  private struct Entry {
    var item: SealedPublication.Item
    var part = Part.whole
    /// What the service last answered to it as it is, in this session.
    var answer: Answer?
    /// When the service last accepted it as it is, in any session.
    var acceptedAt: Duration?
    /// Why it was refused, until it is accepted.
    var refusal: RegistryError?
    var backoff = Backoff()
    var due: Duration = .zero

    /// What goes out.
    var sent: SealedPublication.Item {
      var sent = item
      switch part {
      case .whole: break
      case .data: sent.endpoints = []
      case .endpoints: sent.data = nil
      }
      return sent
    }

    /// The same, about to be sent.
    func unanswered(_ part: Part) -> Entry {
      var entry = self
      entry.part = part
      entry.answer = nil
      entry.due = .zero
      return entry
    }
  }

  private struct Withdrawal {
    var affiliateID: String
    var refusal: RegistryError?
    var backoff = Backoff()
    var due: Duration = .zero
  }

  private let ttl: Duration
  private var refresh: Duration { ttl / 2 }
  /// In the order in which they go out.
  private var entries: [Entry] = []
  private var withdrawal: Withdrawal?
  /// The id under which the service may have this node.
  private var publishedID: String?

  /// - Parameters:
  ///   - ttl: how long the service keeps what it is sent: all is sent again after half of it.
  ///   - localID: this node, which an earlier run may have published; nil: it can't have.
  init(ttl: Duration, localID: String?) {
    self.ttl = ttl
    publishedID = localID
  }

  // MARK: How far it has come

  /// Whether the service has answered everything as it is now, if only that it won't have it.
  var isAnswered: Bool { withdrawal == nil && entries.allSatisfy { $0.answer != nil } }

  /// Why something isn't accepted; nil: nothing is refused.
  var problem: RegistryError? { withdrawal?.refusal ?? entries.lazy.compactMap(\.refusal).first }

  /// What became of the publication at this service at `now`: accepted once it has this node's data and has
  /// answered all else, while endpoints may have been refused.
  ///
  /// - Parameter unreachable: why the service can't be reached; nil: it can, or is about to be tried.
  func status(at now: Duration, unreachable: RegistryError? = nil) -> EndpointStatus {
    if let withdrawal { return (withdrawal.refusal ?? unreachable).map { .failed($0) } ?? .pending }
    guard let own = entries.first(where: { $0.sent.data != nil }) else { return .accepted }
    if own.answer == .refused, let refusal = own.refusal { return .failed(refusal) }
    if let unreachable {
      // What the service accepted before it went away it keeps, until the ttl is over.
      return own.acceptedAt.map { now < $0 + ttl } == true ? .accepted : .failed(unreachable)
    }
    return isAnswered ? .accepted : .pending
  }

  /// This node's own sealed data, where the service has accepted them in this session.
  var acceptedData: [UInt8]? {
    entries.first { $0.sent.data != nil && $0.answer == .accepted }?.item.data
  }

  /// When something is to be sent.
  var nextDue: Duration? {
    let dues = entries.lazy.map(\.due).min()
    guard let withdrawal else { return dues }
    return min(withdrawal.due, dues ?? withdrawal.due)
  }

  /// What to send at `now`; nil: nothing yet.
  func next(at now: Duration) -> Request? {
    if let withdrawal, withdrawal.due <= now { return .delete(affiliateID: withdrawal.affiliateID) }
    return entries.first { $0.due <= now }.map { .update($0.sent) }
  }

  // MARK: What happens

  /// The publication is another one. What didn't change keeps its time.
  mutating func replace(with publication: SealedPublication) {
    let before = Dictionary(grouping: entries) { $0.item.affiliateID }
    entries = publication.items.flatMap { item in
      let parts = before[item.affiliateID] ?? []
      if let first = parts.first, first.item == item { return parts }
      // The last refusal counts until there is another answer.
      return [Entry(item: item, refusal: parts.lazy.compactMap(\.refusal).first)]
    }
    if publication.withdraws {
      if let publishedID, withdrawal == nil { withdrawal = Withdrawal(affiliateID: publishedID) }
    } else {
      withdrawal = nil
      publishedID = publication.items.first { $0.data != nil }?.affiliateID ?? publishedID
    }
  }

  /// A session begins: what the service was sent before, it may have forgotten.
  mutating func sessionStarted() {
    entries = entries.filter { $0.part != .endpoints }.map { Entry(item: $0.item, acceptedAt: $0.acceptedAt) }
    if let affiliateID = withdrawal?.affiliateID { withdrawal = Withdrawal(affiliateID: affiliateID) }
  }

  /// The service no longer has this node's data as they were sent: they are sent again at `due`.
  mutating func lost(due: Duration) {
    guard let index = entries.firstIndex(where: { $0.sent.data != nil && $0.answer == .accepted }) else {
      return
    }
    entries[index].due = min(entries[index].due, due)
  }

  /// The service accepted `request`.
  mutating func accepted(_ request: Request, at now: Duration) {
    switch request {
    case .delete(let affiliateID):
      guard withdrawal?.affiliateID == affiliateID else { return }
      withdrawal = nil
      publishedID = nil
    case .update(let item):
      // It may have been replaced meanwhile: then it is still to be sent.
      guard let index = entries.firstIndex(where: { $0.sent == item }) else { return }
      entries[index].answer = .accepted
      entries[index].acceptedAt = now
      entries[index].refusal = nil
      entries[index].backoff.reset()
      entries[index].due = now + refresh
      if entries[index].part != .whole { joinIfAccepted(item.affiliateID) }
    }
  }

  /// The service refused `request`, as `problem` says. It is tried again, further and further apart, but at
  /// the next refresh at the latest.
  ///
  /// - Parameters:
  ///   - isExhausted: whether there is too much of something, which may be the endpoints.
  ///   - random: a number from 0 up to 1.
  mutating func refused(
    _ request: Request, _ problem: RegistryError, isExhausted: Bool = false, at now: Duration, random: Double
  ) {
    switch request {
    case .delete(let affiliateID):
      guard var changed = withdrawal, changed.affiliateID == affiliateID else { return }
      changed.refusal = problem
      changed.due = now + changed.backoff.next(random: random)
      withdrawal = changed
    case .update(let item):
      guard let index = entries.firstIndex(where: { $0.sent == item }) else { return }
      var entry = entries[index]
      if isExhausted, entry.part == .whole, item.data != nil, !item.endpoints.isEmpty {
        entries.replaceSubrange(index...index, with: [entry.unanswered(.data), entry.unanswered(.endpoints)])
        return
      }
      if entry.part == .data {
        // It isn't for the endpoints.
        entry.part = .whole
        entries.removeAll { $0.part == .endpoints && $0.item == entry.item }
      }
      entry.answer = .refused
      entry.refusal = problem
      entry.due = now + min(entry.backoff.next(random: random), refresh)
      entries[index] = entry
    }
  }

  /// Both parts of an item have been accepted: from now on it goes out whole again.
  private mutating func joinIfAccepted(_ affiliateID: String) {
    let parts = entries.filter { $0.item.affiliateID == affiliateID }
    guard var whole = parts.first, parts.allSatisfy({ $0.answer == .accepted }) else { return }
    whole.part = .whole
    entries = entries.compactMap { entry in
      entry.item.affiliateID != affiliateID ? entry : entry.part == .data ? whole : nil
    }
  }
}
