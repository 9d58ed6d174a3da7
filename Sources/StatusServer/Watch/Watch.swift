import ClusterModel
import ClusterResources
import HummingbirdCore
import Lifecycle
import NIOCore
import Platform

/// What somebody watches.
struct WatchQuery: Sendable {
  /// The lists, in the order in which they are given at first.
  var lists: [ListKind]
  /// Whether what isn't listed, and what is merely of severity info, is in it too.
  var all = false
  var labels: LabelSelector?
  var fields: FieldSelector?
  /// Which entries of history are in it; nil: all.
  var entries: HistoryFilter?
  /// The revision that was seen last; nil: none.
  var since: String?
  /// After how long it ends; nil: never.
  var timeout: Duration?

  /// Whether a document is in it.
  func matches(_ selection: RowContent.Selection, of list: ListKind) -> Bool {
    if list == .history { return entries?.matches(selection.fields) ?? true }
    return (all || !selection.isExtra) && (labels?.matches(selection.fields) ?? true)
      && (fields?.matches(selection.fields) ?? true)
  }
}

/// One reader of server-sent events: a place in the table and nothing else. When its connection can take more, the
/// table is asked what changed since.
struct Watch {
  /// After how long without an event a comment shows that the connection lives.
  static let heartbeat = Duration.seconds(15)
  /// After how long a revision that had nothing for this reader is told.
  static let bookmark = Duration.seconds(60)
  /// About how many bytes are written at once.
  private static let chunk = 16 * 1024

  private let query: WatchQuery
  private let lists: Set<ListKind>
  private let table: ResourceTable
  private let ticker: WatchTicker
  private let now: @Sendable () -> Moment
  private let isHalfClosed: @Sendable () -> Bool
  private let observeReset: @Sendable (String) -> Void

  private var position: ResourceTable.Position
  private var buffer = ByteBuffer()
  /// What was written as an `id:` last.
  private var told: UInt64 = 0

  /// A reader as `query` has it.
  ///
  /// - Parameter isHalfClosed: whether who reads sends nothing more. That is often somebody who is gone, which a
  ///   heartbeat finds out.
  init(
    _ query: WatchQuery, table: ResourceTable, ticker: WatchTicker, now: @escaping @Sendable () -> Moment,
    isHalfClosed: @escaping @Sendable () -> Bool, observeReset: @escaping @Sendable (String) -> Void
  ) {
    self.query = query
    self.table = table
    self.ticker = ticker
    self.now = now
    self.isHalfClosed = isHalfClosed
    self.observeReset = observeReset
    lists = Set(query.lists)
    position = ResourceTable.Position(sequence: 0, revision: 0)
  }

  /// Writes events until the table is finished, the time is over, or nobody reads any more.
  mutating func run(_ writer: inout any ResponseBodyWriter) async throws {
    let start = ticker.elapsed
    var lastWrite = start
    var lastBookmark = start
    buffer.writeString("retry: 2000\n\n")
    if let since = query.since {
      switch table.position(after: since, of: lists) {
      case .success(let found): position = found
      case .failure(let error): try await begin(anew: error.reason, &writer)
      }
    } else {
      try await begin(anew: nil, &writer)
    }
    var isSynced = false
    while !Task.isCancelled {
      let seen = ticker.signal.value
      let unread = table.unread(after: position, of: lists, limit: Self.chunk)
      if unread.isTooOld {
        isSynced = false
        try await begin(anew: .slow, &writer)
        continue
      }
      write(unread)
      position = unread.position
      let elapsed = ticker.elapsed
      if unread.isEnd {
        if !isSynced {
          isSynced = true
          writeMoment("SYNCED")
        } else if buffer.readableBytes == 0 {
          if elapsed - lastBookmark >= Self.bookmark, position.revision > told {
            writeMoment("BOOKMARK")
          } else if elapsed - lastWrite >= (isHalfClosed() ? .seconds(1) : Self.heartbeat) {
            // With the time, as a reader has none of the daemon's while nothing changes.
            buffer.writeString(": \(now().wall.milliText)\n\n")
          }
        }
      }
      if buffer.readableBytes > 0 {
        try await flush(&writer)
        lastWrite = elapsed
        if position.revision == told { lastBookmark = elapsed }
      }
      if unread.isFinished || ticker.hasEnded { return }
      if let timeout = query.timeout, elapsed - start >= timeout { return }
      if unread.isEnd { await ticker.signal.wait(after: seen) }
    }
  }

  // MARK: Everything

  /// Writes everything as it is, after why where that was asked for otherwise.
  private mutating func begin(anew reason: ResourceTable.Reset?, _ writer: inout any ResponseBodyWriter)
    async throws
  {
    if let reason {
      observeReset(reason.rawValue)
      buffer.writeString(
        "event: RESET\ndata: {\"reason\":\"\(reason.rawValue)\",\"now\":\"\(now().wall.milliText)\"}\n\n")
    }
    // What changes from here on is told afterwards, whether it was already in what follows or not.
    position = table.end
    told = 0
    for list in query.lists {
      var last: RowKey?
      while true {
        let rows = table.rows(of: list, after: last, limit: Self.chunk)
        guard let end = rows.last else { break }
        let moment = now()
        for row in rows where query.matches(row.content.selection, of: list) {
          // A reader that is cut off here must be given everything again: what it has seen is revision 0.
          write("ADDED", row, id: 0, reason: nil, at: moment)
        }
        last = end.key
        if buffer.readableBytes >= Self.chunk { try await flush(&writer) }
      }
    }
  }

  // MARK: Changes

  private mutating func write(_ unread: ResourceTable.Unread) {
    guard !unread.rows.isEmpty else { return }
    let moment = now()
    let events = unread.rows.compactMap { row in
      event(of: row).map { (row: row, name: $0.name, reason: $0.reason) }
    }
    for (index, event) in events.enumerated() {
      // Who has seen a part of a revision has only seen the one before it whole.
      let next = index + 1 < events.count ? events[index + 1].row.revision - 1 : unread.position.revision
      let id = next >= event.row.revision ? event.row.revision : event.row.revision - 1
      write(event.name, event.row, id: id, reason: event.reason, at: moment)
    }
  }

  /// What a change is to this reader; nil: nothing.
  private func event(of row: ResourceRow) -> (name: String, reason: String?)? {
    let seen = position.revision
    // What it saw of the key: it is known where there was only one change since.
    let isNew = row.firstRevision > seen
    let wasIn: Bool? =
      isNew
      ? false
      : row.before.flatMap { before in
        before.revision <= seen ? query.matches(before.content, of: row.list) : nil
      }
    if let deletion = row.deletion { return wasIn == false ? nil : ("DELETED", deletion.reason) }
    guard query.matches(row.content.selection, of: row.list) else {
      return wasIn == false ? nil : ("DELETED", "selector")
    }
    return (wasIn == false ? "ADDED" : "MODIFIED", nil)
  }

  // MARK: Text

  private mutating func write(
    _ event: String, _ row: ResourceRow, id: UInt64, reason: String?, at moment: Moment
  ) {
    told = id
    buffer.writeString(
      "id: \(table.epoch).\(id)\nevent: \(event)\ndata: {\"type\":\"\(row.list.rawValue)\",\"object\":")
    buffer.writeImmutableBuffer(row.content.bytes(at: moment))
    if let reason { buffer.writeString(",\"reason\":\(jsonString(reason))") }
    buffer.writeString("}\n\n")
  }

  /// That the reader has seen everything, or that it has missed nothing so far.
  private mutating func writeMoment(_ event: String) {
    told = position.revision
    buffer.writeString(
      "id: \(table.epoch).\(told)\nevent: \(event)\ndata: {\"now\":\"\(now().wall.milliText)\"}\n\n")
  }

  private mutating func flush(_ writer: inout any ResponseBodyWriter) async throws {
    let bytes = buffer
    // Not cleared but let go: an idle reader holds no memory.
    buffer = ByteBuffer()
    try await writer.write(bytes)
  }
}
