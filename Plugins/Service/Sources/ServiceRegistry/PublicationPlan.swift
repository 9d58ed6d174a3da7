/// What one service has to be told next, and when. Reads no clock and sends nothing.
struct PublicationPlan {
  /// A call to the service.
  enum Request: Equatable, Sendable {
    case update(SealedPublication.Item)
    case delete(affiliateID: String)
  }

  private struct Entry {
    var item: SealedPublication.Item
    /// Whether the service hasn't accepted it as it is, in this session.
    var isNew = true
    var due: Duration = .zero
  }

  private let refresh: Duration
  /// In the order in which they go out.
  private var entries: [Entry] = []
  private var withdrawal: (affiliateID: String, due: Duration)?
  /// The id under which this node was or is being published.
  private var publishedID: String?

  /// A plan that tells everything again after `refresh`.
  init(refresh: Duration) { self.refresh = refresh }

  /// Whether the service has accepted everything as it is now.
  var isSettled: Bool { withdrawal == nil && !entries.contains(where: \.isNew) }

  /// When something is to be told.
  var nextDue: Duration? {
    let dues = entries.lazy.map(\.due).min()
    guard let withdrawal else { return dues }
    return min(withdrawal.due, dues ?? withdrawal.due)
  }

  /// The publication is another one. What didn't change keeps its time.
  mutating func replace(with publication: SealedPublication) {
    let before = Dictionary(entries.map { ($0.item.affiliateID, $0) }, uniquingKeysWith: { $1 })
    entries = publication.items.map { item in
      if let entry = before[item.affiliateID], entry.item == item { return entry }
      return Entry(item: item)
    }
    if publication.withdraws {
      if let publishedID { withdrawal = (publishedID, .zero) }
    } else {
      withdrawal = nil
      publishedID = publication.items.first { $0.data != nil }?.affiliateID ?? publishedID
    }
  }

  /// A session begins: what the service was told before, it may have forgotten.
  mutating func sessionStarted() {
    for index in entries.indices {
      entries[index].isNew = true
      entries[index].due = .zero
    }
    withdrawal?.due = .zero
  }

  /// What to tell at `now`; nil: nothing yet.
  func next(at now: Duration) -> Request? {
    if let withdrawal, withdrawal.due <= now { return .delete(affiliateID: withdrawal.affiliateID) }
    return entries.first { $0.due <= now }.map { .update($0.item) }
  }

  /// The service accepted `request`.
  mutating func accepted(_ request: Request, at now: Duration) {
    switch request {
    case .delete(let affiliateID):
      guard withdrawal?.affiliateID == affiliateID else { return }
      withdrawal = nil
      publishedID = nil
    case .update(let item):
      // It may have been replaced meanwhile: then it is still to be told.
      guard let index = entries.firstIndex(where: { $0.item == item }) else { return }
      entries[index].isNew = false
      entries[index].due = now + refresh
    }
  }

  /// The service refused `request`, which is tried again at `time`.
  mutating func refused(_ request: Request, until time: Duration) {
    switch request {
    case .delete(let affiliateID):
      if withdrawal?.affiliateID == affiliateID { withdrawal?.due = time }
    case .update(let item):
      if let index = entries.firstIndex(where: { $0.item == item }) { entries[index].due = time }
    }
  }
}
