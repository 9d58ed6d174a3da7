import ClusterModel
import ClusterResources
import HTTPTypes
import NIOCore
import Rollcall

/// The journal, the only list with pages.
struct HistoryHandler: Sendable {
  let context: APIContext

  static let query = ["since", "until", "node", "types", "limit", "continue", "watch", "timeoutSeconds"]
  /// What entries may be of. The last two are for more to come.
  private static let types = HistoryEntry.Kind.allCases.map(\.rawValue) + ["source", "output"]

  /// `GET /v1/history`
  func history(_ request: StatusRequest) throws -> APIResponse {
    let now = context.now().wall
    var filter = HistoryFilter()
    var revision: UInt64?
    if let since = try request.query.text("since") {
      if let known = try? ListHandler.revision(since, "since") {
        revision = self.revision(known)
      } else {
        filter.since = try HistoryTime.parse(since, "since", now: now)
      }
    }
    filter.until = try request.query.text("until").map { (text) throws(Problem) in
      try HistoryTime.parse(text, "until", now: now)
    }
    filter.node = try request.query.text("node")
    filter.types = try request.query.words("types", of: Self.types)
    let lists = ListHandler(context: context)
    if try request.query.flag("watch") {
      for name in ["limit", "continue", "until"] where try request.query.text(name) != nil {
        throw Problem.invalid(name, "\(name) isn't for watches")
      }
      var query = WatchQuery(lists: [.history])
      query.entries = filter
      if revision != nil { query.since = try request.query.text("since") }
      return try lists.watch(query, request)
    }
    if try request.query.text("timeoutSeconds") != nil {
      throw Problem.invalid("timeoutSeconds", "timeoutSeconds is for watches: add watch=true")
    }
    let limit = try request.query.integer("limit", in: 1...10_000) ?? 1000
    let after = try request.query.text("continue").map { (text) throws(Problem) in
      guard text.utf8.count == 20, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
        throw .invalid(
          "continue", "continue is what a page's metadata had, not '\(String(text.prefix(80)).shown)'")
      }
      return RowKey(id: text)
    }
    let listing = context.table.rows(of: .history)
    let rows = listing.rows.filter { row in
      (after.map { row.key > $0 } ?? true) && (revision.map { row.revision > $0 } ?? true)
        && filter.matches(row.content.selection.fields)
    }
    let page = rows.prefix(limit)
    return lists.document(
      "History", listing, items: page.map { $0.content.bytes(at: context.now()) },
      next: rows.count > limit ? page.last?.key.id : nil)
  }

  /// The number of a revision of this start; nil for one of another, after which everything is new.
  private func revision(_ text: String) -> UInt64? {
    let parts = text.split(separator: ".")
    return parts.count == 2 && parts[0] == context.table.epoch ? UInt64(parts[1]) : nil
  }
}
