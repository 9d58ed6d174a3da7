import ClusterResources
import Platform
import Synchronization

/// The one index that lists and watches are served from: for each type a map by id, and the newest change of each key
/// in the order of revisions.
///
/// A reader is a place in that order and nothing else: nothing is kept for it. What was deleted is remembered within
/// bounds; who is further behind than that begins anew.
final class ResourceTable: Sendable {
  /// Tells revisions of this start of the daemon from those of others: 5 random letters and digits.
  let epoch: String
  /// Changes with each revision, and when nothing more comes.
  let changed = ChangeSignal()
  private let state: Mutex<State>

  private struct State {
    /// The newest revision that changed anything.
    var revision: UInt64 = 0
    /// The newest revision that changed what lists say of themselves.
    var metadataRevision: UInt64 = 0
    var isSynced = false
    var partial: [String] = []
    var lists = ListKind.allCases.map { _ in ListState() }
    var journal = ResourceJournal()
    /// The aggregator's revision up to which everything is here.
    var followed: UInt64 = 0
    /// The registries of which all that they know is here.
    var known: Set<String> = []
    var isFinished = false
  }

  private struct ListState {
    /// By key.
    var rows: [ResourceRow] = []
    /// In order; the first ones are forgotten first.
    var deletions: [ResourceRow] = []
    var firstDeletion = 0
    var deleted: [RowKey: ResourceRow] = [:]
    /// The newest of those that were forgotten: who has seen less must begin anew.
    var floor: (revision: UInt64, sequence: UInt64) = (0, 0)
    /// The newest revision that changed this list.
    var revision: UInt64 = 0

    /// Where `key` is or belongs, and whether it is there.
    func place(of key: RowKey) -> (index: Int, isThere: Bool) {
      var (low, high) = (0, rows.count)
      // Most come in order.
      if let last = rows.last, last.key < key { return (high, false) }
      while low < high {
        let middle = (low + high) / 2
        if rows[middle].key < key { low = middle + 1 } else { high = middle }
      }
      return (low, low < rows.count && rows[low].key == key)
    }
  }

  /// How many deletions of each list are remembered.
  private let deletionLimit: Int

  /// An empty table.
  init(epoch: String, deletionLimit: Int = 4096) {
    self.epoch = epoch
    self.deletionLimit = max(1, deletionLimit)
    state = Mutex(State())
  }

  /// The revision as it is written.
  func text(of revision: UInt64) -> String { "\(epoch).\(revision)" }

  // MARK: Writing

  /// One thing that a revision changes.
  enum Change: Sendable {
    case put(ListKind, RowKey, RowContent)
    /// `last`: how it is shown as gone; nil: as it last was.
    case remove(ListKind, RowKey, reason: String?, last: RowContent? = nil)
    /// An old entry of history isn't kept any more, which is no event.
    case forget(ListKind, RowKey)
  }

  /// Commits `changes` as one revision, above all before. Without any, and with the same metadata, nothing happens.
  ///
  /// - Parameters:
  ///   - followed: the aggregator's revision up to which everything is here then; nil: the same.
  ///   - known: the registries of which all that they know is here then.
  func commit(
    _ changes: [Change], revision: UInt64, followed: UInt64? = nil, isSynced: Bool, partial: [String],
    known: Set<String> = []
  ) {
    let hasChanged = state.withLock { state in
      state.followed = followed ?? revision
      state.known = known
      let isOther = state.isSynced != isSynced || state.partial != partial
      guard isOther || !changes.isEmpty else { return false }
      state.revision = revision
      if isOther {
        state.isSynced = isSynced
        state.partial = partial
        state.metadataRevision = revision
      }
      // What goes before what comes: a reader that knows things by their ids ends with those that are there.
      for case .remove(let list, let key, let reason, let last) in changes {
        remove(key, of: list, reason: reason, last: last, revision: revision, from: &state)
      }
      for case .forget(let list, let key) in changes {
        let place = state.lists[list.index].place(of: key)
        guard place.isThere else { continue }
        state.journal.clear(state.lists[list.index].rows.remove(at: place.index).sequence)
      }
      for case .put(let list, let key, let content) in changes {
        put(content, as: key, of: list, revision: revision, in: &state)
      }
      return true
    }
    if hasChanged { changed.notify() }
  }

  private func put(
    _ content: RowContent, as key: RowKey, of list: ListKind, revision: UInt64, in state: inout State
  ) {
    let (index, isThere) = state.lists[list.index].place(of: key)
    let old = isThere ? state.lists[list.index].rows[index] : nil
    let row = ResourceRow(
      list: list, key: key, content: content, revision: revision, sequence: state.journal.next,
      firstRevision: old?.firstRevision ?? revision, before: old.map { ($0.content.selection, $0.revision) })
    if let old {
      state.lists[list.index].rows[index] = row
      state.journal.clear(old.sequence)
    } else {
      state.lists[list.index].rows.insert(row, at: index)
      if let deletion = state.lists[list.index].deleted.removeValue(forKey: key) {
        state.journal.clear(deletion.sequence)
      }
    }
    state.journal.append(row)
    state.lists[list.index].revision = revision
  }

  private func remove(
    _ key: RowKey, of list: ListKind, reason: String?, last: RowContent?, revision: UInt64,
    from state: inout State
  ) {
    let (index, isThere) = state.lists[list.index].place(of: key)
    guard isThere else { return }
    let old = state.lists[list.index].rows.remove(at: index)
    state.journal.clear(old.sequence)
    let row = ResourceRow(
      list: list, key: key, content: last ?? old.content, revision: revision, sequence: state.journal.next,
      firstRevision: old.firstRevision, before: (old.content.selection, old.revision),
      deletion: ResourceRow.Deletion(reason: reason))
    state.journal.append(row)
    state.lists[list.index].revision = revision
    state.lists[list.index].deletions.append(row)
    state.lists[list.index].deleted[key] = row
    trim(&state.lists[list.index], &state.journal)
  }

  /// Forgets the oldest deletions where there are too many.
  private func trim(_ list: inout ListState, _ journal: inout ResourceJournal) {
    while list.deletions.count - list.firstDeletion > deletionLimit {
      let oldest = list.deletions[list.firstDeletion]
      list.firstDeletion += 1
      // One that came back is no deletion any more, and was cleared.
      guard list.deleted[oldest.key] === oldest else { continue }
      list.deleted[oldest.key] = nil
      journal.clear(oldest.sequence)
      list.floor = (oldest.revision, oldest.sequence)
    }
    if list.firstDeletion > deletionLimit {
      list.deletions.removeFirst(list.firstDeletion)
      list.firstDeletion = 0
    }
  }

  /// Nothing more will change: watches end.
  func finish() {
    state.withLock { $0.isFinished = true }
    changed.notify()
  }

  /// Whether nothing more will change.
  var isFinished: Bool { state.withLock { $0.isFinished } }

  // MARK: Lists

  /// The newest revision.
  var revision: UInt64 { state.withLock { $0.revision } }

  /// The aggregator's revision up to which everything is here, whether it changed anything or not.
  var followed: UInt64 { state.withLock { $0.followed } }
  /// The registries of which all that they know is here: lists follow the aggregator, and a large one takes a moment.
  var known: Set<String> { state.withLock { $0.known } }

  /// What a list is at one moment.
  struct Listing: Sendable {
    /// In the order of their keys.
    let rows: [ResourceRow]
    /// The revision of the last change in it, or of what it says of itself.
    let revision: UInt64
    let isSynced: Bool
    let partial: [String]
  }

  /// All rows of `list`.
  func rows(of list: ListKind) -> Listing {
    state.withLock { state in
      Listing(
        rows: state.lists[list.index].rows,
        revision: max(state.lists[list.index].revision, state.metadataRevision), isSynced: state.isSynced,
        partial: state.partial)
    }
  }

  /// The revision of `list`, and of nothing else.
  func revision(of list: ListKind) -> UInt64 {
    state.withLock { max($0.lists[list.index].revision, $0.metadataRevision) }
  }

  /// The row of `key`; nil where there is none.
  func row(_ key: RowKey, of list: ListKind) -> ResourceRow? {
    state.withLock { state in
      let place = state.lists[list.index].place(of: key)
      return place.isThere ? state.lists[list.index].rows[place.index] : nil
    }
  }

  /// The rows whose id is `id`, the one that has it by right first.
  func rows(called id: String, of list: ListKind) -> [ResourceRow] {
    state.withLock { state in
      let rows = state.lists[list.index].rows
      return Array(
        rows[state.lists[list.index].place(of: RowKey(id: id)).index...].prefix { $0.key.id == id })
    }
  }

  // MARK: Watches

  /// Why a reader must begin anew.
  enum Reset: String, Sendable {
    /// What was deleted since isn't all known any more.
    case expired
    /// The revision is of another start of the daemon.
    case restarted
    /// The revision hasn't been made yet.
    case ahead
    /// The reader was slower than deletions are kept for.
    case slow
  }

  /// Where a reader is: it has seen all changes up to this one.
  struct Position: Hashable, Sendable {
    var sequence: UInt64
    /// The newest revision that it has seen whole.
    var revision: UInt64
  }

  /// Where a reader is that has just been given everything.
  var end: Position {
    state.withLock { Position(sequence: $0.journal.next - 1, revision: $0.revision) }
  }

  /// Where a reader is that has seen the revision written as `text`, and reads `lists`.
  func position(
    after text: String, of lists: Set<ListKind>
  ) -> Result<Position, ResetError> {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == epoch, let revision = UInt64(parts[1]) else {
      return .failure(ResetError(reason: .restarted))
    }
    return state.withLock { state in
      if revision > state.revision { return .failure(ResetError(reason: .ahead)) }
      if lists.contains(where: { state.lists[$0.index].floor.revision > revision }) {
        return .failure(ResetError(reason: .expired))
      }
      return .success(
        Position(sequence: state.journal.sequence(afterRevision: revision), revision: revision))
    }
  }

  struct ResetError: Error {
    let reason: Reset
  }

  /// What a reader hasn't seen yet.
  struct Unread: Sendable {
    /// The newest state of each key that changed, in the order of revisions.
    var rows: [ResourceRow] = []
    /// Where the reader is when it has taken them.
    var position: Position
    /// Whether it must begin anew.
    var isTooOld = false
    /// Whether there is nothing beyond.
    var isEnd = false
    /// Whether nothing will ever come beyond.
    var isFinished = false
  }

  /// The changes of `lists` after `position`, about `limit` bytes of them.
  func unread(after position: Position, of lists: Set<ListKind>, limit: Int) -> Unread {
    state.withLock { state in
      var unread = Unread(position: position)
      if lists.contains(where: { state.lists[$0.index].floor.sequence > position.sequence }) {
        unread.isTooOld = true
        return unread
      }
      var size = 0
      let isWhole = state.journal.walk(after: position.sequence) { row in
        guard size < limit else { return false }
        if lists.contains(row.list) {
          unread.rows.append(row)
          size += row.content.document.bytes.count + 64
        }
        // A revision has been seen when something of the next one has.
        if row.revision > position.revision { unread.position.revision = row.revision - 1 }
        unread.position.sequence = row.sequence
        return true
      }
      if isWhole {
        unread.position = Position(sequence: state.journal.next - 1, revision: state.revision)
        unread.isEnd = true
        unread.isFinished = state.isFinished
      }
      return unread
    }
  }

  /// The rows of `list` after `key`, about `limit` bytes of them; empty: that was all.
  func rows(of list: ListKind, after key: RowKey?, limit: Int) -> [ResourceRow] {
    state.withLock { state in
      let all = state.lists[list.index].rows
      var start = 0
      if let key {
        let place = state.lists[list.index].place(of: key)
        start = place.index + (place.isThere ? 1 : 0)
      }
      var size = 0
      return Array(
        all[start...].prefix { row in
          defer { size += row.content.document.bytes.count + 64 }
          return size < limit
        })
    }
  }
}
